import type { Flow, WeekCount } from '../results/findings';

/** The weeks of an answer as a CSV file. */
export function weeksCsv(weeks: readonly WeekCount[]): string {
  return table(
    ['week', 'trips'],
    weeks.map(({ week, trips }) => [week, trips]),
  );
}

/** The flows of an answer as a CSV file, by the cells' indices and centres. */
export function flowsCsv(flows: readonly Flow[]): string {
  return table(
    [
      'origin_cell',
      'origin_lon',
      'origin_lat',
      'destination_cell',
      'destination_lon',
      'destination_lat',
      'trips',
    ],
    flows.map(({ origin, destination, trips }) => [
      origin.index,
      origin.center.lon,
      origin.center.lat,
      destination.index,
      destination.center.lon,
      destination.center.lat,
      trips,
    ]),
  );
}

function table(header: readonly string[], rows: readonly (string | number)[][]): string {
  return [header, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}
