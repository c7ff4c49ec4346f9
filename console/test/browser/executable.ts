import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program of a browser: the one that the environment variable names, or the first in the path. */
export function executable(variable: string, names: readonly string[], install: string): string {
  const given = process.env[variable];
  const candidates = given
    ? [given]
    : names.flatMap((name) =>
        (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)),
      );
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // The next one.
    }
  }
  throw new Error(
    given
      ? `${variable} is ${given}, and no program is there.`
      : `There is no ${names.join(', ')} in the PATH: install one (${install}), or set ${variable} to its path.`,
  );
}
