import type { Geometry } from 'geojson';
import { request } from '../request';
import { Store } from '../store';

/** A zone with its boundary. */
export interface Zone {
  id: string;
  name: string;
  boundary: Geometry;
}

/** The zones of a set. */
export interface Zones {
  set: string;
  /** In the order of the set; those that have been read. */
  list: readonly Zone[];
  /** The number of zones in the set. */
  total: number;
}

/** Whether all zones of the set have been read. */
export function isComplete({ list, total }: Zones): boolean {
  return list.length >= total;
}

/** The average of a zone. */
export interface ZoneFigure {
  id: string;
  name: string;
  average: number;
  trips: number;
}

/** Number of zones in an answer. */
const PAGE = 1000;

const QUERY = `query Zones($set: String!, $after: String) {
  zoneSet(name: $set) {
    zones(first: ${PAGE}, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { id name boundary }
    }
  }
}`;

/** The zones of the set that is compared; null without one. */
export const zones = new Store<Zones | null>(null);

let wanted: string | null = null;

/** Reads the zones of a set, unless they are there. Filters do not change them. */
export async function readZones(set: string | null): Promise<void> {
  if (set === wanted) return;
  wanted = set;
  zones.set(null);
  if (set === null) return;
  let list: readonly Zone[] = [];
  let after: string | null = null;
  do {
    const page: Page | null = await readPage(set, after);
    if (wanted !== set) return;
    if (page === null) {
      // Another attempt is possible.
      wanted = null;
      return;
    }
    list = [...list, ...page.nodes];
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    zones.set({ set, list, total: page.totalCount });
  } while (after !== null);
}

interface Page {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  nodes: Zone[];
}

async function readPage(set: string, after: string | null): Promise<Page | null> {
  const { data } = await request({ query: QUERY, variables: { set, after } });
  return (data?.['zoneSet'] as { zones: Page } | null | undefined)?.zones ?? null;
}

/** The name of a zone; what its id says of it while its set is not known. */
export function zoneName(id: string): string {
  const known = zones.get()?.list.find((zone) => zone.id === id);
  return known?.name ?? id.slice(id.indexOf('/') + 1);
}
