import L from 'leaflet';
import { EXTENT, MAX_NATIVE_ZOOM, type TileAnswer, type TileShape, type TileTask } from './tile';

/** Pixels by which tiles overlap, so that no gaps show between them while the map zooms. */
const OVERLAP = 1;

let worker: Worker | null = null;
let lastId = 0;
const waiting = new Map<number, (shapes: TileShape[] | null) => void>();

/** Asks the worker for the shapes of a tile. */
function shapesOf(z: number, x: number, y: number): Promise<TileShape[] | null> {
  if (!worker) {
    worker = new Worker(new URL('./base-worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<TileAnswer>) => {
      waiting.get(data.id)?.(data.shapes);
      waiting.delete(data.id);
    };
  }
  lastId += 1;
  const task: TileTask = { id: lastId, z, x, y };
  worker.postMessage(task);
  return new Promise((resolve) => waiting.set(task.id, resolve));
}

/** Colours of the base map, from the page's theme. */
type Colours = Record<'sea' | 'land' | 'coast' | 'border' | 'river', string>;

function coloursOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    sea: colour('sea'),
    land: colour('land'),
    coast: colour('coast'),
    border: colour('border'),
    river: colour('river'),
  };
}

/** Tiles with the land, the waters and the borders of the world, drawn by the page itself. */
const VectorLayer = L.GridLayer.extend({
  createTile(coords: L.Coords, done: L.DoneCallback): HTMLCanvasElement {
    const layer = this as unknown as L.GridLayer & { _map: L.Map };
    const canvas = document.createElement('canvas');
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const side = layer.getTileSize().x + OVERLAP;
    canvas.width = canvas.height = side * ratio;
    const colours = coloursOf(layer._map.getContainer());
    void shapesOf(coords.z, coords.x, coords.y).then((shapes) => {
      if (shapes) draw(canvas, shapes, colours, ratio);
      done(shapes ? undefined : new Error('the base map could not be loaded'), canvas);
    });
    return canvas;
  },

  _initTile(tile: HTMLElement): void {
    const side = `${(this as unknown as L.GridLayer).getTileSize().x + OVERLAP}px`;
    tile.classList.add('leaflet-tile');
    tile.style.width = side;
    tile.style.height = side;
    tile.onselectstart = () => false;
    tile.onmousemove = () => false;
  },
}) as unknown as new (options: L.GridLayerOptions) => L.GridLayer;

function draw(
  canvas: HTMLCanvasElement,
  shapes: readonly TileShape[],
  colours: Colours,
  ratio: number,
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const scale = ((canvas.width / ratio - OVERLAP) / EXTENT) * ratio;
  const trace = (geometry: TileShape['geometry'], close: boolean): void => {
    context.beginPath();
    for (const line of geometry) {
      line.forEach(([x, y], index) => {
        if (index === 0) context.moveTo(x * scale, y * scale);
        else context.lineTo(x * scale, y * scale);
      });
      if (close) context.closePath();
    }
  };
  context.lineJoin = 'round';
  for (const { kind, geometry } of shapes) {
    const isArea = kind === 'land' || kind === 'lake';
    trace(geometry, isArea);
    if (isArea) {
      context.fillStyle = kind === 'land' ? colours.land : colours.sea;
      context.fill('evenodd');
    }
    context.strokeStyle = isArea ? colours.coast : colours[kind];
    context.lineWidth = (kind === 'border' ? 1.25 : 1) * ratio;
    context.setLineDash(kind === 'border' ? [4 * ratio, 2 * ratio] : []);
    context.stroke();
  }
}

/** The land, the waters and the borders of the world, from Natural Earth; it follows the page's theme. */
export function vectorLayer(): L.GridLayer {
  const layer = new VectorLayer({
    attribution: 'Natural Earth',
    maxNativeZoom: MAX_NATIVE_ZOOM,
    maxZoom: 20,
    className: 'base-map',
  });
  const redraw = (): void => void layer.redraw();
  const scheme = window.matchMedia('(prefers-color-scheme: dark)');
  const theme = new MutationObserver(redraw);
  layer.on('add', () => {
    scheme.addEventListener('change', redraw);
    theme.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  });
  layer.on('remove', () => {
    scheme.removeEventListener('change', redraw);
    theme.disconnect();
  });
  return layer;
}
