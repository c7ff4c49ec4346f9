import type { Database } from '../config';
import { type Box, DAYS, type Selection } from './selection';

/** How the databases write what differs between them. */
const DIALECTS = {
  sqlite: {
    week: "date(departed_at, 'weekday 0', '-6 days')",
    // 0 is Sunday.
    day: "CAST(strftime('%w', departed_at) AS integer)",
    dayNumber: (index: number) => (index + 1) % 7,
    hour: "CAST(strftime('%H', departed_at) AS integer)",
  },
  postgres: {
    week: "CAST(date_trunc('week', departed_at) AS date)",
    day: 'EXTRACT(isodow FROM departed_at)',
    dayNumber: (index: number) => index + 1,
    hour: 'EXTRACT(hour FROM departed_at)',
  },
} as const;

/**
 * The trips a week of a selection as a query of the view `visible_trip`; `view` is the part of the
 * map in view. Null if the area is a polygon or a zone, for which plain SQL has no condition.
 */
export function weeksSql(selection: Selection, view: Box, database: Database): string | null {
  const { area, region, datasource, fromWeek, toWeek, days, hours } = selection;
  if (area.kind === 'polygon' || area.kind === 'zone') return null;
  const { week, day, dayNumber, hour } = DIALECTS[database];
  const conditions: string[] = [];
  if (area.kind !== 'everywhere') {
    conditions.push(inBox(selection.tripEnd, area.kind === 'box' ? area.box : view));
  }
  if (region !== null) conditions.push(`region = ${quoted(region)}`);
  if (datasource !== null) conditions.push(`datasource = ${quoted(datasource)}`);
  if (fromWeek !== null) conditions.push(`departed_at >= ${quoted(monday(fromWeek, 0))}`);
  if (toWeek !== null) conditions.push(`departed_at < ${quoted(monday(toWeek, 7))}`);
  if (days.length > 0) {
    const numbers = days.map((name) => dayNumber(DAYS.indexOf(name)));
    conditions.push(`${day} IN (${numbers.join(', ')})`);
  }
  if (hours !== null) {
    const [from, to] = hours;
    const joined = from < to ? 'AND' : 'OR';
    conditions.push(`(${hour} >= ${from} ${joined} ${hour} < ${to})`);
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join('\n  AND ')}\n` : '';
  return `SELECT ${week} AS week, COUNT(*) AS trips
FROM visible_trip
${where}GROUP BY 1
ORDER BY 1;
`;
}

function inBox(tripEnd: Selection['tripEnd'], { west, south, east, north }: Box): string {
  const of = (end: 'origin' | 'destination'): string => {
    const lon = `${end}_lon`;
    const between =
      west <= east
        ? `${lon} BETWEEN ${west} AND ${east}`
        : `(${lon} >= ${west} OR ${lon} <= ${east})`;
    return `${end}_lat BETWEEN ${south} AND ${north} AND ${between}`;
  };
  switch (tripEnd) {
    case 'ORIGIN':
      return of('origin');
    case 'DESTINATION':
      return of('destination');
    case 'BOTH':
      return `${of('origin')}\n  AND ${of('destination')}`;
    case 'EITHER':
      return `(${of('origin')}\n    OR ${of('destination')})`;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The Monday of the week of a date, some days later. */
function monday(date: string, later: number): string {
  const time = new Date(`${date}T00:00:00Z`);
  time.setUTCDate(time.getUTCDate() - ((time.getUTCDay() + 6) % 7) + later);
  return time.toISOString().slice(0, 10);
}
