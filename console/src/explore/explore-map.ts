import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import { addBaseMap } from '../map/base';
import type { Cell, Flow, Point } from '../results/findings';
import { unwrap } from '../results/geometry';
import { plural } from '../text';
import { Drawing } from './drawing';
import type { Area, Box, Corner, MapView } from './selection';
import { taper } from './taper';
import { type DrawnZones, ZoneLayer } from './zone-layer';
import type { Zone } from './zones';

/** Width of the smallest and the largest flow in pixels, at the wide end. */
const THIN = 2;
const THICK = 10;

/** Height of a flow's curve as a fraction of its length. */
const BEND = 0.12;

/** Radius of the smallest and the largest flow within one cell, in pixels. */
const RING = { small: 5, large: 13 };

/** Padding in pixels and the closest view when the map looks at the data. */
const FIT: L.FitBoundsOptions = { padding: [40, 40], maxZoom: 12, animate: false };

/** What the map tells the explorer. */
export interface MapEvents {
  /** The view changed: its centre, zoom level and box. */
  moved(view: MapView, box: Box): void;
  /** A box or a polygon was drawn; null: drawing was cancelled. */
  drawn(area: Area | null): void;
  /** A zone was clicked. */
  zoneChosen(id: string): void;
  /** Zones were drawn. */
  zonesDrawn(counts: DrawnZones): void;
  /** The pointer is on a flow, or left it. */
  marked(index: number | null): void;
}

/** The map of the explorer: base map, cells as heat, flows, and the drawn area. */
export class ExploreMap {
  readonly #map: L.Map;
  readonly #events: MapEvents;
  readonly #zones: ZoneLayer;
  readonly #cells = L.layerGroup();
  readonly #flowLayer = L.layerGroup();
  readonly #areaLayer = L.layerGroup();
  readonly #observer: ResizeObserver;
  #flows: readonly Flow[] = [];
  #shapes: L.Path[] = [];
  #drawing: Drawing | null = null;

