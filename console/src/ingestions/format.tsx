import { useEffect, useState } from 'react';
import { request } from '../request';
import { useStore } from '../store';
import { reconnections } from './feed';
import type { Ingestion } from './ingestion';

/** The fields of a recognised format, in the order of the list, with their names there. */
const FIELDS = [
  ['layout', 'Layout'],
  ['encoding', 'Encoding'],
  ['delimiter', 'Between fields'],
  ['origin', 'Origin'],
  ['originId', 'Origin, by id'],
  ['destination', 'Destination'],
  ['destinationId', 'Destination, by id'],
  ['departedAt', 'Departure'],
  ['arrivedAt', 'Arrival'],
  ['timeFormat', 'Times are written'],
  ['timeZone', 'Time zone'],
  ['region', 'Region'],
  ['regionName', 'Region of every row'],
  ['datasource', 'Datasource'],
  ['datasourceName', 'Datasource of every row'],
] as const;

type Format = Partial<Record<(typeof FIELDS)[number][0], string | string[] | null>>;

const QUERY = `query Format($id: ID!) {
  ingestion(id: $id) { format { ${FIELDS.map(([field]) => field).join(' ')} } }
}`;

/** How the server reads the file of an ingestion; asked when it is opened. */
export function RecognisedFormat({ ingestion }: { ingestion: Ingestion }) {
  const [shown, setShown] = useState(false);
  return (
    <details className="behind" onToggle={({ currentTarget }) => setShown(currentTarget.open)}>
      <summary>
        Format<span className="unseen"> of {ingestion.source}</span>
      </summary>
      {shown && <FormatList key={ingestion.state} id={ingestion.id} />}
    </details>
  );
}

function FormatList({ id }: { id: string }) {
  const [format, setFormat] = useState<Format | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const reconnected = useStore(reconnections);
  useEffect(() => {
    const abort = new AbortController();
    void request({ query: QUERY, variables: { id } }, {}, abort.signal).then((answer) => {
      if (abort.signal.aborted) return;
      const found = answer.data?.['ingestion'] as { format: Format } | null | undefined;
      setFormat(found?.format ?? null);
      setFault(found ? null : (answer.errors?.[0]?.message ?? 'The ingestion is no longer there.'));
    });
    return () => abort.abort();
  }, [id, reconnected]);

  if (fault) {
    return (
      <p className="fault" role="alert">
        {fault}
      </p>
    );
  }
  if (!format) return null;
  const known = FIELDS.flatMap(([field, name]) => {
    const value = format[field] ?? [];
    const text = Array.isArray(value) ? value.join(', ') : visible(value);
    return text === '' ? [] : [[name, text] as const];
  });
  if (known.length === 0) return <p className="detail">No format was recognised.</p>;
  return (
    <dl className="format">
      {known.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A text with the name of a character that can't be seen. */
function visible(text: string): string {
  return text === '\t' ? 'tab' : text;
}
