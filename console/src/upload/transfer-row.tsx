import { useId } from 'react';
import { bytes, duration } from '../text';
import { dismiss, type Transfer } from './transfers';

/** One transfer: its progress or its outcome. */
export function TransferRow({ transfer }: { transfer: Transfer }) {
  const name = useId();
  const { files, state, sent, total, message } = transfer;
  return (
    <div className={`transfer transfer-${state}`}>
      <div className="row">
        <strong id={name} className="file-name">
          {files}
        </strong>
        {state === 'sending' ? (
          <button type="button" className="button quiet" onClick={transfer.cancel}>
            Cancel<span className="unseen"> the upload of {files}</span>
          </button>
        ) : (
          <span className="actions">
            {state !== 'answered' && transfer.retry && (
              <button type="button" className="button quiet" onClick={transfer.retry}>
                Retry<span className="unseen"> the upload of {files}</span>
              </button>
            )}
            <button
              type="button"
              className="button quiet"
              aria-label={`Dismiss the message about ${files}`}
              onClick={() => dismiss(transfer.id)}
            >
              ×
            </button>
          </span>
        )}
      </div>
      {state === 'sending' && (
        <>
          <progress aria-labelledby={name} value={sent} max={total || 1}>
            {bytes(sent)}
          </progress>
          <p className="detail">{progressText(transfer)}</p>
        </>
      )}
      {message && <p className={state === 'failed' ? 'fault' : 'detail'}>{message}</p>}
    </div>
  );
}

function progressText({ sent, total, bytesPerSecond, secondsLeft }: Transfer): string {
  if (total > 0 && sent >= total) return `${bytes(total)} sent, waiting for the server`;
  return [
    `${bytes(sent)} of ${bytes(total)}`,
    ...(bytesPerSecond === null ? [] : [`${bytes(bytesPerSecond)}/s`]),
    ...(secondsLeft === null ? [] : [`${duration(secondsLeft)} left`]),
  ].join(', ');
}
