import L from 'leaflet';
import placesUrl from './places.json?url';

/** A city or town: its name, longitude and latitude. */
type Place = readonly [name: string, lon: number, lat: number];

/** Number of the most important places that may be named at a zoom level. */
const MOST_IMPORTANT: readonly number[] = [12, 24, 60, 150, 400, 900, 2_200, 4_500];

/** Maximum number of names on the map. */
const MOST = 70;

let places: Promise<readonly Place[]> | null = null;

function loadPlaces(): Promise<readonly Place[]> {
  places ??= fetch(placesUrl).then((answer) => answer.json() as Promise<Place[]>);
  // The next map tries again.
  places.catch(() => (places = null));
  return places;
}

/** The names of cities and towns in view, the important ones first, none over another. */
export class Labels extends L.LayerGroup {
  #places: readonly Place[] = [];

  override onAdd(map: L.Map): this {
    super.onAdd(map);
    map.on('moveend', this.#draw, this);
    void loadPlaces().then(
      (loaded) => {
        this.#places = loaded;
        this.#draw();
      },
      () => {
        // A map without names.
      },
    );
    return this;
  }

  override onRemove(map: L.Map): this {
    map.off('moveend', this.#draw, this);
    return super.onRemove(map);
  }

  readonly #draw = (): void => {
    const map = (this as unknown as { _map: L.Map | null })._map;
    if (!map || this.#places.length === 0) return;
    this.clearLayers();
    const bounds = map.getBounds();
    const middle = map.getCenter().lng;
    const most = MOST_IMPORTANT[Math.floor(map.getZoom())] ?? this.#places.length;
    const taken: L.Bounds[] = [];
    for (const [name, lon, lat] of this.#places.slice(0, most)) {
      const at = L.latLng(lat, lon - 360 * Math.round((lon - middle) / 360));
      if (!bounds.contains(at)) continue;
      const point = map.latLngToContainerPoint(at);
      const half = L.point(4 + 3.6 * name.length, 11);
      const box = L.bounds(point.subtract(half), point.add(half));
      if (taken.some((other) => other.intersects(box))) continue;
      taken.push(box);
      const text = document.createElement('span');
      text.textContent = name;
      const icon = L.divIcon({ className: 'place-name', html: text, iconSize: [0, 0] });
      this.addLayer(L.marker(at, { icon, interactive: false, keyboard: false, pane: 'places' }));
      if (taken.length >= MOST) break;
    }
  };
}
