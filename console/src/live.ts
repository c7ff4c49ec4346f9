import { type ExecutionResult, GraphQLError } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import type { Answer } from './answer';
import { websocketUrl } from './endpoint';
import type { Request } from './request';

/** The close code with which the server refuses a token, or the lack of one. */
const FORBIDDEN = 4403;

/** Milliseconds between signs of life, and how long the server's answer to one may take. */
const PING_EVERY = 10_000;
const PONG_WITHIN = 8_000;

/** Waits between attempts to connect, in milliseconds, grow up to this. */
const LONGEST_WAIT = 5_000;

/**
 * A connection for subscriptions. It is made when there is one, and made again, with its
 * subscriptions, whenever it is lost; only a refused token ends it.
 */
export function connect(authorization: string | null): Client {
  let socket: WebSocket | undefined;
  let unanswered: number | undefined;
  return createClient({
    url: websocketUrl,
    connectionParams: authorization ? { Authorization: authorization } : {},
    retryAttempts: Infinity,
    shouldRetry: (cause) => !refused(cause),
    retryWait: (retries) =>
      new Promise((resolve) => {
        const wait = Math.min(250 * 2 ** retries, LONGEST_WAIT);
        // Not all pages at the same moment.
        setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      }),
    keepAlive: PING_EVERY,
    on: {
      connected(opened) {
        socket = opened as WebSocket;
      },
      ping(received) {
        if (received) return;
        // A network that swallows everything does not close the connection by itself.
        unanswered = window.setTimeout(() => socket?.close(4408, 'No answer'), PONG_WITHIN);
      },
      pong(received) {
        if (received) window.clearTimeout(unanswered);
      },
    },
  });
}

/** Whether the server closed the connection because of the token. */
export function refused(cause: unknown): boolean {
  return cause instanceof CloseEvent && cause.code === FORBIDDEN;
}

/** What the end of a subscription looks like in the result pane. */
export function subscriptionProblem(cause: unknown): Answer {
  if (Array.isArray(cause)) return { errors: cause as GraphQLError[] };
  if (cause instanceof CloseEvent) {
    if (refused(cause)) {
      const message =
        `The server refused the connection: ${cause.reason || 'no valid token'}. ` +
        'Write {"Authorization": "Bearer …"} into the Headers editor.';
      return { errors: [new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' } })] };
    }
    const reason = cause.reason ? `: ${cause.reason}` : '';
    return { errors: [new GraphQLError(`The connection was closed (${cause.code})${reason}.`)] };
  }
  return { errors: [new GraphQLError(cause instanceof Error ? cause.message : String(cause))] };
}

export interface Listener {
  next(answer: Answer): void;
  error(cause: unknown): void;
  complete(): void;
}

/** Subscribes over a client; the answer of the function ends it. */
export function subscribe(client: Client, request: Request, listener: Listener): () => void {
  const { query, operationName, variables } = request;
  return client.subscribe<Record<string, unknown>>(
    { query, operationName, variables: variables ?? null },
    {
      next: (result) => listener.next(result as ExecutionResult<Record<string, unknown>>),
      error: (cause) => listener.error(cause),
      complete: () => listener.complete(),
    },
  );
}
