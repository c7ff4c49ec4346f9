import L from 'leaflet';
import { rounded } from '../text';
import type { Zone } from './zones';

/** Maximum number of zones that are drawn. */
const MOST = 2000;

/** How many zones are drawn, of those in view. */
export interface DrawnZones {
  drawn: number;
  inView: number;
}

/** A zone with the box around it. */
interface Placed {
  zone: Zone;
  bounds: L.LatLngBounds;
}

/**
 * The zones of a set on a map, darker for a higher average. Only zones in view are drawn; if they
 * are too many, those with the highest averages.
 */
export class ZoneLayer {
  readonly #map: L.Map;
  readonly #layer = L.layerGroup();
  readonly #shapes = new Map<string, L.GeoJSON>();
  readonly #choose: (id: string) => void;
  readonly #onDrawn: (counts: DrawnZones) => void;
  #of: readonly Zone[] = [];
  #placed: readonly Placed[] = [];
  #averages: ReadonlyMap<string, number> = new Map();
  #most = 0;
  #chosen: string | null = null;

  constructor(map: L.Map, choose: (id: string) => void, onDrawn: (counts: DrawnZones) => void) {
    this.#map = map;
    this.#choose = choose;
    this.#onDrawn = onDrawn;
    this.#layer.addTo(map);
    map.on('moveend', this.#draw);
  }

  /** Shows zones with their averages; `chosen` is outlined. */
  show(zones: readonly Zone[], averages: ReadonlyMap<string, number>, chosen: string | null): void {
    if (zones !== this.#of) {
      this.#of = zones;
      this.#placed = zones.map((zone) => ({ zone, bounds: L.geoJSON(zone.boundary).getBounds() }));
    }
    this.#averages = averages;
    this.#most = Math.max(0, ...averages.values());
    this.#chosen = chosen;
    this.#layer.clearLayers();
    this.#shapes.clear();
    this.#draw();
  }

  /** The box around all zones. */
  bounds(): L.LatLngBounds {
    const all = L.latLngBounds([]);
    for (const { bounds } of this.#placed) all.extend(bounds);
    return all;
  }

  readonly #draw = (): void => {
    const view = this.#map.getBounds();
    const inView = this.#placed.filter(({ bounds }) => view.intersects(bounds));
    const rank = ({ zone: { id } }: Placed): number =>
      id === this.#chosen ? Infinity : (this.#averages.get(id) ?? 0);
    const drawn =
      inView.length <= MOST ? inView : [...inView].sort((a, b) => rank(b) - rank(a)).slice(0, MOST);
    const ids = new Set(drawn.map(({ zone }) => zone.id));
    for (const [id, shape] of this.#shapes) {
      if (ids.has(id)) continue;
      this.#layer.removeLayer(shape);
      this.#shapes.delete(id);
    }
    for (const { zone } of drawn) {
      if (!this.#shapes.has(zone.id)) this.#add(zone);
    }
    this.#onDrawn({ drawn: drawn.length, inView: inView.length });
  };

  #add({ id, name, boundary }: Zone): void {
    const average = this.#averages.get(id) ?? 0;
    const shape = L.geoJSON(boundary, {
      style: {
        className: id === this.#chosen ? 'zone chosen' : 'zone',
        fillOpacity: average > 0 ? 0.1 + 0.6 * Math.sqrt(average / this.#most) : 0,
      },
    });
    const text = document.createElement('span');
    text.textContent = `${name}: ${rounded(average)} trips a week`;
    shape.bindTooltip(text, { sticky: true, className: 'flow-tip' });
    shape.on('click', () => this.#choose(id));
    shape.addTo(this.#layer);
    shape.bringToBack();
    this.#shapes.set(id, shape);
  }
}
