// Caddy and nginx as docs/guides/proxy.md prints their configuration, but for names and ports: uploads
// that are passed on while they arrive, WebSockets and Server-Sent Events, over TLS. A proxy that is not
// installed is skipped, except in CI.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { STATUS, trips, withServer } from './server.mjs';

const guide = await readFile(new URL('../../docs/guides/proxy.md', import.meta.url), 'utf8');
const MEGABYTES = Number(process.env.PROXY_UPLOAD_MEGABYTES ?? 64);

/** The first block of code under a heading of the guide. */
function printed(heading) {
  const section = guide.split(`## ${heading}\n`)[1].split('\n## ')[0];
  return /```\w+\n([^]*?)```/.exec(section)[1];
}

function replace(text, ...pairs) {
  for (const [from, to] of pairs) {
    assert.ok(text.includes(from), `the guide has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const PROXIES = {
  async caddy(folder, port, server) {
    const site = replace(
      printed('Caddy'),
      ['trips.example.com', `https://localhost:${port}`],
      ['127.0.0.1:8000', server],
    );
    const options = '{\n  admin off\n  skip_install_trust\n  auto_https disable_redirects\n}\n';
    await writeFile(join(folder, 'Caddyfile'), options + site);
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const config = ['--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
    return spawn('caddy', ['run', ...config], { env });
  },
  async nginx(folder, port, server) {
    const [certificate, key] = ['trips.pem', 'trips.key'].map((name) => join(folder, name));
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
    execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
    });
    const site = replace(
      printed('nginx'),
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['trips.example.com', 'localhost'],
      ['/etc/ssl/trips.pem', certificate],
      ['/etc/ssl/trips.key', key],
      ['127.0.0.1:8000', server],
    );
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    await mkdir(join(folder, 'temp'));
    const temporary = paths.map((name) => `${name}_temp_path ${folder}/temp/${name};`).join('\n');
    const main = `pid ${folder}/nginx.pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\n
      events {}\nhttp {\naccess_log off;\n${temporary}\n${site}\n}\n`;
    await writeFile(join(folder, 'nginx.conf'), main);
    return spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  },
};

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until something listens. */
async function listens(port, child, log) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (open) return;
    assert.equal(child.exitCode, null, log());
    await sleep(50);
  }
  throw new Error(`the proxy does not listen:\n${log()}`);
}

/** A request over TLS: its body in pieces, with `meanwhile` before the last of them. */
function request(port, { path = '/graphql', method = 'POST', headers = {} }, pieces, meanwhile) {
  return new Promise((resolve, reject) => {
    const options = { host: 'localhost', port, path, method, headers, rejectUnauthorized: false };
    const sent = https.request(options, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, headers: response.headers, body });
    });
    sent.on('error', reject);
    (async () => {
      for (const [index, piece] of pieces.entries()) {
        if (index > 0 && index === pieces.length - 1) await meanwhile();
        if (!sent.write(piece)) await new Promise((drained) => sent.once('drain', drained));
      }
      sent.end();
    })().catch(reject);
  });
}

async function spooled(home) {
  const folder = join(home, 'data/spool');
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function check(port, home) {
  // An upload, of which the server has most before the client sends the end.
  const query = 'mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }';
  const part = (name, more) => `--X\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const operations = JSON.stringify({ query, variables: { file: null } });
  const head = `${part('operations', '')}${operations}\r\n${part('map', '')}{"0":["variables.file"]}\r\n`;
  const rows = Buffer.from(trips.toString().split('\n').slice(1).join('\n'));
  const megabyte = Buffer.concat(Array(Math.ceil(2 ** 20 / rows.length)).fill(rows));
  const pieces = [head, part('0', '; filename="trips.csv"'), trips];
  pieces.push(...Array(MEGABYTES).fill(megabyte), '\r\n--X--\r\n');
  const length = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  const answer = await request(
    port,
    { headers: { 'content-type': 'multipart/form-data; boundary=X', 'content-length': length } },
    pieces,
    async () => {
      const enough = (MEGABYTES - 8) * 2 ** 20;
      for (let attempt = 0; (await spooled(home)) < enough; attempt++) {
        assert.ok(attempt < 600, 'the proxy holds the upload back');
        await sleep(50);
      }
    },
  );
  assert.equal(answer.status, 200, answer.body);
  const { id } = JSON.parse(answer.body).data.ingestTrips.ingestion;

  // The console, and its origin, which the server compares with Host.
  const json = { 'content-type': 'application/json', origin: `https://localhost:${port}` };
  const regions = JSON.stringify({ query: '{ regions { name } }' });
  assert.equal((await request(port, { headers: json }, [regions])).status, 200);
  assert.equal((await request(port, { path: '/graphiql', method: 'GET' }, [])).status, 200);

  // A subscription over WebSockets. Its origin is checked, too.
  class FromPage extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { rejectUnauthorized: false, origin: json.origin });
    }
  }
  const socket = createClient({ url: `wss://localhost:${port}/graphql`, webSocketImpl: FromPage });
  for await (const { data, errors } of socket.iterate({ query: STATUS, variables: { id } })) {
    assert.equal(errors, undefined);
    if (data.ingestionStatus.state !== 'QUEUED') break;
  }
  await socket.dispose();

  // A subscription over Server-Sent Events that does not end: its first event comes at once.
  const events = { ...json, accept: 'text/event-stream' };
  const subscription = JSON.stringify({ query: 'subscription { ingestionUpdates { id state } }' });
  const first = await new Promise((resolve, reject) => {
    const options = { host: 'localhost', port, path: '/graphql', method: 'POST', headers: events };
    const sent = https.request({ ...options, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
        if (!text.includes('event: next')) return;
        resolve(response.headers['content-type']);
        response.destroy();
      });
    });
    sent.on('error', reject).end(subscription);
    const remove = JSON.stringify({
      query: 'mutation ($id: ID!) { cancelIngestion(id: $id) { state } }',
      variables: { id },
    });
    // Whether it still runs or has ended: of one of both there is an event.
    setTimeout(() => request(port, { headers: json }, [remove]).catch(reject), 500);
  });
  assert.match(first, /^text\/event-stream/);
}

for (const [name, start] of Object.entries(PROXIES)) {
  if (spawnSync(name, ['-v']).error) {
    assert.equal(process.env.CI, undefined, `${name} is not installed`);
    console.log(`${name} is not installed: skipped`);
    continue;
  }
  await withServer(['--allowed-host', 'localhost'], async (server, home) => {
    const folder = await mkdtemp(join(tmpdir(), 'proxy-'));
    const port = await freePort();
    const child = await start(folder, port, server);
    let log = '';
    for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (log += text));
    const ended = new Promise((resolve) => child.once('close', resolve));
    try {
      await listens(port, child, () => log);
      await check(port, home);
    } catch (error) {
      console.error(log);
      throw error;
    } finally {
      child.kill();
      await ended;
      await rm(folder, { recursive: true });
    }
    console.log(`${name}: ${MEGABYTES} MB uploaded unbuffered, WebSocket, event stream`);
  });
}
