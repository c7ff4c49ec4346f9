import { type Answer, problem, readAnswer } from './answer';
import { withAuthorization } from './authorization';
import { graphqlUrl } from './endpoint';

export interface Request {
  query: string;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | undefined;
}

/** Sends a request to the API over HTTP; a failure is returned as an answer with errors. */
export async function request(
  { query, operationName, variables }: Request,
  headers: Record<string, unknown> = {},
  signal: AbortSignal | null = null,
): Promise<Answer> {
  try {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: {
        Accept: 'application/json',
        ...withAuthorization(headers),
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ query, operationName, variables }),
      signal,
    });
    return readAnswer(response.status, await response.text());
  } catch (error) {
    if (signal?.aborted) return problem('Stopped.');
    return problem(
      error instanceof TypeError && !/header/i.test(error.message)
        ? 'The server can’t be reached. Is it running?'
        : `The request could not be sent: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
