import { readAnswer } from '../answer';
import { withAuthorization } from '../authorization';
import type { TripFormat } from './format';

/** What the server would read in a file; `error` if it could read nothing. */
export interface Inspection {
  /** The names of the columns; empty if the file has no header that can be read. */
  header: readonly string[];
  /** The fields of the first rows; a row may have fewer or more fields than there are columns. */
  firstRows: readonly (readonly string[])[];
  error?: { code: string; message: string };
  found: Found | null;
}

/** What was found in the rows of a file. */
export interface Found {
  format: {
    layout: string | null;
    encoding: string | null;
    delimiter: string | null;
    timeFormat: string | null;
    timeZone: string | null;
    regionName: string | null;
    datasourceName: string | null;
  };
  columns: readonly { part: string; name: string; why: string }[];
  /** Whether all of the file was read; if not, all numbers are about its first rows. */
  complete: boolean;
  rowsRead: number;
  rowsIngested: number;
  rowsRejected: number;
  trips: readonly InspectedTrip[];
  rejectedReasons: readonly { column: string | null; reason: string; rows: number }[];
  warnings: readonly { code: string; message: string }[];
}

export interface InspectedTrip {
  line: number;
  region: string;
  datasource: string;
  origin: readonly [lon: number, lat: number];
  destination: readonly [lon: number, lat: number];
  departedAt: string;
}

/** Bytes of the beginning of a file that are sent. */
const BEGINNING = 1 << 20;

/** A file whose beginning is not enough is sent whole up to this size. */
const WHOLE = 8 << 20;

/** Asks the server what it would read in a file; only the beginning is sent. */
export async function inspect(
  file: File,
  format: TripFormat,
  locations: File | null,
  signal: AbortSignal,
): Promise<Inspection> {
  const found = await send(file, file.slice(0, BEGINNING), format, locations, signal);
  const isShort = found.error?.code === 'MORE_BYTES_NEEDED' && file.size <= WHOLE;
  return isShort ? send(file, file, format, locations, signal) : found;
}

async function send(
  file: File,
  bytes: Blob,
  format: TripFormat,
  locations: File | null,
  signal: AbortSignal,
): Promise<Inspection> {
  const answer = await fetch(`/inspect?${parameters(file, format, locations)}`, {
    method: 'POST',
    headers: withAuthorization({ 'Content-Type': 'application/octet-stream' }),
    body: locations ? new Blob([locations, bytes]) : bytes,
    signal,
  });
  const text = await answer.text();
  if (!answer.ok) {
    const [error] = readAnswer(answer.status, text).errors ?? [];
    throw new Error(error?.message ?? `The server answered with status ${answer.status}.`);
  }
  const read = JSON.parse(text) as Found & Omit<Inspection, 'found'>;
  return { ...read, found: read.error ? null : read };
}

/** The query string for a file that is to be read in this format, behind a list of locations. */
export function parameters(
  { name, size }: { name: string; size: number },
  format: TripFormat,
  locations: { size: number } | null,
) {
  const said = new URLSearchParams({ name, bytesTotal: String(size) });
  if (locations) said.append('locationsBytes', String(locations.size));
  for (const [part, value] of Object.entries(format)) {
    for (const one of Array.isArray(value) ? value : [value]) said.append(part, one as string);
  }
  return said;
}
