import type { Features } from './schema';
import type { Box, Selection } from './selection';

/** Number of groups that are drawn. */
export const GROUPS = 100;

/** The finest H3 resolution of fixed places. */
const FINEST_FIXED = 7;

/** What a query is about: the selection, the part of the map in view, and the size of the cells. */
export interface Question {
  selection: Selection;
  /** The part of the map in view. */
  view: Box;
  /** H3 resolution of the flows' cells. */
  resolution: number;
}

/** The H3 resolution whose cells have a good size on the screen at a zoom level of the map. */
export function resolutionAt(zoom: number): number {
  return Math.max(0, Math.min(9, Math.round(zoom * 0.7 - 1)));
}

/**
 * The query that answers everything the explorer shows. Values are literals, so that the same text
 * can be run in GraphiQL and copied into a program.
 */
export function exploreQuery(
  { selection, view, resolution }: Question,
  features: Features,
): string {
  const { tripEnd, region, datasource, fromWeek, toWeek, days, hours, zoneSet } = selection;
  const place = placeOf(selection, view);
  const end = place === null || tripEnd === 'ORIGIN' ? null : tripEnd;
  const filters: [string, string | null][] = [
    ['region', region === null ? null : JSON.stringify(region)],
    ['datasource', datasource === null ? null : JSON.stringify(datasource)],
  ];
  const period: [string, string | null][] = [
    ['fromWeek', fromWeek === null ? null : JSON.stringify(fromWeek)],
    ['toWeek', toWeek === null ? null : JSON.stringify(toWeek)],
  ];
  const times: [string, string | null][] = [
    ['daysOfWeek', features.daysOfWeek && days.length > 0 ? `[${days.join(', ')}]` : null],
    ['timeRanges', features.timeRanges && hours !== null ? timeRange(hours) : null],
  ];
  const common = [place ?? ['bbox', null], ['tripEnd', end], ...filters] as [
    string,
    string | null,
  ][];
  const filter = args([...common, ...(features.filterPeriod ? period : []), ...times], 6);
  return `# Trips per week, and the largest flows.
query Explore {
  weeklyAverage${call([...common, ...period, ...times], 4)} {
    average
    averageOfActiveWeeks
    totalTrips
    calendarWeeks
    weeks {
      week
      trips
    }
  }
  groupedTrips(${filter ? `\n    filter: {\n${filter}\n    }` : ''}
    resolution: ${features.fixedPlaces ? Math.min(resolution, FINEST_FIXED) : resolution}
    timeBucketMinutes: 1440
    first: ${GROUPS}
  ) {
    totalCount
    nodes {
      trips
      origin {
        ...Hexagon
      }
      destination {
        ...Hexagon
      }
    }
  }${
    features.profile
      ? `
  tripProfile${call([areaOf(place), ...common.slice(1), ...(features.fixedPlaces ? [] : period)], 4)} {
    cells {
      dayOfWeek
      hour
      trips
    }
  }`
      : ''
  }${
    features.zones && zoneSet !== null
      ? `
  zoneSet(name: ${JSON.stringify(zoneSet)}) {
    weeklyAverages${call([['tripEnd', tripEnd === 'ORIGIN' ? null : tripEnd], ...filters, ...period, ...times], 6)} {
      zone { id name }
      weeklyAverage { average totalTrips }
    }
  }`
      : ''
  }
}

fragment Hexagon on Cell {
  index
  center { lon lat }
  boundary { lon lat }
}
`;
}

/** Trips that a map can look at. */
export interface Subject {
  region?: string | null;
  datasource?: string | null;
  ingestion?: string | null;
}

/** The largest groups of these trips, wherever they are: they show where the map should look. */
export function placesQuery({
  region = null,
  datasource = null,
  ingestion = null,
}: Subject): string {
  const filter = args(
    [
      ['ingestion', ingestion === null ? null : JSON.stringify(ingestion)],
      ['region', region === null ? null : JSON.stringify(region)],
      ['datasource', datasource === null ? null : JSON.stringify(datasource)],
    ],
    0,
  );
  return `query Places {
  groupedTrips(${filter ? `filter: {\n${filter}\n}` : ''} resolution: 6, timeBucketMinutes: 1440, first: 200) {
    nodes { trips origin { center { lon lat } } destination { center { lon lat } } }
  }
}`;
}

/** The argument for the area; null if trips count everywhere. */
function placeOf({ area }: Selection, view: Box): [string, string] | null {
  switch (area.kind) {
    case 'everywhere':
      return null;
    case 'view':
      return ['bbox', boxText(view)];
    case 'box':
      return ['bbox', boxText(area.box)];
    case 'zone':
      return ['area', `{ zone: ${JSON.stringify(area.id)} }`];
    case 'polygon': {
      // GeoJSON closes a ring by repeating its first corner.
      const ring = [...area.corners, area.corners[0]!].map(([lon, lat]) => `[${lon}, ${lat}]`);
      return ['area', `{ polygon: { type: "Polygon", coordinates: [[${ring.join(', ')}]] } }`];
    }
  }
}

/** The same as an area, for fields that take every kind of area as one argument. */
function areaOf(place: [string, string] | null): [string, string | null] {
  if (place === null) {
    return ['area', null];
  }
  const [name, text] = place;
  return ['area', name === 'bbox' ? `{ bbox: ${text} }` : text];
}

function boxText({ west, south, east, north }: Box): string {
  return `{ west: ${west}, south: ${south}, east: ${east}, north: ${north} }`;
}

function timeRange([from, to]: readonly [number, number]): string {
  const time = (hour: number): string => `"${String(hour).padStart(2, '0')}:00"`;
  return `[{ from: ${time(from)}, to: ${time(to)} }]`;
}

/** Arguments on a line each; those without a value are left out. */
function args(all: readonly [string, string | null][], indent: number): string {
  return all
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${' '.repeat(indent)}${name}: ${value}`)
    .join('\n');
}

function call(all: readonly [string, string | null][], indent: number): string {
  const text = args(all, indent);
  return text ? `(\n${text}\n${' '.repeat(indent - 2)})` : '';
}
