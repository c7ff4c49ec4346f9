import { type ExecutionResult, GraphQLError } from 'graphql';

/** What the result pane shows. */
export type Answer = ExecutionResult<Record<string, unknown>>;

/** An answer that says what went wrong on this side of the connection. */
export function problem(message: string): Answer {
  return { errors: [new GraphQLError(message)] };
}

/**
 * Reads the body of an HTTP response: the server's own answer if it is one, otherwise what the
 * status says.
 */
export function readAnswer(status: number, body: string): Answer {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && ('data' in parsed || 'errors' in parsed)) {
      return parsed as Answer;
    }
  } catch {
    // Not an answer of the API: a proxy's page, or nothing.
  }
  return problem(statusText(status));
}

function statusText(status: number): string {
  switch (status) {
    case 401:
      return 'The server wants a token (401). Write {"Authorization": "Bearer …"} into the Headers editor.';
    case 403:
      return 'The server does not allow this (403).';
    case 413:
      return 'The file is larger than the server takes (413).';
    case 502:
    case 503:
    case 504:
      return `The server is away or busy (${status}). Try again in a moment.`;
    default:
      return `The server answered with status ${status} and nothing that can be shown.`;
  }
}
