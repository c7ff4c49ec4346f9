import { buildSchema, parse, validate } from 'graphql';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flowsCsv, weeksCsv } from '../../src/explore/csv';
import { exportPath } from '../../src/explore/exports';
import { mapGeoJson } from '../../src/explore/geojson';
import { exploreQuery, placesQuery, resolutionAt } from '../../src/explore/query';
import { type Features, NO_FEATURES } from '../../src/explore/schema';
import {
  between,
  DAYS,
  EVERYTHING,
  fromFragment,
  type Selection,
  selects,
  toFragment,
} from '../../src/explore/selection';
import { snippet } from '../../src/explore/snippets';
import { weeksSql } from '../../src/explore/sql';
import { taper } from '../../src/explore/taper';

const VIEW = { west: 14.3, south: 50, east: 14.5, north: 50.1 };
const ALL: Features = {
  area: true,
  daysOfWeek: true,
  timeRanges: true,
  filterPeriod: true,
  profile: true,
  zones: true,
  fixedPlaces: false,
};
const FULL: Selection = {
  area: { kind: 'box', box: { west: 170, south: -10.5, east: -170, north: 1e-7 } },
  tripEnd: 'BOTH',
  region: 'Ústí "nad" \\ Labem & more=1#',
  datasource: '',
  fromWeek: '2018-01-01',
  toWeek: '2018-12-31',
  days: ['MONDAY', 'SUNDAY'],
  hours: [22, 6],
  zoneSet: 'Districts & "quarters"',
};

test('a link keeps the selection and the view of the map', () => {
  const map = { zoom: 11, lat: 50.08, lon: -14.4 };
  for (const selection of [
    EVERYTHING,
    FULL,
    { ...FULL, area: { kind: 'everywhere' } as const },
    { ...FULL, area: { kind: 'zone', id: 'Districts/a/b#1' } as const },
    {
      ...FULL,
      area: {
        kind: 'polygon',
        corners: [
          [14, 50],
          [15, 50],
          [14.5, 51],
        ],
      } as const,
    },
  ]) {
    expect(fromFragment(toFragment(selection, map))).toEqual({ selection, map });
    expect(fromFragment(toFragment(selection, null))).toEqual({ selection, map: null });
  }
});

test('parts of a link that are not valid are ignored', () => {
  for (const hash of [
    '',
    '#',
    '#bbox=1,2,3',
    '#bbox=0,60,1,50',
    '#bbox=0,0,1,NaN',
    '#bbox=0,,1,2',
    '#bbox=0,0,999,1',
    '#polygon=1,2,3,4',
    '#tripEnd=NOWHERE',
    '#days=Someday',
    '#hours=7',
    '#hours=7-7',
    '#hours=24-3',
    '#fromWeek=yesterday',
    '#map=99/0/0',
  ]) {
    expect(fromFragment(hash)).toEqual({ selection: EVERYTHING, map: null });
  }
});

test('the queries are valid for the schema of the server', () => {
  const schema = buildSchema(
    readFileSync(join(import.meta.dirname, '../../../schema.graphql'), 'utf8'),
  );
  for (const selection of [
    EVERYTHING,
    FULL,
    { ...FULL, area: { kind: 'everywhere' } as const },
    { ...FULL, area: { kind: 'zone', id: 'a/"b"' } as const },
  ]) {
    const question = { selection, view: VIEW, resolution: 7 };
    for (const features of [NO_FEATURES, ALL]) {
      expect(validate(schema, parse(exploreQuery(question, features)))).toEqual([]);
    }
    expect(validate(schema, parse(placesQuery(selection)))).toEqual([]);
  }
});

test('only what the server supports is asked of it', () => {
  const question = { selection: FULL, view: VIEW, resolution: 7 };
  const least = exploreQuery(question, NO_FEATURES);
  expect(least).not.toMatch(/daysOfWeek|timeRanges|tripProfile/);
  expect(least.match(/fromWeek/g)).toHaveLength(1);
  const most = exploreQuery(question, ALL);
  expect(most).toContain('daysOfWeek: [MONDAY, SUNDAY]');
  expect(most).toContain('timeRanges: [{ from: "22:00", to: "06:00" }]');
  expect(most).toContain('bbox: { west: 170, south: -10.5, east: -170, north: 1e-7 }');
  // Weeks, flows, profile and zones are all of the period.
  expect(most.match(/fromWeek: "2018-01-01"/g)).toHaveLength(4);
  parse(most);
});

test('cells become smaller as the map comes closer', () => {
  const all = Array.from({ length: 20 }, (_, zoom) => resolutionAt(zoom));
  expect(all).toEqual([...all].sort((a, b) => a - b));
  expect([all[0], all.at(-1)]).toEqual([0, 9]);
});

test('a program keeps every character of the query, and never the token', () => {
  const query = `{ region(name: "it's \\"odd\\"") { trips } }`;
  const url = 'http://127.0.0.1:8000/graphql';
  const curl = snippet('curl', url, query, true);
  expect(curl).toContain(`it'\\''s`);
  expect(curl).toContain('Bearer $TRIPGRAPH_TOKEN');
  for (const language of ['curl', 'python', 'javascript'] as const) {
    expect(snippet(language, url, query, false)).not.toContain('TRIPGRAPH_TOKEN');
    expect(snippet(language, url, query, true)).toContain('TRIPGRAPH_TOKEN');
  }
});

test('files hold what is shown', () => {
  expect(weeksCsv([{ week: '2018-01-01', trips: 3 }])).toBe('week,trips\r\n2018-01-01,3\r\n');
  const cell = (index: string, lon: number) => ({ index, center: { lon, lat: 50 }, boundary: [] });
  const flow = { origin: cell('87a', 14.4), destination: cell('87b', 14.5), trips: 7, time: '' };
  expect(flowsCsv([flow]).split('\r\n')[1]).toBe('87a,14.4,50,87b,14.5,50,7');
});

