import { Store } from '../store';

/** How files are to be read, as the input `TripFormat`; the server recognises what is left out. */
export interface TripFormat {
  /** One column, or longitude and latitude. */
  origin?: readonly string[];
  destination?: readonly string[];
  departedAt?: string;
  arrivedAt?: string;
  region?: string;
  regionName?: string;
  datasource?: string;
  datasourceName?: string;
  /** Columns of ids, which the list of locations explains. */
  originId?: string;
  destinationId?: string;
  timeFormat?: string;
  timeZone?: string;
  delimiter?: string;
  nullValues?: readonly string[];
  encoding?: string;
}

/** The format for the files that are chosen and not yet uploaded. */
export const looseFormat = new Store<TripFormat>({});

/** The list of locations that their ids name; null: none. */
export const looseLocations = new Store<File | null>(null);

/** Parts of which the server takes one. */
const EXCLUSIVE = [
  ['region', 'regionName'],
  ['datasource', 'datasourceName'],
  ['origin', 'originId'],
  ['destination', 'destinationId'],
] as const;

/** Changes a part of the format; undefined and empty leave it to the server. */
export function say<K extends keyof TripFormat>(part: K, value: TripFormat[K]): void {
  looseFormat.update((now) => {
    const { [part]: _, ...others } = now;
    if (value === undefined || value.length === 0) return others;
    const pair = EXCLUSIVE.find((pair) => pair.some((one) => one === part));
    for (const other of pair ?? []) delete others[other as keyof typeof others];
    return { ...others, [part]: value };
  });
}

/** Leaves all of it to the server. */
export function sayNothing(): void {
  looseFormat.set({});
  looseLocations.set(null);
}

/** The format to send; null if all of it is left to the server. */
export function saidFormat(): TripFormat | null {
  const format = looseFormat.get();
  return Object.keys(format).length > 0 ? format : null;
}
