/** Tiles to draw maps on. */
export interface BaseMap {
  /** With `{z}`, `{x}` and `{y}`. */
  url: string;
  attribution: string;
}

/** What the server tells its console. */
export interface Config {
  baseMap: BaseMap | null;
  /** The server wants a bearer token. */
  tokens: boolean;
}

let current: Config = { baseMap: null, tokens: false };

/** Asks the server once; the console works with the defaults if there is no answer. */
export async function loadConfig(): Promise<void> {
  try {
    const answer = await fetch(`${import.meta.env.BASE_URL}config.json`);
    if (answer.ok) current = { ...current, ...((await answer.json()) as Partial<Config>) };
  } catch {
    // The server is away; the ingestions panel says so and comes back by itself.
  }
}

export function config(): Config {
  return current;
}
