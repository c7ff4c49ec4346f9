import { token, withAuthorization } from './authorization';
import { reconnections } from './ingestions/feed';
import { Store } from './store';

/** The tiles of a base map. */
export interface BaseMap {
  /** URL template with `{z}`, `{x}` and `{y}`. */
  url: string;
  attribution: string;
}

export type Database = 'sqlite' | 'postgres';

/** The settings that the server gives its console. */
export interface Config {
  baseMap: BaseMap | null;
  /** Whether the server requires a bearer token. */
  tokens: boolean;
  /** Whether the current token allows mutations. */
  write: boolean;
  /** Whether the current token allows counts of fixed places alone. */
  aggregatesOnly: boolean;
  /** The server's database, whose SQL it understands. */
  database: Database;
}

export const config = new Store<Config>({
  baseMap: null,
  tokens: false,
  write: true,
  aggregatesOnly: false,
  database: 'sqlite',
});

/**
 * Loads the settings, and again for each new token and for a server that is back; without an answer,
 * the console uses the defaults.
 */
export async function loadConfig(): Promise<void> {
  token.subscribe(() => void read());
  reconnections.subscribe(() => void read());
  await read();
}

async function read(): Promise<void> {
  const asked = token.get();
  try {
    const answer = await fetch(`${import.meta.env.BASE_URL}config.json`, {
      headers: withAuthorization(),
    });
    const settings = (await answer.json()) as Partial<Config>;
    if (answer.ok && asked === token.get()) config.update((now) => ({ ...now, ...settings }));
  } catch {
    // The server is unreachable; the ingestions panel shows that and reconnects by itself.
  }
}
