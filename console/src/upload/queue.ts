import { findOperation, uploadVariables } from '../operation';
import { Store } from '../store';
import { UPLOAD } from '../tabs';
import { formData, multipart } from './multipart';
import { uploadMessage } from './outcome';
import { transfer } from './transfers';

/**
 * Files that wait to be sent, one after the other, each in its own request: the server limits the
 * files of a request, and a refused file does not affect the others.
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
