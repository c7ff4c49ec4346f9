import { useStore } from '../store';
import { showPanel, usePanelVisible } from '../workbench';
import { TransferRow } from './transfer-row';
import { transfers } from './transfers';

/** Running uploads, shown under the response while the Upload panel is hidden. */
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
