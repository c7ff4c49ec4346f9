import { type Answer, problem, readAnswer } from '../answer';
import { withAuthorization } from '../authorization';
import { graphqlUrl } from '../endpoint';
import { bytes } from '../text';

export interface Sending {
  /** Bytes of the request's body: the files and some hundred bytes around them. */
  progress(sent: number, total: number): void;
  end(outcome: 'answered' | 'failed' | 'cancelled', answer: Answer): void;
}

/**
 * Sends a form; the answer of the function cancels it. XMLHttpRequest, as `fetch` tells no progress
 * of what it sends; either reads the files from disk as they go out.
 */
export function send(
  form: FormData,
  headers: Record<string, unknown>,
  { progress, end }: Sending,
): () => void {
  const xhr = new XMLHttpRequest();
  let sent = 0;
  let total = 0;
  const soFar = (): string => (total > 0 ? ` after ${bytes(sent)} of ${bytes(total)}` : '');

  xhr.upload.onprogress = (event) => {
    sent = event.loaded;
    total = event.total;
    progress(sent, total);
  };
  xhr.onload = () => {
    const answer = readAnswer(xhr.status, xhr.responseText);
    end(answer.errors ? 'failed' : 'answered', answer);
  };
  xhr.onerror = () => {
    const message =
      `The connection to the server broke${soFar()}. Nothing was taken in. ` +
      'Is the server running, and does it take files of this size?';
    end('failed', problem(message));
  };
  xhr.onabort = () => {
    end('cancelled', problem(`The upload was cancelled${soFar()}. Nothing was taken in.`));
  };

  try {
    xhr.open('POST', graphqlUrl);
    xhr.setRequestHeader('Accept', 'application/json');
    for (const [name, value] of Object.entries(withAuthorization(headers))) {
      // The browser writes the type itself, with the boundary between the parts.
      if (name.toLowerCase() !== 'content-type') xhr.setRequestHeader(name, value);
    }
    xhr.send(form);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    end('failed', problem(`The request could not be sent: ${reason}`));
  }
  return () => xhr.abort();
}
