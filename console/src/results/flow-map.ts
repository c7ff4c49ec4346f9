import L from 'leaflet';
import { addBaseMap } from '../map/base';
import { plural } from '../text';
import type { Cell, Flow, Point } from './findings';
import { arc, type Lane, lanes, spread, wayText } from './geometry';

/** Width of the thinnest and the thickest line in pixels. */
const THIN = 1.5;
const THICK = 8;

/** Flows between the same two cells are drawn side by side: each bends more than the last. */
const BENDS = { first: 0.1, next: 0.06, last: 0.4 };

/** Flows within one cell are concentric rings with these radii in pixels. */
const RINGS = { first: 7, next: 2.5, last: 22 };

/** Padding in pixels and maximum zoom when flows are brought into view. */
const FIT: L.FitBoundsOptions = { padding: [28, 28], maxZoom: 13 };

/** Flows drawn on a map, with or without a base map. */
export class FlowMap {
  readonly #map: L.Map;
  readonly #layers: L.Path[][] = [];
  readonly #bounds: L.LatLngBounds[] = [];
  readonly #observer: ResizeObserver;
  #shown: readonly number[] = [];
  #moved = false;

  constructor(
    element: HTMLElement,
    flows: readonly Flow[],
    onMark: (index: number | null) => void,
  ) {
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#map = L.map(element, {
      zoomAnimation: !still,
      fadeAnimation: false,
      inertia: !still,
      zoomSnap: 0.25,
      minZoom: 1,
      maxZoom: 17,
    }).setView([0, 0], 2);
    addBaseMap(this.#map);
    L.control.scale({ imperial: false }).addTo(this.#map);

    this.#drawCells(flows);
    const places = lanes(flows);
    const most = Math.max(...flows.map(({ trips }) => trips));
    flows.forEach((flow, index) => {
      const weight = THIN + (THICK - THIN) * (flow.trips / most);
      this.#drawFlow(flow, index, weight, places[index]!);
      for (const layer of this.#layers[index]!) {
        layer.on('mouseover', () => onMark(index)).on('mouseout', () => onMark(null));
      }
    });

    this.#map.on('dragstart zoomstart', () => (this.#moved = true));
    this.#observer = new ResizeObserver(() => {
      this.#map.invalidateSize({ animate: false });
      // The flows shown stay in view until the user moves the map.
      if (!this.#moved && this.#shown.length > 0) this.show(this.#shown);
    });
    this.#observer.observe(element);
  }

  /** Brings flows into view. */
  show(indices: readonly number[]): void {
    this.#shown = indices;
    const bounds = L.latLngBounds([]);
    for (const index of indices) {
      const one = this.#bounds[index];
      if (one) bounds.extend(one);
    }
    if (bounds.isValid()) this.#map.fitBounds(bounds, { ...FIT, animate: false });
    this.#moved = false;
  }

  /** Highlights one flow; null removes the highlight. */
  mark(marked: number | null): void {
    this.#map.getContainer().classList.toggle('has-marked', marked !== null);
    this.#layers.forEach((layers, index) => {
      for (const layer of layers) {
        layer.getElement()?.classList.toggle('marked', index === marked);
        if (index === marked) layer.bringToFront();
      }
    });
  }

  remove(): void {
    this.#observer.disconnect();
    this.#map.remove();
  }

  /** Draws each cell once, however many flows it has. */
  #drawCells(flows: readonly Flow[]): void {
    const drawn = new Set<string>();
    const draw = (cell: Cell, className: string): void => {
      const key = `${className} ${cell.center.lon} ${cell.center.lat}`;
      if (cell.boundary.length === 0 || drawn.has(key)) return;
      drawn.add(key);
      L.polygon(cell.boundary.map(latLng), { className, interactive: false }).addTo(this.#map);
    };
    for (const { destination } of flows) draw(destination, 'cell cell-destination');
    for (const { origin } of flows) draw(origin, 'cell cell-origin');
  }

  #drawFlow(flow: Flow, index: number, weight: number, lane: Lane): void {
    const { origin, destination } = flow;
    const from = L.CRS.EPSG3857.project(latLng(origin.center));
    const to = L.CRS.EPSG3857.project(latLng(destination.center));
    const layers: L.Path[] = [];
    const within = from.distanceTo(to) < 1;
    if (!within) {
      const way = arc(from, to, spread(BENDS, lane)).map(({ x, y }) =>
        L.CRS.EPSG3857.unproject(L.point(x, y)),
      );
      layers.push(L.polyline(way, { className: 'flow-line', weight }));
      this.#bounds[index] = L.latLngBounds(way);
    } else {
      this.#bounds[index] = L.latLngBounds([latLng(origin.center)]);
    }
    // The dot marks the destination; a flow within one cell is only a dot.
    const radius = within ? spread(RINGS, lane) : weight / 2 + 2;
    const className = within ? 'flow-dot flow-within' : 'flow-dot';
    layers.push(L.circleMarker(latLng(destination.center), { className, radius }));
    for (const point of [...origin.boundary, ...destination.boundary]) {
      this.#bounds[index].extend(latLng(point));
    }
    for (const layer of layers) {
      layer.bindTooltip(tooltip(flow), { sticky: true, className: 'flow-tip' }).addTo(this.#map);
      layer.getElement()?.setAttribute('data-flow', String(index));
    }
    this.#layers[index] = layers;
  }
}

function latLng({ lon, lat }: Point): L.LatLng {
  return L.latLng(lat, lon);
}

function tooltip(flow: Flow): HTMLElement {
  const element = document.createElement('div');
  const strong = document.createElement('strong');
  strong.textContent = plural(flow.trips, 'trip');
  element.append(strong, `, ${wayText(flow)}`);
  return element;
}
