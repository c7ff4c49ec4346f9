/** A box in degrees, WGS 84; west > east crosses the antimeridian. */
export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** A corner of a polygon: longitude, latitude. */
export type Corner = readonly [lon: number, lat: number];

/** The area in which trips count: what the map shows, everywhere, what was drawn, or a zone. */
export type Area =
  | { kind: 'view' }
  | { kind: 'everywhere' }
  | { kind: 'box'; box: Box }
  | { kind: 'polygon'; corners: readonly Corner[] }
  | { kind: 'zone'; id: string };

export const TRIP_ENDS = ['ORIGIN', 'DESTINATION', 'BOTH', 'EITHER'] as const;
export type TripEnd = (typeof TRIP_ENDS)[number];

export const DAYS = [
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
  'SUNDAY',
] as const;
export type Day = (typeof DAYS)[number];

/** The trips that the explorer shows. */
export interface Selection {
  area: Area;
  tripEnd: TripEnd;
  /** Null: all regions, and so on. */
  region: string | null;
  datasource: string | null;
  fromWeek: string | null;
  toWeek: string | null;
  /** Empty: every day. */
  days: readonly Day[];
  /** Hours of the day, the second exclusive; a range may run over midnight. Null: all day. */
  hours: readonly [from: number, to: number] | null;
  /** The set whose zones are compared; null: none. */
  zoneSet: string | null;
}

/** The centre and the zoom level of the map. */
export interface MapView {
  lat: number;
  lon: number;
  zoom: number;
}

export const EVERYTHING: Selection = {
  area: { kind: 'view' },
  tripEnd: 'ORIGIN',
  region: null,
  datasource: null,
  fromWeek: null,
  toWeek: null,
  days: [],
  hours: null,
  zoneSet: null,
};

/** A cell of the week: the index of its day in `DAYS`, and its hour. */
export interface WeekCell {
  day: number;
  hour: number;
}

/** The days and hours of the rectangle between two cells; all of them do not restrict. */
export function between(a: WeekCell, b: WeekCell): Pick<Selection, 'days' | 'hours'> {
  const days = DAYS.slice(Math.min(a.day, b.day), Math.max(a.day, b.day) + 1);
  const [from, to] = [Math.min(a.hour, b.hour), Math.max(a.hour, b.hour) + 1];
  return {
    days: days.length === DAYS.length ? [] : days,
    hours: from === 0 && to === 24 ? null : [from, to],
  };
}

/** Whether trips of a cell are selected. */
export function selects({ days, hours }: Pick<Selection, 'days' | 'hours'>, cell: WeekCell) {
  if (days.length > 0 && !days.includes(DAYS[cell.day]!)) return false;
  if (hours === null) return true;
  const [from, to] = hours;
  const { hour } = cell;
  return from < to ? from <= hour && hour < to : hour >= from || hour < to;
}

/** Writes the state of the explorer as the fragment of a URL. */
export function toFragment(selection: Selection, map: MapView | null): string {
  const { area, tripEnd, region, datasource, fromWeek, toWeek, days, hours, zoneSet } = selection;
  const parts = new URLSearchParams();
  if (area.kind === 'everywhere') parts.set('area', 'everywhere');
  if (area.kind === 'box') {
    const { west, south, east, north } = area.box;
    parts.set('bbox', [west, south, east, north].join(','));
  }
  if (area.kind === 'polygon') parts.set('polygon', area.corners.flat().join(','));
  if (area.kind === 'zone') parts.set('zone', area.id);
  if (tripEnd !== 'ORIGIN') parts.set('tripEnd', tripEnd);
  if (region !== null) parts.set('region', region);
  if (datasource !== null) parts.set('datasource', datasource);
  if (fromWeek !== null) parts.set('fromWeek', fromWeek);
  if (toWeek !== null) parts.set('toWeek', toWeek);
  if (days.length > 0) parts.set('days', days.join(','));
  if (hours !== null) parts.set('hours', hours.join('-'));
  if (zoneSet !== null) parts.set('zones', zoneSet);
  if (map !== null) parts.set('map', [map.zoom, map.lat, map.lon].join('/'));
  return `#${parts}`;
}

/** Reads a fragment; parts that are not valid are ignored. */
export function fromFragment(fragment: string): { selection: Selection; map: MapView | null } {
  const parts = new URLSearchParams(fragment.replace(/^#/, ''));
  const tripEnd = TRIP_ENDS.find((end) => end === parts.get('tripEnd')) ?? 'ORIGIN';
  const days = parts.get('days')?.split(',') ?? [];
  const selection: Selection = {
    area: areaOf(parts),
    tripEnd,
    region: parts.get('region'),
    datasource: parts.get('datasource'),
    fromWeek: dateOf(parts.get('fromWeek')),
    toWeek: dateOf(parts.get('toWeek')),
    days: DAYS.filter((day) => days.includes(day)),
    hours: hoursOf(parts.get('hours')),
    zoneSet: parts.get('zones') || null,
  };
  return { selection, map: mapOf(parts.get('map')) };
}

function areaOf(parts: URLSearchParams): Area {
  const bbox = numbers(parts.get('bbox'), ',');
  if (bbox?.length === 4) {
    const [west, south, east, north] = bbox as [number, number, number, number];
    if (isLon(west) && isLon(east) && isLat(south) && isLat(north) && south <= north) {
      return { kind: 'box', box: { west, south, east, north } };
    }
  }
  const flat = numbers(parts.get('polygon'), ',');
  if (flat && flat.length >= 6 && flat.length % 2 === 0) {
    const corners = Array.from({ length: flat.length / 2 }, (_, index): Corner => [
      flat[2 * index]!,
      flat[2 * index + 1]!,
    ]);
    if (corners.every(([lon, lat]) => isLon(lon) && isLat(lat))) {
      return { kind: 'polygon', corners };
    }
  }
  const zone = parts.get('zone');
  if (zone) return { kind: 'zone', id: zone };
  return { kind: parts.get('area') === 'everywhere' ? 'everywhere' : 'view' };
}

function mapOf(text: string | null): MapView | null {
  const values = numbers(text, '/');
  if (values?.length !== 3) return null;
  const [zoom, lat, lon] = values as [number, number, number];
  return zoom >= 0 && zoom <= 20 && isLat(lat) && Math.abs(lon) <= 360 ? { zoom, lat, lon } : null;
}

function hoursOf(text: string | null): [number, number] | null {
  const values = numbers(text, '-');
  if (values?.length !== 2) return null;
  const [from, to] = values as [number, number];
  const isHour = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 24;
  return isHour(from) && isHour(to) && from !== to && from < 24 ? [from, to] : null;
}

function dateOf(text: string | null): string | null {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : null;
}

function numbers(text: string | null, separator: string): number[] | null {
  if (!text) return null;
  const values = text.split(separator).map((part) => (part.trim() === '' ? NaN : Number(part)));
  return values.every(Number.isFinite) ? values : null;
}

const isLon = (value: number): boolean => Math.abs(value) <= 180;
const isLat = (value: number): boolean => Math.abs(value) <= 90;
