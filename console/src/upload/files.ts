import type { UploadVariable } from '../operation';
import { Store } from '../store';

/** The files chosen for each Upload variable, by its name. They stay on disk until they are sent. */
export type ChosenFiles = ReadonlyMap<string, readonly File[]>;

export const chosenFiles = new Store<ChosenFiles>(new Map());

/** Files that were dropped or picked while no operation with an Upload variable was at hand. */
export const looseFiles = new Store<readonly File[]>([]);

export function chooseFiles(variable: string, files: readonly File[]): void {
  chosenFiles.update((chosen) => new Map(chosen).set(variable, files));
}

/**
 * Gives files to the variables of an operation: a list takes all that are left, others take one
 * each, those without a file first. What none of them takes is returned.
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
