import type { Question } from './query';
import type { Area, Box } from './selection';

/** The files that the server writes, by their subject: `/export/weeks.csv` and so on. */
export const EXPORTS = {
  weeks: ['csv', 'parquet'],
  groups: ['csv', 'geojson', 'parquet'],
  trips: ['csv', 'geojson', 'parquet'],
} as const;
export type Subject = keyof typeof EXPORTS;
export type FileFormat = (typeof EXPORTS)[Subject][number];

/** The path of a file with the trips of the selection. */
export function exportPath(
  subject: Subject,
  format: FileFormat,
  { selection, view, resolution }: Question,
): string {
  const { area, tripEnd, region, datasource, fromWeek, toWeek, days, hours } = selection;
  const parameters = new URLSearchParams();
  if (area.kind !== 'everywhere') {
    parameters.set(...areaParameter(area, view));
    if (tripEnd !== 'ORIGIN') parameters.set('tripEnd', tripEnd);
  }
  if (region !== null) parameters.set('region', region);
  if (datasource !== null) parameters.set('datasource', datasource);
  if (fromWeek !== null) parameters.set('fromWeek', fromWeek);
  if (toWeek !== null) parameters.set('toWeek', toWeek);
  if (days.length > 0) parameters.set('daysOfWeek', days.join(','));
  if (hours !== null) parameters.set('timeRanges', hours.map(clock).join('-'));
  if (subject === 'groups') {
    parameters.set('resolution', String(resolution));
    parameters.set('timeBucketMinutes', '1440');
  }
  const query = parameters.toString();
  return `/export/${subject}.${format}${query && `?${query}`}`;
}

function areaParameter(
  area: Exclude<Area, { kind: 'everywhere' }>,
  view: Box,
): [name: string, value: string] {
  switch (area.kind) {
    case 'view':
      return ['bbox', sides(view)];
    case 'box':
      return ['bbox', sides(area.box)];
    case 'zone':
      return ['zone', area.id];
    case 'polygon': {
      const ring = [...area.corners, area.corners[0]!];
      return ['polygon', JSON.stringify({ type: 'Polygon', coordinates: [ring] })];
    }
  }
}

function clock(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`;
}

function sides({ west, south, east, north }: Box): string {
  return [west, south, east, north].join(',');
}
