import { type Answer, problem, readAnswer } from '../answer';
import { withAuthorization } from '../authorization';
import { graphqlUrl } from '../endpoint';
import { bytes } from '../text';

export interface Sending {
  /** Bytes of the request's body: the files and a few hundred bytes of form data. */
  progress(sent: number, total: number): void;
  end(outcome: 'answered' | 'failed' | 'cancelled', answer: Answer): void;
}

/**
 * Sends a form; the returned function cancels it. Uses XMLHttpRequest, as `fetch` reports no upload
 * progress. The browser reads the files from disk while it sends them.
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
      `The connection to the server was lost${soFar()}. Nothing was ingested. ` +
      'Is the server running, and does it accept files of this size?';
    end('failed', problem(message));
  };
  xhr.onabort = () => {
    end('cancelled', problem(`The upload was cancelled${soFar()}. Nothing was ingested.`));
  };

  try {
    xhr.open('POST', graphqlUrl);
    xhr.setRequestHeader('Accept', 'application/json');
    for (const [name, value] of Object.entries(withAuthorization(headers))) {
      // The browser sets the type itself, with the boundary between the parts.
      if (name.toLowerCase() !== 'content-type') xhr.setRequestHeader(name, value);
    }
    xhr.send(form);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    end('failed', problem(`The request could not be sent: ${reason}`));
  }
  return () => xhr.abort();
}
