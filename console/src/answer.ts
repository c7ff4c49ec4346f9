import { type ExecutionResult, GraphQLError } from 'graphql';

/** A GraphQL response, as the result pane shows it. */
export type Answer = ExecutionResult<Record<string, unknown>>;

/** An answer that reports an error on the client's side. */
export function problem(message: string): Answer {
  return { errors: [new GraphQLError(message)] };
}

/** What an answer without data says is wrong, for those who see no answer of the API. */
export function problemOf({ errors = [] }: Answer): string {
  const isRefused = errors.some(({ extensions }) => extensions?.['code'] === 'UNAUTHENTICATED');
  if (isRefused) return 'The server requires a valid token. Enter it at the top of the page.';
  return errors.map(({ message }) => message).join(' ') || 'The server gave no answer.';
}

/**
 * Reads the body of an HTTP response: the server's answer if it is a GraphQL response, otherwise a
 * message for the status.
 */
export function readAnswer(status: number, body: string): Answer {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && ('data' in parsed || 'errors' in parsed)) {
      return parsed as Answer;
    }
  } catch {
    // Not an answer of the API, but a proxy's page or an empty body.
  }
  return problem(statusText(status));
}

function statusText(status: number): string {
  switch (status) {
    case 401:
      return 'The server requires a token (401). Enter it at the top of the page.';
    case 403:
      return 'The server does not allow this (403).';
    case 413:
      return 'The file is larger than the server accepts (413).';
    case 502:
    case 503:
    case 504:
      return `The server is unavailable or overloaded (${status}). Try again later.`;
    default:
      return `The server answered with status ${status} and no GraphQL response.`;
  }
}
