import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The program under test. */
export const binary = resolve(
  process.env['TRIPGRAPH_BIN'] ?? join(import.meta.dirname, '../../../target/debug/tripgraph'),
);

/** An answer of the API. */
export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** The real server, on an empty directory of its own. */
export class Server {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tripgraph-console-'));
  readonly #options: string[];
  #process: ChildProcess | null = null;
  #address = '127.0.0.1:0';

  private constructor(options: string[]) {
    this.#options = options;
  }

  static async start(...options: string[]): Promise<Server> {
    if (!existsSync(binary)) {
      throw new Error(
        `${binary} is not there: run cargo build first, or say in TRIPGRAPH_BIN where the binary is.`,
      );
    }
    const server = new Server(options);
    await server.restart();
    return server;
  }

  get url(): string {
    return `http://${this.#address}`;
  }

  /** Its SQLite database. */
  get database(): string {
    return join(this.#directory, 'data', 'tripgraph.db');
  }

  /** Starts it again, on the same port and the same data. */
  async restart(): Promise<void> {
    const data = join(this.#directory, 'data');
    const started = spawn(
      binary,
      ['serve', '--data-dir', data, '--listen', this.#address, ...this.#options],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = started;
    const log: string[] = [];
    this.#address = await new Promise((found, failed) => {
      createInterface(started.stderr!).on('line', (line) => {
        log.push(line);
        const address = /https?:\/\/(127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (address) found(address);
      });
      started.on('error', failed);
      started.on('exit', (code) =>
        failed(new Error(`the server ended with code ${code}:\n${log.join('\n')}`)),
      );
    });
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGKILL');
    await once(running, 'exit');
  }

  /** Stops it where it is, as long as a test looks at that state. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Imports the zones of a GeoJSON file, without the page. */
  async importZones(set: string, collection: object): Promise<void> {
    const form = new FormData();
    const query =
      'mutation ($file: Upload!, $set: String!) { importZones(file: $file, set: $set) { name } }';
    form.append('operations', JSON.stringify({ query, variables: { file: null, set } }));
    form.append('map', '{"0": ["variables.file"]}');
    form.append('0', new Blob([JSON.stringify(collection)]), 'zones.geojson');
    const answer = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'GraphQL-Preflight': '1' },
      body: form,
    });
    const { errors } = (await answer.json()) as Answer;
    if (errors) throw new Error(errors.map(({ message }) => message).join(' '));
  }

  /** Asks the API without the page. */
  async ask(query: string, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    });
    return (await answer.json()) as Answer;
  }
}
