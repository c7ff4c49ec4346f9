// The real program, in a directory of its own, for one script.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../../', import.meta.url).pathname;
export const binary = process.env.TRIPGRAPH_BIN ?? join(root, 'target/debug/tripgraph');
const LISTENING = /http:\/\/([\d.]+:\d+)\/graphiql/;

export const trips = await readFile(join(root, 'examples/trips.csv'));

/** Runs `test` against a server, with its address and working directory; the process fails if it throws or takes more than a minute. */
export async function withServer(options, test) {
  const timer = setTimeout(() => {
    console.error('timed out');
    process.exit(1);
  }, 60_000);
  const home = await mkdtemp(join(tmpdir(), 'tripgraph-'));
  const env = { PATH: process.env.PATH, NO_COLOR: '1' };
  const server = spawn(binary, ['serve', '--listen', '127.0.0.1:0', ...options], { cwd: home, env });
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    await test(await address(server), home);
  } finally {
    server.kill();
    await ended;
    await rm(home, { recursive: true });
    clearTimeout(timer);
  }
}

function address(server) {
  return new Promise((resolve, reject) => {
    let log = '';
    const read = (chunk) => {
      log += chunk;
      const found = LISTENING.exec(log);
      if (found) resolve(found[1]);
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('error', reject);
    server.once('close', () => reject(new Error(`the server does not start:\n${log}`)));
  });
}

/** Uploads the example file with nothing but `fetch`; returns the id of the ingestion. */
export async function upload(address, token) {
  const form = new FormData();
  const query = 'mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }';
  form.append('operations', JSON.stringify({ query, variables: { file: null } }));
  form.append('map', JSON.stringify({ 0: ['variables.file'] }));
  form.append('0', new Blob([trips]), 'trips.csv');
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const url = `http://${address}/graphql`;
  const response = await fetch(url, { method: 'POST', body: form, headers });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data.ingestTrips.ingestion.id;
}

export const STATUS = 'subscription ($id: ID!) { ingestionStatus(id: $id) { state rowsIngested } }';

/** The last of the results of a subscription to `STATUS`. */
export async function last(results) {
  let final;
  for await (const { data, errors } of results) {
    if (errors) throw new Error(errors[0].message);
    final = data.ingestionStatus;
  }
  return final;
}
