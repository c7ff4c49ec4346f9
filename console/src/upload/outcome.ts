import { announce } from '../announce';
import type { Answer } from '../answer';
import { followed } from '../ingestions/feed';
import { ingestionsIn } from '../ingestions/ingestion';
import type { Operation } from '../operation';

/** The message about the answer to an upload; null if the ingestion says everything. */
export function uploadMessage(operation: Operation, answer: Answer): string | null {
  const ingestions = ingestionsIn(operation, answer);
  const last = ingestions.at(-1);
  if (last) followed.set(last.id);
  const known = ingestions.filter(({ duplicate }) => duplicate).map(({ id }) => id);
  const messages = answer.errors?.map(({ message }) => message) ?? [];
  if (known.length > 0) messages.push(`Duplicate of ingestion ${known.join(', ')}.`);
  if (ingestions.some(({ formatDiffers }) => formatDiffers)) {
    messages.push('It was given another format; replace it to read the file in this one.');
  }
  const message = messages.join(' ') || null;
  if (message) announce(message);
  return message;
}
