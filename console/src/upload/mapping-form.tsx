import { type ReactNode, useId } from 'react';
import { useStore } from '../store';
import { looseFormat, say } from './format';

/** Chooses which columns are what; what is left out is recognised by the server. */
export function MappingForm({ columns }: { columns: readonly string[] }) {
  const zones = useId();
  const format = useStore(looseFormat);
  return (
    <div className="fields">
      {(['origin', 'destination'] as const).map((end) => {
        const [first, latitude] = format[end] ?? [];
        const name = end === 'origin' ? 'Origin' : 'Destination';
        return (
          <Pair key={end}>
            <Column
              label={name}
              columns={columns}
              value={first}
              onChange={(column) => say(end, column === undefined ? undefined : [column])}
            />
            {first !== undefined && (
              <Column
                label={`${name}: latitude`}
                other="In the same column"
                columns={columns.filter((column) => column !== first)}
                value={latitude}
                onChange={(column) => say(end, column === undefined ? [first] : [first, column])}
              />
            )}
          </Pair>
        );
      })}
      <Column
        label="Time of departure"
        columns={columns}
        value={format.departedAt}
        onChange={(column) => say('departedAt', column)}
      />
      <Column
        label="Time of arrival"
        columns={columns}
        value={format.arrivedAt}
        onChange={(column) => say('arrivedAt', column)}
      />
      <Column
        label="Region"
        columns={columns}
        value={format.region}
        onChange={(column) => {
          say('region', column);
          if (column !== undefined) say('regionName', undefined);
        }}
      />
      {format.region === undefined && (
        <label className="field">
          <span>Region of every row</span>
          <input
            type="text"
            placeholder="as in the file"
            value={format.regionName ?? ''}
            onChange={({ target }) => say('regionName', target.value)}
          />
        </label>
      )}
      <label className="field">
        <span>Time zone</span>
        <input
          type="text"
          list={zones}
          placeholder="as in the file"
          value={format.timeZone ?? ''}
          onChange={({ target }) => say('timeZone', target.value.trim())}
        />
      </label>
      <datalist id={zones}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </div>
  );
}

function Pair({ children }: { children: ReactNode }) {
  return <div className="pair">{children}</div>;
}

/** Chooses a column of the header, or leaves it to the server. */
function Column({
  label,
  other = 'Recognised by the server',
  columns,
  value,
  onChange,
}: {
  label: string;
  /** The choice of no column. */
  other?: string;
  columns: readonly string[];
  value: string | undefined;
  onChange(column: string | undefined): void;
}) {
  return (
    <label className="field">
      <span>{label}</span>
      <select
        value={value ?? ''}
        onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
      >
        <option value="">{other}</option>
        {columns.map((column) => (
          <option key={column} value={column}>
            {column}
          </option>
        ))}
      </select>
    </label>
  );
}
