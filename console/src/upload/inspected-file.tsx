import type { ReactNode } from 'react';
import { count } from '../text';
import type { Found, Inspection } from './inspection';

/** The first rows of a file, and what the server reads in them. */
export function InspectedFile({
  name,
  inspection: { header, firstRows, found },
}: {
  name: string;
  inspection: Inspection;
}) {
  return (
    <>
      <Table label={`First rows of ${name}`} columns={header}>
        {firstRows.map((row, index) => (
          <tr key={index}>
            {header.map((_, at) => (
              <td key={at}>{row[at] ?? ''}</td>
            ))}
          </tr>
        ))}
      </Table>
      {found && <FoundInFile name={name} found={found} />}
    </>
  );
}

function FoundInFile({ name, found }: { name: string; found: Found }) {
  const { format, columns, trips, rejectedReasons, warnings } = found;
  const everywhere = [
    ['region', format.regionName],
    ['datasource', format.datasourceName],
  ].filter(([, value]) => value !== null);
  const facts = [
    format.layout,
    format.encoding,
    format.delimiter === '\t' ? 'fields end at a tab' : `fields end at ${format.delimiter}`,
    format.timeFormat && `times as ${format.timeFormat}`,
    format.timeZone && `clock of ${format.timeZone}`,
  ].filter(Boolean);
  return (
    <>
      {warnings.map(({ code, message }) => (
        <p key={code} className="warning">
          {message}
        </p>
      ))}
      <p className="detail">{facts.join('; ')}</p>
      <Table label={`Columns of ${name}`} columns={['Part of a trip', 'Column', 'Why']}>
        {columns.map(({ part, name: column, why }) => (
          <tr key={part}>
            <th scope="row">{part}</th>
            <td>{column}</td>
            <td>{why}</td>
          </tr>
        ))}
        {everywhere.map(([part, value]) => (
          <tr key={part}>
            <th scope="row">{part}</th>
            <td>–</td>
            <td>“{value}” for every trip</td>
          </tr>
        ))}
      </Table>
      {trips.length > 0 && (
        <Table
          label={`First trips of ${name}`}
          columns={['Line', 'Region', 'Datasource', 'Departure', 'Origin', 'Destination']}
        >
          {trips.map(({ line, region, datasource, departedAt, origin, destination }) => (
            <tr key={line}>
              <th scope="row">{count(line)}</th>
              <td>{region}</td>
              <td>{datasource}</td>
              <td>{departedAt.replace('T', ' ')}</td>
              <td>{origin.join(', ')}</td>
              <td>{destination.join(', ')}</td>
            </tr>
          ))}
        </Table>
      )}
      {rejectedReasons.length > 0 && (
        <Table label={`Rejected rows of ${name}`} columns={['Rows', 'Column', 'Reason']}>
          {rejectedReasons.map(({ column, reason, rows }) => (
            <tr key={`${column} ${reason}`}>
              <th scope="row">{count(rows)}</th>
              <td>{column ?? '–'}</td>
              <td>{reason}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function Table({
  label,
  columns,
  children,
}: {
  label: string;
  columns: readonly string[];
  children: ReactNode;
}) {
  return (
    <div className="table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
