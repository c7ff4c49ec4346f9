import { useState } from 'react';
import { useStore } from '../store';
import { count } from '../text';
import { IngestionCard } from './card';
import { type Connection, feed, followed } from './feed';
import { isActive } from './ingestion';

const CONNECTION_TEXTS: Record<Connection, string> = {
  connecting: 'connecting…',
  connected: 'connected',
  lost: 'connection lost, reconnecting…',
  refused: 'valid token required',
};

/** Number of ended ingestions shown at first. */
const FEW = 6;

/** Queued, running and recently ended ingestions, updated live by the server. */
export function IngestionList() {
  const { connection, loaded, problem, ingestions } = useStore(feed);
  const followedId = useStore(followed);
  const active = ingestions.filter(isActive);
  const ended = ingestions.filter((one) => !isActive(one));
  const [all, setAll] = useState(false);
  const hidden = all ? 0 : Math.max(0, ended.length - FEW);
  return (
    <section aria-labelledby="ingestions-title" className="ingestions">
      <div className="row">
        <h2 id="ingestions-title">Ingestions</h2>
        <span className={`connection connection-${connection}`}>
          {CONNECTION_TEXTS[connection]}
        </span>
      </div>
      {problem && <p className="fault">{problem}</p>}
      {loaded && ingestions.length === 0 && <p className="detail">No ingestions yet.</p>}
      {active.map((one) => (
        <IngestionCard key={one.id} ingestion={one} followed={one.id === followedId} />
      ))}
      {ended.slice(0, ended.length - hidden).map((one) => (
        <IngestionCard key={one.id} ingestion={one} followed={one.id === followedId} />
      ))}
      {hidden > 0 && (
        <button type="button" className="button quiet" onClick={() => setAll(true)}>
          Show {count(hidden)} more
        </button>
      )}
    </section>
  );
}
