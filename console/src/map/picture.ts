/** Pixels between the edge and the attribution. */
const MARGIN = 6;

/**
 * A map of Leaflet as a PNG, as it is on the page: tiles, shapes and names. An error if the browser
 * does not let the page read the tiles of another host.
 */
export async function picture(map: HTMLElement): Promise<Blob> {
  const { left, top, width, height } = map.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser can’t draw a picture.');
  const onPage = (): void => context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);

  onPage();
  context.fillStyle = getComputedStyle(map).backgroundColor;
  context.fillRect(left, top, width, height);
  for (const tile of map.querySelectorAll<HTMLCanvasElement | HTMLImageElement>(
    '.leaflet-tile-pane :is(canvas, img)',
  )) {
    const box = tile.getBoundingClientRect();
    if (box.width > 0) context.drawImage(tile, box.x, box.y, box.width, box.height);
  }
  for (const path of map.querySelectorAll<SVGPathElement>('.leaflet-overlay-pane path')) {
    const matrix = path.getScreenCTM();
    if (!matrix) continue;
    onPage();
    context.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
    draw(context, path);
  }
  onPage();
  context.globalAlpha = 1;
  context.textBaseline = 'middle';
  for (const name of map.querySelectorAll<HTMLElement>('.place-name span')) {
    const box = name.getBoundingClientRect();
    write(context, name, 'center', box.x + box.width / 2, box.y + box.height / 2);
  }
  const attribution = map.querySelector<HTMLElement>('.leaflet-control-attribution');
  if (attribution) {
    const [x, y] = [left + width - MARGIN, top + height - 2 * MARGIN];
    write(context, attribution, 'right', x, y);
  }
  return new Promise((found, failed) => {
    canvas.toBlob((blob) => {
      if (blob) found(blob);
      else failed(new Error('The browser can’t write a picture of this size.'));
    }, 'image/png');
  });
}

/** Draws a path of Leaflet's SVG, in the coordinates of its `d`, as style sheets have it. */
function draw(context: CanvasRenderingContext2D, path: SVGPathElement): void {
  const style = getComputedStyle(path);
  const shape = new Path2D(path.getAttribute('d') ?? '');
  const opacity = Number(style.opacity);
  if (style.fill !== 'none') {
    context.globalAlpha = opacity * Number(style.fillOpacity);
    context.fillStyle = style.fill;
    context.fill(shape, style.fillRule === 'evenodd' ? 'evenodd' : 'nonzero');
  }
  if (style.stroke !== 'none') {
    context.globalAlpha = opacity * Number(style.strokeOpacity);
    context.strokeStyle = style.stroke;
    context.lineWidth = parseFloat(style.strokeWidth);
    context.lineJoin = style.strokeLinejoin as CanvasLineJoin;
    context.lineCap = style.strokeLinecap as CanvasLineCap;
    const dashes = style.strokeDasharray.match(/[\d.]+/g)?.map(Number) ?? [];
    context.setLineDash(dashes);
    context.stroke(shape);
  }
}

/** Writes a text of the page with a halo in the colour of the land. */
function write(
  context: CanvasRenderingContext2D,
  element: HTMLElement,
  align: CanvasTextAlign,
  x: number,
  y: number,
): void {
  const style = getComputedStyle(element);
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textAlign = align;
  context.setLineDash([]);
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = style.getPropertyValue('--land');
  context.fillStyle = style.color;
  const text = element.textContent.trim();
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
