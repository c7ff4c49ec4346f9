import { type ReactNode, useId, useState } from 'react';
import { useStore } from '../store';
import { FileButton } from './file-button';
import { looseFormat, looseLocations, say, type TripFormat } from './format';

/** Formats of times whose order a file may not show. */
const TIME_FORMATS = ['%m/%d/%Y %H:%M:%S', '%d/%m/%Y %H:%M:%S', 'epoch', 'epoch_ms', 'epoch_us'];
const ENCODINGS = [
  'windows-1252',
  'windows-1250',
  'windows-1251',
  'iso-8859-15',
  'utf-16le',
  'gbk',
];

/** Chooses which columns are what; what is left out is recognised by the server. */
export function MappingForm({ columns }: { columns: readonly string[] }) {
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
        onChange={(column) => say('region', column)}
      />
      {format.region === undefined && <Text label="Region of every row" part="regionName" />}
      <Text label="Time zone" part="timeZone" suggestions={Intl.supportedValuesOf('timeZone')} />
      <More columns={columns} />
    </div>
  );
}

/** What few files need. */
function More({ columns }: { columns: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const format = useStore(looseFormat);
  return (
    <>
      <button
        type="button"
        className="button quiet"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {open ? 'Less' : 'More'}
      </button>
      {open && (
        <>
          <Text label="Format of times" part="timeFormat" suggestions={TIME_FORMATS} />
          <Column
            label="Datasource"
            columns={columns}
            value={format.datasource}
            onChange={(column) => say('datasource', column)}
          />
          {format.datasource === undefined && (
            <Text label="Datasource of every row" part="datasourceName" />
          )}
          <Text
            label="Character between fields"
            part="delimiter"
            suggestions={[',', ';', '\\t', '|']}
          />
          <Text label="Character encoding" part="encoding" suggestions={ENCODINGS} />
          <label className="field">
            <span>Values that are read as empty, one a line</span>
            <textarea
              rows={2}
              placeholder="NULL and \N"
              value={(format.nullValues ?? []).join('\n')}
              onChange={({ target }) =>
                say('nullValues', target.value === '' ? [] : target.value.split('\n'))
              }
            />
          </label>
          <Column
            label="Id of the origin"
            columns={columns}
            value={format.originId}
            onChange={(column) => say('originId', column)}
          />
          <Column
            label="Id of the destination"
            columns={columns}
            value={format.destinationId}
            onChange={(column) => say('destinationId', column)}
          />
          <Locations />
        </>
      )}
    </>
  );
}

/** Chooses the list of locations that ids name. */
function Locations() {
  const locations = useStore(looseLocations);
  return (
    <div className="field">
      <span>Locations of the ids: CSV with id, lon and lat, or station_information.json</span>
      <p className="row">
        <FileButton
          name="locations"
          accept=".csv,.json,text/csv,text/plain,application/json"
          onFiles={([file]) => looseLocations.set(file ?? null)}
        >
          {locations?.name ?? 'Choose a list of locations…'}
        </FileButton>
        {locations && (
          <button type="button" className="button quiet" onClick={() => looseLocations.set(null)}>
            Remove the list
          </button>
        )}
      </p>
    </div>
  );
}

/** The parts of a format that are one text. */
type TextPart = {
  [K in keyof TripFormat]-?: TripFormat[K] extends string | undefined ? K : never;
}[keyof TripFormat];

/** Takes a text, or leaves it to the server. */
function Text({
  label,
  part,
  suggestions = [],
}: {
  label: string;
  part: TextPart;
  suggestions?: readonly string[];
}) {
  const list = useId();
  const format = useStore(looseFormat);
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="text"
        {...(suggestions.length > 0 ? { list } : {})}
        placeholder="as in the file"
        value={format[part] ?? ''}
        onChange={({ target }) => say(part, target.value)}
      />
      {suggestions.length > 0 && (
        <datalist id={list}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
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
