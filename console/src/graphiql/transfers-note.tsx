import { usePluginStore } from '@graphiql/react';
import { useStore } from '../store';
import { TransferRow } from '../upload/transfer-row';
import { transfers } from '../upload/transfers';
import { PANEL_TITLE, showPanel } from '../workbench';

/** Running uploads, shown under the response while the Upload panel is hidden. */
export function TransfersNote() {
  const panelVisible = usePluginStore().visiblePlugin?.title === PANEL_TITLE;
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
