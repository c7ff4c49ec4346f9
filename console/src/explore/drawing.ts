import L from 'leaflet';

/** Pixels within which a click hits the first corner of a polygon, which closes it. */
const NEAR = 10;

/** A box or a polygon while it is drawn with the pointer; Escape cancels it. */
export class Drawing {
  readonly #map: L.Map;
  readonly #done: (corners: L.LatLng[] | null) => void;
  readonly #sketch: L.Polygon;
  #corners: L.LatLng[] = [];

  /** `done` is called once, with the corners or, if cancelled, with null. */
  constructor(map: L.Map, kind: 'box' | 'polygon', done: (corners: L.LatLng[] | null) => void) {
    this.#map = map;
    this.#done = done;
    this.#sketch = L.polygon([], { className: 'drawn-area', interactive: false }).addTo(map);
    const container = map.getContainer();
    container.classList.add('drawing');
    map.dragging.disable();
    map.doubleClickZoom.disable();
    if (kind === 'box') {
      container.addEventListener('pointerdown', this.#begin, { capture: true });
    } else {
      map.on('click', this.#addCorner);
      map.on('mousemove', this.#follow);
      map.on('dblclick', this.#close);
    }
    document.addEventListener('keydown', this.#onKey);
  }

  /** Ends the drawing without an area, and without a word to `done`. */
  cancel(): void {
    this.#release();
  }

  /** Begins a box at the pointer, which then drags the opposite corner. */
  readonly #begin = (down: PointerEvent): void => {
    const container = this.#map.getContainer();
    if (!down.isPrimary || (down.target as Element).closest('.leaflet-control')) return;
    down.preventDefault();
    down.stopPropagation();
    const first = this.#map.mouseEventToLatLng(down);
    container.setPointerCapture(down.pointerId);
    const box = (event: PointerEvent): L.LatLng[] => {
      const bounds = L.latLngBounds(first, this.#map.mouseEventToLatLng(event));
      return [
        bounds.getSouthWest(),
        bounds.getNorthWest(),
        bounds.getNorthEast(),
        bounds.getSouthEast(),
      ];
    };
    const onMove = (event: PointerEvent): void => void this.#sketch.setLatLngs(box(event));
    const onUp = (event: PointerEvent): void => {
      container.removeEventListener('pointermove', onMove);
      const moved = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
      // A mere click is no box.
      if (moved >= 4) this.#end(box(event));
    };
    container.addEventListener('pointermove', onMove);
    container.addEventListener('pointerup', onUp, { once: true });
  };

  readonly #addCorner = ({ latlng, containerPoint }: L.LeafletMouseEvent): void => {
    const first = this.#corners[0];
    if (first && this.#corners.length >= 3) {
      const begin = this.#map.latLngToContainerPoint(first);
      if (begin.distanceTo(containerPoint) <= NEAR) return this.#close();
    }
    this.#corners.push(latlng);
    this.#sketch.setLatLngs(this.#corners);
  };

  readonly #follow = ({ latlng }: L.LeafletMouseEvent): void => {
    if (this.#corners.length > 0) this.#sketch.setLatLngs([...this.#corners, latlng]);
  };

  readonly #close = (): void => {
    // The two clicks of a double click are one corner.
    const corners = this.#corners.filter((corner, index) => {
      const before = this.#corners[index - 1];
      return !before || !corner.equals(before);
    });
    if (corners.length >= 3) this.#end(corners);
  };

  readonly #onKey = ({ key }: KeyboardEvent): void => {
    if (key === 'Escape') this.#end(null);
    if (key === 'Enter') this.#close();
  };

  #end(corners: L.LatLng[] | null): void {
    this.#release();
    this.#done(corners);
  }

  #release(): void {
    const container = this.#map.getContainer();
    container.classList.remove('drawing');
    container.removeEventListener('pointerdown', this.#begin, { capture: true });
    document.removeEventListener('keydown', this.#onKey);
    this.#map.off('click', this.#addCorner);
    this.#map.off('mousemove', this.#follow);
    this.#map.off('dblclick', this.#close);
    this.#map.dragging.enable();
    this.#map.doubleClickZoom.enable();
    this.#sketch.remove();
  }
}
