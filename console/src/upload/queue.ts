import { findOperation, uploadVariables } from '../operation';
import { Store } from '../store';
import { UPLOAD } from '../tabs';
import { formData, multipart } from './multipart';
import { uploadMessage } from './outcome';
import { transfer } from './transfers';

/**
 * Files that wait to be sent. Each is sent with a request of its own, one after the other: the
 * server limits the files of a request, and one that it refuses does not take the others along.
 */
export const waitingFiles = new Store<readonly File[]>([]);

let sending = false;

/** Puts files at the end of the queue. */
export function sendInTurn(files: readonly File[]): void {
  waitingFiles.update((waiting) => [...waiting, ...files]);
  if (!sending) sendNext();
}

function sendNext(): void {
  const [file, ...others] = waitingFiles.get();
  const operation = findOperation(UPLOAD);
  sending = file !== undefined && operation !== null;
  if (!file || !operation) return;
  waitingFiles.set(others);
  const request = { query: UPLOAD, operationName: operation.definition.name?.value };
  const parts = multipart(request, uploadVariables(operation), new Map([['file', [file]]]));
  transfer(formData(parts), [file], {}, (answer) => {
    queueMicrotask(sendNext);
    return uploadMessage(operation, answer);
  });
}
