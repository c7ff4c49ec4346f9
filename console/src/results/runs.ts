import type { Answer } from '../answer';
import type { Operation } from '../operation';
import { Store } from '../store';

/** The operation and the result of a tab's last run. */
export interface Run {
  operation: Operation;
  data: Record<string, unknown>;
}

/** The last run of each tab, by the tab's id. */
export const runs = new Store<ReadonlyMap<string, Run>>(new Map());

/** Answers that arrived while their tab was inactive, until it is active again; by tab id. */
export const lateAnswers = new Store<ReadonlyMap<string, Answer>>(new Map());

/** Stores the result of a run; null removes the previous one. */
export function keepRun(tab: string, run: Run | null): void {
  runs.update((all) => replaced(all, tab, run));
}

/** Stores a late answer; null removes it. */
export function keepLateAnswer(tab: string, answer: Answer | null): void {
  lateAnswers.update((all) => replaced(all, tab, answer));
}

function replaced<T>(all: ReadonlyMap<string, T>, key: string, value: T | null) {
  const next = new Map(all);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}
