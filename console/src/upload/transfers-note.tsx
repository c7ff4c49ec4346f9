import { useStore } from '../store';
import { showPanel, usePanelVisible } from '../workbench';
import { TransferRow } from './transfer-row';
import { transfers } from './transfers';

/** Uploads under way, under the response, while the panel that shows them is not on the page. */
export function TransfersNote() {
  const panelVisible = usePanelVisible();
  const sending = useStore(transfers).filter(({ state }) => state === 'sending');
  if (panelVisible || sending.length === 0) return null;
  return (
    <section className="transfers-note" aria-label="Uploads">
      {sending.map((transfer) => (
        <TransferRow key={transfer.id} transfer={transfer} />
      ))}
      <button type="button" className="button quiet" onClick={showPanel}>
        Show the Upload panel
      </button>
    </section>
  );
}
