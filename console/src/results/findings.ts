import { type Selection, type SelectedField, selectionOf } from '../operation';
import type { Run } from './runs';

/** A result that can be drawn, or a hint how to make it so, with its response key. */
export type Finding =
  | { kind: 'weeks'; key: string; series: WeekSeries }
  | { kind: 'flows'; key: string; flows: readonly Flow[]; hint: string | null }
  | { kind: 'hint'; key: string; hint: string };

export interface WeekCount {
  /** The Monday, `YYYY-MM-DD`. */
  week: string;
  trips: number;
}

export interface WeekSeries {
  weeks: readonly WeekCount[];
  /** Trips ÷ weeks. */
  average: number;
  total: number;
}

/** A point in WGS 84 degrees. */
export interface Point {
  lon: number;
  lat: number;
}

export interface Cell {
  /** H3 index; empty if it was not requested. */
  index: string;
  center: Point;
  /** Empty if it was not requested. */
  boundary: readonly Point[];
}

/** A group of similar trips: from one cell to another. */
export interface Flow {
  origin: Cell;
  destination: Cell;
  trips: number;
  /** "08:00–09:00"; empty if it was not requested. */
  time: string;
}

/** The results of a run that can be drawn, identified by the fields of its operation. */
export function findingsOf({ operation, data }: Run): Finding[] {
  const findings: Finding[] = [];
  for (const [key, field] of selectionOf(operation)) {
    const value = data[key];
    if (!isObject(value)) continue;
    if (field.name === 'weeklyAverage') findings.push(weeksFinding(key, value, field.selection));
    if (field.name === 'groupedTrips') findings.push(flowsFinding(key, value, field.selection));
  }
  return findings;
}

function weeksFinding(key: string, value: Fields, selection: Selection): Finding {
  const weeks: WeekCount[] = [];
  const list = read(value, selection, 'weeks');
  const item = list?.field.selection ?? new Map<string, SelectedField>();
  const missing = ['week', 'trips'].filter((name) => !selects(item, name));
  if (!list || missing.length > 0) {
    const wanted = list ? `${missing.join(' ')} to weeks` : 'weeks { week trips }';
    return { kind: 'hint', key, hint: `Add ${wanted} to see a bar chart.` };
  }
  for (const entry of asList(list.value)) {
    const week = read(entry, item, 'week')?.value;
    const trips = read(entry, item, 'trips')?.value;
    if (typeof week === 'string' && typeof trips === 'number') weeks.push({ week, trips });
  }
  const total = weeks.reduce((sum, { trips }) => sum + trips, 0);
  const average = weeks.length > 0 ? total / weeks.length : 0;
  return { kind: 'weeks', key, series: { weeks, average, total } };
}

function flowsFinding(key: string, value: Fields, selection: Selection): Finding {
  const groups = groupsOf(value, selection);
  if (!groups) {
    const hint = `Add nodes { trips startTime endTime ${CELLS} } to see a map.`;
    return { kind: 'hint', key, hint };
  }
  const inner = groups.selection;
  const lacks = (name: string, ...path: string[]): boolean => !selects(inner, name, ...path);
  const ends = ['origin', 'destination'];
  const missing = [
    ...(lacks('trips') ? ['trips'] : []),
    ...ends
      .filter((end) => lacks(end, 'center', 'lon') || lacks(end, 'center', 'lat'))
      .map((end) => `${end} { center { lon lat } boundary { lon lat } }`),
  ];
  if (missing.length > 0) {
    return { kind: 'hint', key, hint: `Add ${missing.join(' ')} to the groups to see a map.` };
  }
  const optional = [
    ...(lacks('startTime') || lacks('endTime') ? ['startTime endTime'] : []),
    ...ends
      .filter((end) => lacks(end, 'boundary', 'lon') || lacks(end, 'boundary', 'lat'))
      .map((end) => `${end} { boundary { lon lat } }`),
  ];
  const flows = groups.items.flatMap((group) => flowOf(group, inner) ?? []);
  const hint = optional.length > 0 ? `Add ${optional.join(' ')} to see more of the groups.` : null;
  return { kind: 'flows', key, flows, hint };
}

const CELLS =
  'origin { center { lon lat } boundary { lon lat } } destination { center { lon lat } boundary { lon lat } }';

/** The groups of a page, from `nodes` or from `edges { node }`. */
function groupsOf(value: Fields, selection: Selection) {
  const nodes = read(value, selection, 'nodes');
  if (nodes) return { items: asList(nodes.value), selection: nodes.field.selection };
  const edges = read(value, selection, 'edges');
  if (!edges) return null;
  for (const [key, field] of edges.field.selection) {
    if (field.name !== 'node') continue;
    const items = asList(edges.value).flatMap((edge) => asList([edge[key]]));
    return { items, selection: field.selection };
  }
  return null;
}

function flowOf(group: Fields, selection: Selection): Flow | null {
  const trips = read(group, selection, 'trips')?.value;
  const origin = cellOf(read(group, selection, 'origin'));
  const destination = cellOf(read(group, selection, 'destination'));
  if (typeof trips !== 'number' || !origin || !destination) return null;
  const start = read(group, selection, 'startTime')?.value;
  const end = read(group, selection, 'endTime')?.value;
  const times = [start, end].filter((time) => typeof time === 'string');
  return { trips, origin, destination, time: times.join('–') };
}

function cellOf(cell: Read | null): Cell | null {
  if (!cell || !isObject(cell.value)) return null;
  const center = pointOf(read(cell.value, cell.field.selection, 'center'));
  if (!center) return null;
  const boundary = read(cell.value, cell.field.selection, 'boundary');
  const points = asList(boundary?.value).map((value) =>
    pointOf(boundary && { value, field: boundary.field }),
  );
  const index = read(cell.value, cell.field.selection, 'index')?.value;
  return {
    index: typeof index === 'string' ? index : '',
    center,
    boundary: points.filter((point) => point !== null),
  };
}

function pointOf(point: Read | null): Point | null {
  if (!point || !isObject(point.value)) return null;
  const lon = read(point.value, point.field.selection, 'lon')?.value;
  const lat = read(point.value, point.field.selection, 'lat')?.value;
  return typeof lon === 'number' && typeof lat === 'number' ? { lon, lat } : null;
}

type Fields = Record<string, unknown>;

interface Read {
  value: unknown;
  field: SelectedField;
}

/** The value of a schema field in an object of the result, under any response key. */
function read(object: Fields, selection: Selection, name: string): Read | null {
  for (const [key, field] of selection) {
    if (field.name === name && object[key] !== undefined) return { value: object[key], field };
  }
  return null;
}

/** Whether a path of schema fields is selected. */
function selects(selection: Selection, name: string, ...path: string[]): boolean {
  for (const field of selection.values()) {
    if (field.name !== name) continue;
    const [next, ...rest] = path;
    if (next === undefined || selects(field.selection, next, ...rest)) return true;
  }
  return false;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asList(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
