import { Store } from './store';

/**
 * The value of the `Authorization` header of the console's own requests, and of tabs that set none:
 * the value last written in a Headers editor. It is kept in memory only.
 */
export const authorization = new Store<string | null>(null);

/** The authorization in the text of a Headers editor; null if there is none or no valid JSON. */
export function authorizationIn(headers: string | null | undefined): string | null {
  if (!headers?.trim()) return null;
  try {
    const parsed: unknown = JSON.parse(headers);
    return typeof parsed === 'object' && parsed !== null
      ? authorizationOf(parsed as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The authorization among headers; the case of the name is ignored. */
export function authorizationOf(headers: Record<string, unknown>): string | null {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'authorization' && typeof value === 'string' && value.trim()) {
      return value.trim();
    }
  }
  return null;
}

/** A tab's headers as strings, with the console's authorization if they have none. */
export function withAuthorization(headers: Record<string, unknown> = {}): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null && value !== undefined) sent[name] = String(value);
  }
  const ours = authorization.get();
  if (ours && !Object.keys(sent).some((name) => name.toLowerCase() === 'authorization')) {
    sent['Authorization'] = ours;
  }
  return sent;
}
