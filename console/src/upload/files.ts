import type { UploadVariable } from '../operation';
import { Store } from '../store';

/** The files chosen for each Upload variable, by name. They are read from disk when sent. */
export type ChosenFiles = ReadonlyMap<string, readonly File[]>;

export const chosenFiles = new Store<ChosenFiles>(new Map());

/** Chosen files that no variable of an operation takes: each is uploaded in its own request. */
export const looseFiles = new Store<readonly File[]>([]);

/** The ingestions that chosen files replace, by file. */
export const replacing = new Store<ReadonlyMap<File, string>>(new Map());

export function chooseFiles(variable: string, files: readonly File[]): void {
  chosenFiles.update((chosen) => new Map(chosen).set(variable, files));
}

/**
 * Assigns files to the variables of an operation: a list takes all remaining files, the others take
 * one each, variables without a file first. Returns false, and assigns none, if the variables can't
 * take all files.
 */
export function distribute(files: readonly File[], variables: readonly UploadVariable[]): boolean {
  const left = [...files];
  const chosen = new Map(chosenFiles.get());
  const empty = variables.filter(({ name }) => !chosen.get(name)?.length);
  for (const { name, list } of empty.length > 0 ? empty : variables) {
    if (left.length > 0) chosen.set(name, left.splice(0, list ? left.length : 1));
  }
  if (left.length > 0) return false;
  chosenFiles.set(chosen);
  return true;
}
