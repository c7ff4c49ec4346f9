// graphql-codegen: types from the published schema and from operations; a program that uses them is
// checked by the TypeScript compiler in its strict mode.
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';

const here = new URL('.', import.meta.url).pathname;
const run = (program, ...args) => {
  try {
    execFileSync(`${here}node_modules/.bin/${program}`, args, { cwd: `${here}codegen`, stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${program}: ${error.stdout}${error.stderr}`);
  }
};
await rm(`${here}codegen/generated`, { recursive: true, force: true });
run('graphql-codegen', '--config', 'codegen.json');
run('tsc', '--project', '.');
