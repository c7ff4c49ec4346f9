import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from './server';

const HEADER = 'region,origin_coord,destination_coord,datetime,datasource';

/** Trips in the CSV format; those of other names differ. */
export function trips(name: string, rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const minute = String(row % 60).padStart(2, '0');
    const hour = String(Math.floor(row / 60) % 24).padStart(2, '0');
    return `Prague,POINT (14.4 50.05),POINT (14.45 50.08),2018-05-28 ${hour}:${minute}:00,${name}`;
  });
  return [HEADER, ...lines, ''].join('\n');
}

/** A directory for the files of a test. */
export class Files {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tripgraph-files-'));

  write(name: string, text: string | Buffer): string {
    const path = join(this.#directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** A directory with these files, by name. */
  folder(name: string, content: readonly (readonly [name: string, text: string])[]): string {
    const path = join(this.#directory, name);
    mkdirSync(path);
    for (const [file, text] of content) writeFileSync(join(path, file), text);
    return path;
  }

  /** Made-up trips of the program itself. */
  generated(name: string, rows: number): string {
    const path = join(this.#directory, name);
    execFileSync(binary, ['generate', '--rows', String(rows), '--output', path]);
    return path;
  }

  /** A file of that many bytes, which takes no room on disk. */
  sparse(name: string, bytes: number): string {
    const path = join(this.#directory, name);
    const file = openSync(path, 'w');
    ftruncateSync(file, bytes);
    closeSync(file);
    return path;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
