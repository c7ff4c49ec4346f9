import { useEffect, useState } from 'react';
import { announce } from '../announce';
import { config } from '../config';
import { showOnMap } from '../explore/state';
import { request } from '../request';
import { useStore } from '../store';
import { statusQuery } from '../tabs';
import { plural } from '../text';
import { open } from '../workbench';
import { reconnections } from './feed';
import { RecognisedFormat } from './format';
import { type Ingestion, STATE_NAMES, describe, isActive } from './ingestion';
import { RejectedRows } from './rejects';

/** One ingestion: its state, its progress and the actions on it. */
export function IngestionCard({
  ingestion,
  followed,
}: {
  ingestion: Ingestion;
  /** Whether it is this page's last upload. */
  followed: boolean;
}) {
  const { id, source, state, percent, error, warnings } = ingestion;
  const { rowsRead, rowsIngested, rowsRejected } = ingestion;
  const [asking, setAsking] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const title = `ingestion-${id}`;
  const active = isActive(ingestion);
  const { write } = useStore(config);

  const reconnected = useStore(reconnections);

  // A problem with the last change no longer matters in another state, or once the server is back.
  useEffect(() => {
    setFault(null);
    setAsking(false);
  }, [state, reconnected]);

  const change = async (mutation: 'cancelIngestion' | 'removeIngestion'): Promise<void> => {
    setAsking(false);
    setFault(null);
    const answer = await request({
      query: `mutation ($id: ID!) { ${mutation}(id: $id) { id } }`,
      variables: { id },
    });
    const message = answer.errors?.map((one) => one.message).join(' ') ?? null;
    setFault(message);
    if (message) announce(message);
  };

  return (
    <article
      className={followed ? 'ingestion followed' : 'ingestion'}
      aria-labelledby={title}
      data-ingestion={id}
    >
      <div className="row">
        <h3 id={title}>
          <button
            type="button"
            className="link"
            title="Follow this ingestion in a tab"
            onClick={() => open(statusQuery(id))}
          >
            {source}
          </button>{' '}
          <span className="detail">{id}</span>
        </h3>
        <span className={`state state-${state.toLowerCase()}`}>{STATE_NAMES[state]}</span>
      </div>
      {active && (
        <div
          className="bar"
          role="progressbar"
          aria-labelledby={title}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={state === 'RUNNING' ? Math.round(percent ?? 0) : 0}
          aria-valuetext={describe(ingestion)}
        >
          <div style={{ width: `${percent ?? 0}%` }} />
        </div>
      )}
      <div className="row">
        <p className="detail">{describe(ingestion)}</p>
        <div className="actions">
          {active && write && (
            <button
              type="button"
              className="button quiet"
              aria-describedby={title}
              onClick={() => void change('cancelIngestion')}
            >
              Cancel
            </button>
          )}
          {state === 'SUCCEEDED' && !asking && rowsIngested > 0 && (
            <button
              type="button"
              className="button quiet"
              aria-describedby={title}
              onClick={() => showOnMap(id)}
            >
              Show on the map
            </button>
          )}
          {state === 'SUCCEEDED' &&
            write &&
            (asking ? (
              <>
                <span>Remove its {plural(rowsIngested, 'trip')} from all answers?</span>
                <button
                  type="button"
                  className="button danger"
                  autoFocus
                  onClick={() => void change('removeIngestion')}
                >
                  Remove
                </button>
                <button type="button" className="button quiet" onClick={() => setAsking(false)}>
                  Keep
                </button>
              </>
            ) : (
              <button
                type="button"
                className="button quiet"
                aria-describedby={title}
                onClick={() => setAsking(true)}
              >
                Remove…
              </button>
            ))}
        </div>
      </div>
      {warnings.map(({ code, message, rows }) => (
        <p key={code} className="warning">
          {message} <span className="detail">{[code, ...rowsOf(rows)].join(', ')}</span>
        </p>
      ))}
      {error && (
        <p className="fault">
          {error.message} <span className="detail">{error.code}</span>
        </p>
      )}
      {fault && <p className="fault">{fault}</p>}
      {rowsRead > 0 && <RecognisedFormat ingestion={ingestion} />}
      {rowsRejected > 0 && <RejectedRows ingestion={ingestion} />}
    </article>
  );
}

/** The number of rows that a warning concerns, if it is not about the file as a whole. */
function rowsOf(rows: number): string[] {
  return rows > 0 ? [plural(rows, 'row')] : [];
}
