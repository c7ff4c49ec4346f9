import { Store } from './store';

/** Where the token is kept until the browser's tab is closed. */
const KEPT = 'tripgraph:token';

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/**
 * The token in the page's token field; null if there is none. All requests send it, except those of
 * tabs whose headers have an `Authorization` of their own.
 */
export const token = new Store<string | null>(kept());

/** Sets the token; a leading "Bearer" is dropped, an empty text removes the token. */
export function setToken(text: string): void {
  const secret = text.trim().replace(/^bearer\s+/i, '');
  try {
    if (secret) sessionStorage.setItem(KEPT, secret);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Without storage, the token is kept until the page is left.
  }
  token.set(secret || null);
}

/** The value of the `Authorization` header for the token; null without one. */
export function authorization(): string | null {
  const secret = token.get();
  return secret === null ? null : `Bearer ${secret}`;
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

/** A tab's headers as strings, with the authorization of the token if they have none. */
export function withAuthorization(headers: Record<string, unknown> = {}): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null && value !== undefined) sent[name] = String(value);
  }
  const ours = authorization();
  if (ours && !Object.keys(sent).some((name) => name.toLowerCase() === 'authorization')) {
    sent['Authorization'] = ours;
  }
  return sent;
}
