import { config } from '../config';
import { request } from '../request';

/** What the server can do beyond what the explorer needs. */
export interface Features {
  /** Polygons. */
  area: boolean;
  daysOfWeek: boolean;
  timeRanges: boolean;
  /** Whether flows can be restricted to a period. */
  filterPeriod: boolean;
  /** The profile of the week. */
  profile: boolean;
  /** Zones, and averages of all zones of a set. */
  zones: boolean;
  /** Whether only fixed places may be asked for, of all days and hours, and no files. */
  fixedPlaces: boolean;
}

export const NO_FEATURES: Features = {
  area: false,
  daysOfWeek: false,
  timeRanges: false,
  filterPeriod: false,
  profile: false,
  zones: false,
  fixedPlaces: false,
};

interface Named {
  name: string;
}

interface Schema {
  filter: { inputFields: Named[] } | null;
  query: { fields: (Named & { args: Named[] })[] } | null;
}

/** Asks the schema for the features; null without an answer. */
export async function readFeatures(): Promise<Features | null> {
  const { data } = await request({
    query: `{
      filter: __type(name: "TripFilter") { inputFields { name } }
      query: __type(name: "Query") { fields { name args { name } } }
    }`,
  });
  if (!data) return null;
  const { filter, query } = data as unknown as Schema;
  const filters = new Set(filter?.inputFields.map(({ name }) => name));
  const weekly = query?.fields.find(({ name }) => name === 'weeklyAverage');
  const args = new Set(weekly?.args.map(({ name }) => name));
  const has = (name: string): boolean =>
    query?.fields.some((field) => field.name === name) ?? false;
  const both = (name: string): boolean => filters.has(name) && args.has(name);
  const found = {
    area: both('area'),
    daysOfWeek: both('daysOfWeek'),
    timeRanges: both('timeRanges'),
    filterPeriod: both('fromWeek'),
    profile: has('tripProfile'),
    zones: both('area') && has('zoneSets'),
    fixedPlaces: false,
  };
  if (!config.get().aggregatesOnly) return found;
  const refused = { area: false, daysOfWeek: false, timeRanges: false, filterPeriod: false };
  return { ...found, ...refused, fixedPlaces: true };
}
