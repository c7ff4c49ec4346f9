import { useCallback, useEffect, useState } from 'react';
import { Download } from '../download';
import { request } from '../request';
import { useStore } from '../store';
import { rejectedRowsQuery } from '../tabs';
import { count, plural } from '../text';
import { open } from '../workbench';
import { reconnections } from './feed';
import type { Ingestion } from './ingestion';

/** Number of rows that are read at once. */
const PAGE = 20;

const QUERY = `query Rejects($id: ID!, $after: String) {
  ingestion(id: $id) {
    rejectedReasons { column reason rows }
    rejectedRows(first: ${PAGE}, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { line column reason raw }
    }
  }
}`;

interface Reason {
  column: string | null;
  reason: string;
  rows: number;
}

interface Row {
  line: number;
  column: string | null;
  reason: string;
  raw: string;
}

interface Rejects {
  rejectedReasons: Reason[];
  rejectedRows: {
    totalCount: number;
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
    nodes: Row[];
  };
}

/** Why rows of an ingestion were rejected, and which; read when it is opened. */
export function RejectedRows({ ingestion }: { ingestion: Ingestion }) {
  const { source, rowsRejected } = ingestion;
  const [shown, setShown] = useState(false);
  return (
    <details className="behind" onToggle={({ currentTarget }) => setShown(currentTarget.open)}>
      <summary>
        Rejected rows<span className="unseen"> of {source}</span>
      </summary>
      {shown && <RejectTables key={rowsRejected} ingestion={ingestion} />}
    </details>
  );
}

function RejectTables({ ingestion: { id, source, rowsRejected } }: { ingestion: Ingestion }) {
  const [reasons, setReasons] = useState<readonly Reason[]>([]);
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [kept, setKept] = useState(0);
  const [after, setAfter] = useState<string | null>(null);
  const [more, setMore] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const reconnected = useStore(reconnections);

  const read = useCallback(
    async (from: string | null, signal: AbortSignal | null): Promise<void> => {
      const answer = await request({ query: QUERY, variables: { id, after: from } }, {}, signal);
      if (signal?.aborted) return;
      const found = answer.data?.['ingestion'] as Rejects | null | undefined;
      if (!found) {
        setFault(answer.errors?.[0]?.message ?? 'The ingestion is no longer there.');
        return;
      }
      const { totalCount, pageInfo, nodes } = found.rejectedRows;
      setFault(null);
      setReasons(found.rejectedReasons);
      setRows((before) => (from === null ? nodes : [...before, ...nodes]));
      setKept(totalCount);
      setAfter(pageInfo.endCursor);
      setMore(pageInfo.hasNextPage);
    },
    [id],
  );

  useEffect(() => {
    const abort = new AbortController();
    void read(null, abort.signal);
    return () => abort.abort();
  }, [read, reconnected]);

  return (
    <div className="rejects">
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      {rows.length > 0 && (
        <>
          <div
            className="table reasons"
            tabIndex={0}
            role="region"
            aria-label={`Reasons for rejected rows of ${source}`}
          >
            <table>
              <thead>
                <tr>
                  <th scope="col">Rows</th>
                  <th scope="col">Column</th>
                  <th scope="col">Reason</th>
                </tr>
              </thead>
              <tbody>
                {reasons.map(({ column, reason, rows: number }) => (
                  <tr key={JSON.stringify([column, reason])}>
                    <th scope="row">{count(number)}</th>
                    <td>{column ?? '–'}</td>
                    <td>{reason}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <div
            className="table rows"
            tabIndex={0}
            role="region"
            aria-label={`Rejected rows of ${source}`}
          >
            <table>
              <thead>
                <tr>
                  <th scope="col">Line</th>
                  <th scope="col">Column</th>
                  <th scope="col">Reason</th>
                  <th scope="col">Row</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ line, column, reason, raw }) => (
                  <tr key={line}>
                    <th scope="row">{count(line)}</th>
                    <td>{column ?? '–'}</td>
                    <td>{reason}</td>
                    <td>
                      <code>{raw}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className="detail" role="status">
            {`${count(rows.length)} of ${plural(rowsRejected, 'rejected row')}`}
            {kept < rowsRejected && `; the list has the first ${count(kept)}, the file has all`}
          </p>
          <p className="actions">
            {more && (
              <button type="button" className="button quiet" onClick={() => void read(after, null)}>
                Show {Math.min(PAGE, kept - rows.length)} more
                <span className="unseen"> rejected rows of {source}</span>
              </button>
            )}
            <button
              type="button"
              className="button quiet"
              onClick={() => open(rejectedRowsQuery(id))}
            >
              Show query<span className="unseen"> for the rejected rows of {source}</span>
            </button>
            <Download
              className="button quiet"
              path={`/ingestions/${id}/rejected.csv`}
              name={`rejected-${id}.csv`}
              label={`Download CSV with all rejected rows of ${source}`}
              onFault={setFault}
            >
              Download CSV
            </Download>
          </p>
        </>
      )}
    </div>
  );
}
