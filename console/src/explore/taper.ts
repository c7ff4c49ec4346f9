import { arc, type Xy } from '../results/geometry';

/** Width of the narrow end of a flow, as a share of its wide end. */
const NARROW = 0.15;

/**
 * The outline of a curved flow that is wide at its origin and narrow at its destination, in the
 * unit of its points.
 */
export function taper(from: Xy, to: Xy, width: number, bend: number): Xy[] {
  const way = arc(from, to, bend);
  const left: Xy[] = [];
  const right: Xy[] = [];
  way.forEach((point, index) => {
    const [before, after] = [
      way[Math.max(0, index - 1)]!,
      way[Math.min(way.length - 1, index + 1)]!,
    ];
    const [dx, dy] = [after.x - before.x, after.y - before.y];
    const length = Math.hypot(dx, dy) || 1;
    const done = index / (way.length - 1);
    const half = (width / 2) * (1 - (1 - NARROW) * done);
    const [nx, ny] = [(-dy / length) * half, (dx / length) * half];
    left.push({ x: point.x + nx, y: point.y + ny });
    right.push({ x: point.x - nx, y: point.y - ny });
  });
  return [...left, ...right.reverse()];
}
