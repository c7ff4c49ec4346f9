import { announce, quarters } from '../announce';
import type { Answer } from '../answer';
import { Store } from '../store';
import { Rate } from './rate';
import { send } from './transport';

/** An upload of one or more files, and its outcome. */
export interface Transfer {
  id: number;
  /** The names of its files, separated by commas. */
  files: string;
  state: 'sending' | 'answered' | 'failed' | 'cancelled';
  /** Bytes sent so far. */
  sent: number;
  total: number;
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** The message about its outcome. */
  message: string | null;
  cancel(): void;
  /** Uploads the files again; null if the page can't do that by itself. */
  retry: (() => void) | null;
}

/** Running transfers, and ended ones with a message; newest first. */
export const transfers = new Store<readonly Transfer[]>([]);

let lastId = 0;

export function dismiss(id: number): void {
  transfers.update((all) => all.filter((one) => one.id !== id));
}

/** Dismisses the messages of all ended transfers. */
export function dismissEnded(): void {
  transfers.update((all) => all.filter(({ state }) => state === 'sending'));
}

/**
 * Sends a form with files and follows its progress; the returned function cancels it. `done`
 * returns the message about an answer.
 */
export function transfer(
  form: FormData,
  files: readonly File[],
  headers: Record<string, unknown>,
  done: (answer: Answer) => string | null,
  retry: (() => void) | null = null,
): () => void {
  lastId += 1;
  const id = lastId;
  const rate = new Rate();
  let before = 0;
  const change = (part: Partial<Transfer>): void => {
    transfers.update((all) => all.map((one) => (one.id === id ? { ...one, ...part } : one)));
  };
  const began: Transfer = {
    id,
    files: files.map((file) => file.name).join(', '),
    state: 'sending',
    sent: 0,
    total: files.reduce((sum, file) => sum + file.size, 0),
    bytesPerSecond: null,
    secondsLeft: null,
    message: null,
    cancel: () => abort(),
    retry,
  };
  // The message about an earlier attempt with the same files is out of date.
  transfers.update((all) => [
    began,
    ...all.filter((one) => one.state === 'sending' || one.files !== began.files),
  ]);
  const abort = send(form, headers, {
    progress(sent, total) {
      if (quarters(sent, total) > quarters(before, total) && sent < total) {
        announce(`${began.files}: ${25 * quarters(sent, total)} percent sent.`);
      }
      before = sent;
      rate.add(performance.now() / 1000, sent);
      const [bytesPerSecond, secondsLeft] = [rate.perSecond(), rate.secondsTo(total)];
      change({ sent, total, bytesPerSecond, secondsLeft });
    },
    end(state, answer) {
      const message = done(answer);
      if (message) change({ state, message });
      else dismiss(id);
    },
  });
  return abort;
}
