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
  timeZone?: string;
}

/** The format for the files that are chosen and not yet uploaded. */
export const looseFormat = new Store<TripFormat>({});

/** Changes a part of the format; undefined and empty leave it to the server. */
export function say<K extends keyof TripFormat>(part: K, value: TripFormat[K]): void {
  looseFormat.update((now) => {
    const { [part]: _, ...others } = now;
    const said = value !== undefined && value.length > 0;
    return said ? { ...others, [part]: value } : others;
  });
}

/** The format to send; null if all of it is left to the server. */
export function saidFormat(): TripFormat | null {
  const format = looseFormat.get();
  return Object.keys(format).length > 0 ? format : null;
}
