import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { type Answer, problem } from '../answer';
import { authorizationOf, withAuthorization } from '../authorization';
import { announce } from '../announce';
import { connect, subscribe, subscriptionProblem } from '../live';
import { type Operation, type UploadVariable, findOperation, uploadVariables } from '../operation';
import { type Request, request } from '../request';
import { keepLateAnswer, keepRun } from '../results/runs';
import { chosenFiles } from '../upload/files';
import { formData, missingFiles, multipart } from '../upload/multipart';
import { uploadMessage } from '../upload/outcome';
import { transfer } from '../upload/transfers';
import { activeTab } from '../workbench';

type Headers = Record<string, unknown>;

interface Observer {
  next(answer: Answer): void;
  complete(): void;
}

/** Stops a running operation. */
type Stop = () => void;

/**
 * How GraphiQL runs operations: over HTTP, over a WebSocket if it is a subscription, and as
 * multipart with the chosen files if it has variables of the type `Upload`.
 */
export const fetcher: Fetcher = (params, options) => {
  const headers: Headers = options?.headers ?? {};
  if (params.operationName === 'IntrospectionQuery') {
    return request(toRequest(params), headers) as Promise<never>;
  }
  return observable((observer) => run(toRequest(params), headers, observer));
};

function run(params: Request, headers: Headers, observer: Observer): Stop {
  const operation = findOperation(params.query, params.operationName);
  // Just after an edit, GraphiQL may still have the name of an operation that no longer exists.
  const operationName = operation ? operation.definition.name?.value : params.operationName;
  const asked = { ...params, operationName };
  const tab = activeTab.get();
  keepRun(tab, null);
  keepLateAnswer(tab, null);
  const answered = (answer: Answer): void => {
    if (operation && answer.data) keepRun(tab, { operation, data: answer.data });
    observer.next(answer);
  };
  const ended = (answer: Answer): void => {
    answered(answer);
    observer.complete();
  };
  if (operation?.definition.operation === 'subscription') {
    return runSubscription(asked, headers, { next: answered, complete: observer.complete });
  }
  const uploads = uploadVariables(operation);
  if (operation && uploads.length > 0) {
    return runUpload(asked, headers, operation, uploads, tab, ended);
  }
  const abort = new AbortController();
  void request(asked, headers, abort.signal).then((answer) => {
    // Stopped by the stop button, or by a change of tab. The latter discards the answer.
    if (!abort.signal.aborted || activeTab.get() === tab) ended(answer);
  });
  return () => abort.abort();
}

function runSubscription(asked: Request, headers: Headers, observer: Observer): Stop {
  const client = connect(authorizationOf(withAuthorization(headers)));
  return subscribe(client, asked, {
    next: observer.next,
    error(cause) {
      observer.next(subscriptionProblem(cause));
      observer.complete();
    },
    complete: observer.complete,
  });
}

function runUpload(
  asked: Request,
  headers: Headers,
  operation: Operation,
  variables: readonly UploadVariable[],
  tab: string,
  ended: (answer: Answer) => void,
): Stop {
  const chosen = chosenFiles.get();
  const missing = missingFiles(variables, chosen);
  if (missing) {
    announce(missing);
    // GraphiQL accepts no answer before `subscribe` has returned.
    queueMicrotask(() => ended(problem(missing)));
    return () => {};
  }
  const parts = multipart(asked, variables, chosen);
  const files = parts.files.map(([, file]) => file);
  let left = false;
  const cancel = transfer(formData(parts), files, headers, (answer) => {
    const message = uploadMessage(operation, answer);
    if (left) keepLateAnswer(tab, answer);
    else ended(answer);
    return message;
  });
  return () => {
    // On a change of tab, GraphiQL stops the running operation. An upload continues, shown by the
    // panel. Only the stop button, which leaves the tab as it is, cancels it.
    setTimeout(() => {
      left = activeTab.get() !== tab;
      if (!left) cancel();
    });
  };
}

function toRequest({ query, operationName, variables }: FetcherParams): Request {
  return { query, operationName, variables: variables as Request['variables'] };
}

/** An observable as GraphiQL expects it, whose subscription can be stopped. */
function observable(start: (observer: Observer) => Stop) {
  return {
    subscribe(observer: Observer) {
      let stopped = false;
      const stop = start({
        next: (answer) => observer.next(answer),
        complete() {
          if (!stopped) observer.complete();
        },
      });
      return {
        unsubscribe() {
          stopped = true;
          stop();
        },
      };
    },
  } as ReturnType<Fetcher>;
}
