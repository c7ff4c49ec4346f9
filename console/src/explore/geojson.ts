import type { Feature, FeatureCollection, Geometry, Position } from 'geojson';
import { lonNear } from '../results/geometry';
import type { Flow, Point } from '../results/findings';
import type { Zone, ZoneFigure } from './zones';

/** What the map shows as GeoJSON: flows as lines from their origin, zones with their averages. */
export function mapGeoJson(
  flows: readonly Flow[],
  zones: readonly Zone[],
  figures: readonly ZoneFigure[],
): FeatureCollection {
  const byId = new Map(figures.map((figure) => [figure.id, figure]));
  const features: Feature[] = zones.map(({ id, name, boundary }) => ({
    type: 'Feature',
    properties: {
      kind: 'zone',
      zone: id,
      name,
      trips_per_week: byId.get(id)?.average ?? null,
      trips: byId.get(id)?.trips ?? null,
    },
    geometry: boundary,
  }));
  for (const { origin, destination, trips } of flows) {
    features.push({
      type: 'Feature',
      properties: {
        kind: 'flow',
        origin_cell: origin.index,
        destination_cell: destination.index,
        trips,
      },
      geometry: line(origin.center, destination.center),
    });
  }
  return { type: 'FeatureCollection', features };
}

/** A line, cut in two where it crosses the antimeridian, as RFC 7946 wants it. */
function line(from: Point, to: Point): Geometry {
  const lon = lonNear(to.lon, from.lon);
  const edge = lon > 180 ? 180 : lon < -180 ? -180 : null;
  const [begin, end]: [Position, Position] = [
    [from.lon, from.lat],
    [to.lon, to.lat],
  ];
  if (edge === null) return { type: 'LineString', coordinates: [begin, end] };
  const lat = from.lat + ((edge - from.lon) / (lon - from.lon)) * (to.lat - from.lat);
  return {
    type: 'MultiLineString',
    coordinates: [
      [begin, [edge, lat]],
      [[-edge, lat], end],
    ],
  };
}