test('a flow is wide at its origin and narrow at its destination', () => {
  const outline = taper({ x: 0, y: 0 }, { x: 100, y: 0 }, 10, 0.1);
  const distance = (a: number, b: number): number =>
    Math.hypot(outline[a]!.x - outline[b]!.x, outline[a]!.y - outline[b]!.y);
  const half = outline.length / 2;
  expect(distance(0, outline.length - 1)).toBeCloseTo(10);
  expect(distance(half - 1, half)).toBeCloseTo(1.5);
});

test('a file of the server has the filters of the selection', () => {
  const view = VIEW;
  const path = (selection: Selection, subject: 'weeks' | 'groups' = 'weeks'): string =>
    exportPath(subject, 'csv', { selection, view, resolution: 5 });
  expect(path(EVERYTHING)).toBe('/export/weeks.csv?bbox=14.3%2C50%2C14.5%2C50.1');
  const everywhere = { ...EVERYTHING, area: { kind: 'everywhere' } as const };
  expect(path(everywhere)).toBe('/export/weeks.csv');
  expect(path(everywhere, 'groups')).toBe('/export/groups.csv?resolution=5&timeBucketMinutes=1440');
  const full = new URL(path(FULL), 'http://server');
  expect(Object.fromEntries(full.searchParams)).toEqual({
    bbox: '170,-10.5,-170,1e-7',
    tripEnd: 'BOTH',
    region: FULL.region,
    datasource: '',
    fromWeek: '2018-01-01',
    toWeek: '2018-12-31',
    daysOfWeek: 'MONDAY,SUNDAY',
    timeRanges: '22:00-06:00',
  });
  expect(path({ ...EVERYTHING, area: { kind: 'zone', id: 'a/b c' } })).toBe(
    '/export/weeks.csv?zone=a%2Fb+c',
  );
});

test('a flow across the antimeridian is cut in two in GeoJSON', () => {
  const cell = (lon: number, lat: number) => ({ index: '8', center: { lon, lat }, boundary: [] });
  const flow = (from: number, to: number) => ({
    origin: cell(from, 0),
    destination: cell(to, 10),
    trips: 1,
    time: '',
  });
  const { features } = mapGeoJson([flow(170, -170), flow(-170, 170), flow(1, 2)], [], []);
  expect(features.map(({ geometry }) => geometry)).toEqual([
    {
      type: 'MultiLineString',
      coordinates: [
        [
          [170, 0],
          [180, 5],
        ],
        [
          [-180, 5],
          [-170, 10],
        ],
      ],
    },
    {
      type: 'MultiLineString',
      coordinates: [
        [
          [-170, 0],
          [-180, 5],
        ],
        [
          [180, 5],
          [170, 10],
        ],
      ],
    },
    {
      type: 'LineString',
      coordinates: [
        [1, 0],
        [2, 10],
      ],
    },
  ]);
});

test('a brush selects the cells of its rectangle, whatever its corners', () => {
  const cells = DAYS.flatMap((_, day) => Array.from({ length: 24 }, (_, hour) => ({ day, hour })));
  for (const a of cells.filter((_, at) => at % 5 === 0)) {
    for (const b of cells.filter((_, at) => at % 7 === 0)) {
      const selected = cells.filter((cell) => selects(between(a, b), cell));
      const expected = cells.filter(
        ({ day, hour }) =>
          (day - a.day) * (day - b.day) <= 0 && (hour - a.hour) * (hour - b.hour) <= 0,
      );
      expect(selected).toEqual(expected);
    }
  }
  expect(between({ day: 6, hour: 23 }, { day: 0, hour: 0 })).toEqual({ days: [], hours: null });
});

test('hours over midnight are selected on both sides of it', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  const night = { days: [], hours: [22, 6] as const };
  expect(hours.filter((hour) => selects(night, { day: 0, hour }))).toEqual([
    ...[0, 1, 2, 3, 4, 5, 22, 23],
  ]);
});

test('the SQL of a selection has each of its filters, in the words of the database', () => {
  const full = { ...FULL, region: "L'Aquila", days: ['MONDAY', 'SUNDAY'] as const };
  expect(weeksSql(full, VIEW, 'sqlite'))
    .toBe(`SELECT date(departed_at, 'weekday 0', '-6 days') AS week, COUNT(*) AS trips
FROM visible_trip
WHERE origin_lat BETWEEN -10.5 AND 1e-7 AND (origin_lon >= 170 OR origin_lon <= -170)
  AND destination_lat BETWEEN -10.5 AND 1e-7 AND (destination_lon >= 170 OR destination_lon <= -170)
  AND region = 'L''Aquila'
  AND datasource = ''
  AND departed_at >= '2018-01-01'
  AND departed_at < '2019-01-07'
  AND CAST(strftime('%w', departed_at) AS integer) IN (1, 0)
  AND (CAST(strftime('%H', departed_at) AS integer) >= 22 OR CAST(strftime('%H', departed_at) AS integer) < 6)
GROUP BY 1
ORDER BY 1;
`);
  const postgres = weeksSql(full, VIEW, 'postgres')!;
  expect(postgres).toContain('EXTRACT(isodow FROM departed_at) IN (1, 7)');
  expect(weeksSql(EVERYTHING, VIEW, 'sqlite')).toContain(
    'WHERE origin_lat BETWEEN 50 AND 50.1 AND origin_lon BETWEEN 14.3 AND 14.5\n',
  );
  expect(weeksSql({ ...EVERYTHING, area: { kind: 'zone', id: 'a/b' } }, VIEW, 'sqlite')).toBeNull();
});
