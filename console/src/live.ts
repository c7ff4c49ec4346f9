import { type ExecutionResult, GraphQLError } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import type { Answer } from './answer';
import { websocketUrl } from './endpoint';
import type { Request } from './request';

/** The close code with which the server refuses an invalid or missing token. */
const FORBIDDEN = 4403;

/** Interval between pings and time-out of the server's pong, in milliseconds. */
const PING_EVERY = 10_000;
const PONG_WITHIN = 8_000;

/** Longest wait between attempts to connect, in milliseconds. */
const LONGEST_WAIT = 5_000;

/**
 * A connection for subscriptions. It is opened at the first subscription and reopened, with all
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
        // Random, so that pages do not all reconnect at the same moment.
        setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      }),
    keepAlive: PING_EVERY,
    on: {
      connected(opened) {
        socket = opened as WebSocket;
      },
      ping(received) {
        if (received) return;
        // A network that drops all packets does not close the connection.
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

/** The answer that the result pane shows when a subscription ends with an error. */
export function subscriptionProblem(cause: unknown): Answer {
  if (Array.isArray(cause)) return { errors: cause as GraphQLError[] };
  if (cause instanceof CloseEvent) {
    if (refused(cause)) {
      const message =
        `The server refused the connection: ${cause.reason || 'no valid token'}. ` +
        'Enter a token at the top of the page.';
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

/** Subscribes over a client; the returned function ends the subscription. */
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
