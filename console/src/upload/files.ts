import type { UploadVariable } from '../operation';
import { Store } from '../store';

/** The files chosen for each Upload variable, by name. They are read from disk when sent. */
export type ChosenFiles = ReadonlyMap<string, readonly File[]>;

export const chosenFiles = new Store<ChosenFiles>(new Map());

/** Files that were dropped or chosen while the active operation could not take them all. */
export const looseFiles = new Store<readonly File[]>([]);

export function chooseFiles(variable: string, files: readonly File[]): void {
  chosenFiles.update((chosen) => new Map(chosen).set(variable, files));
}

/**
 * Assigns files to the variables of an operation: a list takes all remaining files, the others take
 * one each, variables without a file first. Returns the files that no variable takes.
 */
export function distribute(files: readonly File[], variables: readonly UploadVariable[]): File[] {
  const left = [...files];
  const chosen = chosenFiles.get();
  const empty = variables.filter(({ name }) => !chosen.get(name)?.length);
  for (const { name, list } of empty.length > 0 ? empty : variables) {
    if (left.length === 0) break;
    chooseFiles(name, left.splice(0, list ? left.length : 1));
  }
  return left;
}