  constructor(element: HTMLElement, view: MapView, events: MapEvents) {
    this.#events = events;
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#map = L.map(element, {
      zoomAnimation: !still,
      fadeAnimation: false,
      inertia: !still,
      minZoom: 2,
      maxZoom: 17,
      worldCopyJump: true,
    });
    addBaseMap(this.#map);
    L.control.scale({ imperial: false }).addTo(this.#map);
    this.#map.setView([view.lat, view.lon], view.zoom);
    this.#zones = new ZoneLayer(
      this.#map,
      (id) => {
        if (!this.#drawing) events.zoneChosen(id);
      },
      events.zonesDrawn,
    );
    for (const layer of [this.#areaLayer, this.#cells, this.#flowLayer]) {
      layer.addTo(this.#map);
    }
    this.#map.on('moveend', this.#moved);
    this.#map.on('zoomend', this.#drawFlows);
    this.#moved();
    this.#observer = new ResizeObserver(() => this.#map.invalidateSize({ animate: false }));
    this.#observer.observe(element);
  }

  remove(): void {
    this.#observer.disconnect();
    this.#drawing?.cancel();
    this.#map.remove();
  }

  /** Moves the map to a view, unless it is there. */
  follow({ lat, lon, zoom }: MapView): void {
    const now = this.#view();
    if (now.lat === lat && now.lon === lon && now.zoom === zoom) return;
    this.#map.setView([lat, lon], zoom, { animate: false });
  }

  /** Whether one of these points is in view. */
  shows(points: readonly Point[]): boolean {
    const bounds = this.#map.getBounds();
    return points.some(({ lat, lon }) => bounds.contains([lat, lon]));
  }

  /** Moves the map so that all of these points are in view. */
  fit(points: readonly Point[]): void {
    const bounds = L.latLngBounds(points.map(({ lat, lon }) => L.latLng(lat, lon)));
    if (bounds.isValid()) this.#map.fitBounds(bounds, FIT);
  }

  /** Moves the map so that all zones are in view. */
  fitZones(): void {
    const bounds = this.#zones.bounds();
    if (bounds.isValid()) this.#map.fitBounds(bounds, FIT);
  }

  /** Shows flows, the largest first, and the trips of their cells at one end as heat, if any. */
  show(flows: readonly Flow[], heatOf: 'origin' | 'destination' | null): void {
    this.#flows = unwrap(flows);
    this.#drawCells(heatOf);
    this.#drawFlows();
  }

  /** Shows zones, darker for a higher average; `chosen` is outlined. */
  showZones(
    zones: readonly Zone[],
    averages: ReadonlyMap<string, number>,
    chosen: string | null,
  ): void {
    this.#zones.show(zones, averages, chosen);
  }

  /** Highlights a flow; null removes the highlight. */
  mark(index: number | null): void {
    this.#map.getContainer().classList.toggle('has-marked', index !== null);
    this.#shapes.forEach((shape, one) => {
      shape.getElement()?.classList.toggle('marked', one === index);
      if (one === index) shape.bringToFront();
    });
  }

  /** Outlines a drawn area. */
  outline(area: Area): void {
    this.#areaLayer.clearLayers();
    const options = { className: 'drawn-area', interactive: false };
    if (area.kind === 'box') {
      const { west, south, east, north } = area.box;
      const right = east < west ? east + 360 : east;
      L.rectangle(L.latLngBounds([south, west], [north, right]), options).addTo(this.#areaLayer);
    }
    if (area.kind === 'polygon') {
      const corners = area.corners.map(([lon, lat]) => L.latLng(lat, lon));
      L.polygon(corners, options).addTo(this.#areaLayer);
    }
  }

  /** Lets the user draw an area; null ends the drawing. */
  draw(kind: 'box' | 'polygon' | null): void {
    this.#drawing?.cancel();
    this.#drawing = null;
    if (kind === null) return;
    this.#drawing = new Drawing(this.#map, kind, (corners) => {
      this.#drawing = null;
      this.#events.drawn(corners === null ? null : areaOf(kind, corners));
    });
  }

  #view(): MapView {
    const { lat, lng } = this.#map.getCenter();
    return { lat: metre(lat), lon: metre(lng), zoom: this.#map.getZoom() };
  }

  readonly #moved = (): void => {
    this.#events.moved(this.#view(), boxOf(this.#map.getBounds()));
  };

  #drawCells(heatOf: 'origin' | 'destination' | null): void {
    this.#cells.clearLayers();
    if (heatOf === null) return;
    const sums = new Map<string, { cell: Cell; trips: number }>();
    for (const flow of this.#flows) {
      const cell = flow[heatOf];
      const key = `${cell.center.lon} ${cell.center.lat}`;
      const sum = sums.get(key);
      if (sum) sum.trips += flow.trips;
      else sums.set(key, { cell, trips: flow.trips });
    }
    const most = Math.max(0, ...[...sums.values()].map(({ trips }) => trips));
    const verb = heatOf === 'origin' ? 'start' : 'end';
    for (const { cell, trips } of sums.values()) {
      const shape = L.polygon(
        cell.boundary.map(({ lat, lon }) => L.latLng(lat, lon)),
        { className: 'heat', fillOpacity: 0.1 + 0.6 * Math.sqrt(trips / most) },
      );
      shape.bindTooltip(`${plural(trips, 'trip')} of these flows ${verb} here`, {
        sticky: true,
        className: 'flow-tip',
      });
      shape.addTo(this.#cells);
    }
  }

  readonly #drawFlows = (): void => {
    this.#flowLayer.clearLayers();
    this.#shapes = [];
    const most = Math.max(0, ...this.#flows.map(({ trips }) => trips));
    const zoom = this.#map.getZoom();
    const project = (cell: Cell): L.Point =>
      this.#map.project([cell.center.lat, cell.center.lon], zoom);
    // The smallest first, so that the largest lie on top.
    for (const [index, flow] of [...this.#flows.entries()].reverse()) {
      const share = Math.sqrt(flow.trips / most);
      const [from, to] = [project(flow.origin), project(flow.destination)];
      const shape =
        from.distanceTo(to) < 1
          ? L.circleMarker(this.#map.unproject(from, zoom), {
              className: 'flow-ring',
              radius: RING.small + (RING.large - RING.small) * share,
            })
          : L.polygon(
              taper(from, to, THIN + (THICK - THIN) * share, BEND).map(({ x, y }) =>
                this.#map.unproject(L.point(x, y), zoom),
              ),
              { className: 'flow-shape', smoothFactor: 0 },
            );
      shape.bindTooltip(plural(flow.trips, 'trip'), { sticky: true, className: 'flow-tip' });
      shape.on('mouseover', () => this.#events.marked(index));
      shape.on('mouseout', () => this.#events.marked(null));
      shape.addTo(this.#flowLayer);
      shape.getElement()?.setAttribute('data-flow', String(index));
      this.#shapes[index] = shape;
    }
  };
}

/** Five decimals are about a metre. */
function metre(degrees: number): number {
  return Math.round(degrees * 1e5) / 1e5;
}

function wrapped(lon: number): number {
  const turned = lon - 360 * Math.round(lon / 360);
  return metre(turned);
}

function boxOf(bounds: L.LatLngBounds): Box {
  const [south, north] = [bounds.getSouth(), bounds.getNorth()];
  const lat = (value: number): number => metre(Math.max(-90, Math.min(90, value)));
  if (bounds.getEast() - bounds.getWest() >= 360) {
    return { west: -180, south: lat(south), east: 180, north: lat(north) };
  }
  return {
    west: wrapped(bounds.getWest()),
    south: lat(south),
    east: wrapped(bounds.getEast()),
    north: lat(north),
  };
}

function areaOf(kind: 'box' | 'polygon', corners: readonly L.LatLng[]): Area {
  if (kind === 'box') return { kind, box: boxOf(L.latLngBounds([...corners])) };
  return {
    kind,
    corners: corners.map(({ lat, lng }): Corner => [wrapped(lng), metre(lat)]),
  };
}
