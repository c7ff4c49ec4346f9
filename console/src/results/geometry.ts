import { rounded } from '../text';
import type { Cell, Flow, Point } from './findings';

/** Length of a degree of latitude in kilometres. */
const KM_PER_DEGREE = 111.2;

/**
 * The longitude, shifted by a multiple of 360 degrees to be nearest to another: across the
 * antimeridian, 179 and -179 are 2 degrees apart.
 */
export function lonNear(lon: number, to: number): number {
  return lon - 360 * Math.round((lon - to) / 360);
}

function pointNear(point: Point, lon: number): Point {
  return { lon: lonNear(point.lon, lon), lat: point.lat };
}

function cellNear(cell: Cell, lon: number): Cell {
  const center = pointNear(cell.center, lon);
  const boundary = cell.boundary.map((point) => pointNear(point, center.lon));
  return { index: cell.index, center, boundary };
}

/**
 * Flows with continuous longitudes, so that none is split at the antimeridian. Longitudes may be
 * outside -180…180.
 */
export function unwrap(flows: readonly Flow[]): Flow[] {
  const first = flows[0];
  if (!first) return [];
  return flows.map((flow) => {
    const origin = cellNear(flow.origin, first.origin.center.lon);
    const destination = cellNear(flow.destination, origin.center.lon);
    return { ...flow, origin, destination };
  });
}

/** Great-circle distance in kilometres, by the haversine formula. */
export function kilometres(a: Point, b: Point): number {
  const radians = Math.PI / 180;
  const [lat1, lat2] = [a.lat * radians, b.lat * radians];
  const half =
    Math.sin((lat2 - lat1) / 2) ** 2 +
    Math.cos(lat1) * Math.cos(lat2) * Math.sin(((b.lon - a.lon) * radians) / 2) ** 2;
  return (2 * KM_PER_DEGREE * Math.asin(Math.min(1, Math.sqrt(half)))) / radians;
}

/** Flows that are near each other, as indices into the list of flows. */
export type Area = readonly number[];

/**
 * The flows by area, the area with the most trips first. Flows are in the same area if their
 * origins are less than 150 km apart, or are linked by a chain of such flows.
 */
export function areas(flows: readonly Flow[]): Area[] {
  const near = 150;
  const left = new Set(flows.keys());
  const found: number[][] = [];
  for (const seed of flows.keys()) {
    if (!left.delete(seed)) continue;
    const area = [seed];
    for (const member of area) {
      const from = flows[member]!.origin.center;
      for (const other of left) {
        if (kilometres(from, flows[other]!.origin.center) < near) {
          left.delete(other);
          area.push(other);
        }
      }
    }
    found.push(area.sort((a, b) => a - b));
  }
  const trips = (area: Area): number => area.reduce((sum, index) => sum + flows[index]!.trips, 0);
  return found.sort((a, b) => trips(b) - trips(a));
}

/** A point of the plane, in pixels or any other unit. */
export interface Xy {
  x: number;
  y: number;
}

/**
 * A curve from one point to another that bends to one side, so that opposite flows do not overlap.
 * `bend` is the height of the curve as a fraction of the distance.
 */
export function arc(from: Xy, to: Xy, bend: number, steps = 24): Xy[] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  // The control point of a quadratic Bézier curve is twice as far out as the curve.
  const control = {
    x: (from.x + to.x) / 2 - dy * bend * 2,
    y: (from.y + to.y) / 2 + dx * bend * 2,
  };
  return Array.from({ length: steps + 1 }, (_, step) => {
    const t = step / steps;
    const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
    return {
      x: a * from.x + b * control.x + c * to.x,
      y: a * from.y + b * control.y + c * to.y,
    };
  });
}

/** The position of a flow among all flows with the same origin and destination, counted from 0. */
export interface Lane {
  before: number;
  all: number;
}

/** The lane of each flow. */
export function lanes(flows: readonly Flow[]): Lane[] {
  const counts = new Map<string, number>();
  const before = flows.map(({ origin, destination }) => {
    const way = JSON.stringify([origin.center, destination.center]);
    const place = counts.get(way) ?? 0;
    counts.set(way, place + 1);
    return { way, place };
  });
  return before.map(({ way, place }) => ({ before: place, all: counts.get(way)! }));
}

/** The offset of a lane: `first` plus steps of `next`, smaller if a lane would exceed `last`. */
export function spread(
  { first, next, last }: { first: number; next: number; last: number },
  { before, all }: Lane,
): number {
  return first + before * Math.min(next, (last - first) / Math.max(1, all - 1));
}

/** "45.0° N, 7.6° E". */
export function placeText({ lon, lat }: Point): string {
  const turned = lonNear(lon, 0);
  const northSouth = `${Math.abs(lat).toFixed(1)}° ${lat < 0 ? 'S' : 'N'}`;
  return `${northSouth}, ${Math.abs(turned).toFixed(1)}° ${turned < 0 ? 'W' : 'E'}`;
}

/** "08:00–09:00, 4.2 km". */
export function wayText({ time, origin, destination }: Flow): string {
  const distance = kilometres(origin.center, destination.center);
  const way = distance < 0.001 ? 'in one cell' : `${rounded(distance)} km`;
  return time ? `${time}, ${way}` : way;
}
