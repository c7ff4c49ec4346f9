import type { Answer } from '../answer';
import type { Operation } from '../operation';
import { Store } from '../store';

/** What a tab's last run brought. */
export interface Run {
  operation: Operation;
  data: Record<string, unknown>;
}

/** By the id of the tab. */
export const runs = new Store<ReadonlyMap<string, Run>>(new Map());

/** Answers that came when their tab was no longer in front, until it is again; by its id. */
export const lateAnswers = new Store<ReadonlyMap<string, Answer>>(new Map());

/** Keeps what a run brought; null forgets the one before. */
export function keepRun(tab: string, run: Run | null): void {
  runs.update((all) => replaced(all, tab, run));
}

/** Keeps a late answer; null forgets it. */
export function keepLateAnswer(tab: string, answer: Answer | null): void {
  lateAnswers.update((all) => replaced(all, tab, answer));
}

function replaced<T>(all: ReadonlyMap<string, T>, key: string, value: T | null) {
  const next = new Map(all);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}
