import type { Geometry, Position } from 'geojson';

/**
 * A geometry whose longitudes are continuous, beyond 180 degrees where it crosses the antimeridian,
 * as tiles need it. A ring around a pole is closed along that pole.
 */
export function continuous(geometry: Geometry): Geometry {
  switch (geometry.type) {
    case 'Polygon':
      return { ...geometry, coordinates: polygon(geometry.coordinates) };
    case 'MultiPolygon':
      return { ...geometry, coordinates: geometry.coordinates.map(polygon) };
    case 'LineString':
      return { ...geometry, coordinates: line(geometry.coordinates) };
    case 'MultiLineString':
      return { ...geometry, coordinates: geometry.coordinates.map(line) };
    default:
      return geometry;
  }
}

function polygon([outer, ...holes]: Position[][]): Position[][] {
  if (!outer) return [];
  const around = closed(line(outer));
  const begin = around[0]![0]!;
  return [around, ...holes.map((hole) => line(hole, begin))];
}

/** A line without jumps of more than 180 degrees, that begins near a longitude. */
function line(points: readonly Position[], near?: number): Position[] {
  let before = near;
  return points.map(([lon, lat]) => {
    const next = before === undefined ? lon! : lon! - 360 * Math.round((lon! - before) / 360);
    before = next;
    return [next, lat!];
  });
}

/** A ring that ends where it begins: one that goes around the world does so along its pole. */
function closed(ring: Position[]): Position[] {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  if (Math.abs(first[0]! - last[0]!) < 180) return ring;
  const pole = first[1]! < 0 ? -90 : 90;
  return [...ring, [last[0]!, pole], [first[0]!, pole], first];
}
