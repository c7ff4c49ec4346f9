import { useStore } from '../store';
import { count, plural } from '../text';
import { waitingFiles } from './queue';
import { TransferRow } from './transfer-row';
import { dismissEnded, transfers } from './transfers';

/** Maximum number of transfers shown. */
const MOST = 10;

/** Files that wait, running uploads, and those with a message. */
export function Transfers() {
  const all = useStore(transfers);
  const waiting = useStore(waitingFiles);
  if (all.length === 0 && waiting.length === 0) return null;
  const hidden = all.length - MOST;
  const ended = all.filter(({ state }) => state !== 'sending').length;
  return (
    <div className="transfers">
      {waiting.length > 0 && (
        <p className="row">
          <span>{plural(waiting.length, 'file')} waiting for upload</span>
          <button type="button" className="button quiet" onClick={() => waitingFiles.set([])}>
            Cancel<span className="unseen"> the upload of the waiting files</span>
          </button>
        </p>
      )}
      {all.slice(0, MOST).map((transfer) => (
        <TransferRow key={transfer.id} transfer={transfer} />
      ))}
      {hidden > 0 && <p className="detail">and {count(hidden)} more messages</p>}
      {ended > 1 && (
        <p>
          <button type="button" className="button quiet" onClick={dismissEnded}>
            Dismiss all messages
          </button>
        </p>
      )}
    </div>
  );
}
