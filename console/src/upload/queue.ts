import type { Answer } from '../answer';
import { findOperation, uploadVariables } from '../operation';
import { Store } from '../store';
import { UPLOAD } from '../tabs';
import type { TripFormat } from './format';
import { formData, multipart } from './multipart';
import { uploadMessage } from './outcome';
import { transfer } from './transfers';

/**
 * Files that wait to be sent, one after the other, each in its own request: the server limits the
 * files of a request, and a refused file does not affect the others.
 */
export const waitingFiles = new Store<readonly Waiting[]>([]);

/** A file with the format in which it is to be read; null: as the server recognises it. */
interface Waiting {
  file: File;
  format: TripFormat | null;
  /** The ingestion that it replaces; null: none. */
  replaces: string | null;
  /** The list of the locations whose ids it has; null: none. */
  locations: File | null;
}

const UPLOAD_AS = `mutation IngestTrips(
  $file: Upload!, $format: TripFormat, $locations: Upload, $replaces: ID
) {
  ingestTrips(file: $file, format: $format, locations: $locations, replaces: $replaces) {
    duplicate
    formatDiffers
    ingestion { id source }
  }
}`;

let sending = false;

/** Puts files at the end of the queue. */
export function sendInTurn(
  files: readonly File[],
  format: TripFormat | null = null,
  replaced: ReadonlyMap<File, string> = new Map(),
  locations: File | null = null,
): void {
  const added = files.map((file) => {
    return { file, format, replaces: replaced.get(file) ?? null, locations };
  });
  waitingFiles.update((waiting) => [...waiting, ...added]);
  if (!sending) sendNext();
}

function sendNext(): void {
  const [next, ...others] = waitingFiles.get();
  const query = next?.format || next?.replaces || next?.locations ? UPLOAD_AS : UPLOAD;
  const operation = findOperation(query);
  sending = next !== undefined && operation !== null;
  if (!next || !operation) return;
  const { file, format, replaces, locations } = next;
  waitingFiles.set(others);
  const operationName = operation.definition.name?.value;
  const variables = query === UPLOAD_AS ? { format, replaces } : {};
  const request = { query, operationName, variables };
  const chosen = new Map([['file', [file]]]);
  if (locations) chosen.set('locations', [locations]);
  const parts = multipart(request, uploadVariables(operation), chosen);
  const done = (answer: Answer): string | null => {
    queueMicrotask(sendNext);
    return uploadMessage(operation, answer);
  };
  transfer(formData(parts), [file], {}, done, () =>
    sendInTurn([file], format, new Map(replaces === null ? [] : [[file, replaces]]), locations),
  );
}
