/** The tiles of a base map. */
export interface BaseMap {
  /** URL template with `{z}`, `{x}` and `{y}`. */
  url: string;
  attribution: string;
}

/** The settings that the server gives its console. */
export interface Config {
  baseMap: BaseMap | null;
  /** Whether the server requires a bearer token. */
  tokens: boolean;
}

let current: Config = { baseMap: null, tokens: false };

/** Loads the settings once; without an answer, the console uses the defaults. */
export async function loadConfig(): Promise<void> {
  try {
    const answer = await fetch(`${import.meta.env.BASE_URL}config.json`);
    if (answer.ok) current = { ...current, ...((await answer.json()) as Partial<Config>) };
  } catch {
    // The server is unreachable; the ingestions panel shows that and reconnects by itself.
  }
}

export function config(): Config {
  return current;
}
