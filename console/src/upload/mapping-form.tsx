import { useId, useState } from 'react';
import { useStore } from '../store';
import { FileButton } from './file-button';
import { looseFormat, looseLocations, say, type TripFormat } from './format';

/** Formats of times whose order a file may not show. */
const TIME_FORMATS = ['%m/%d/%Y %H:%M:%S', '%d/%m/%Y %H:%M:%S', 'epoch', 'epoch_ms', 'epoch_us'];
const DELIMITERS = [',', ';', '\\t', '|'];
const TIME_ZONES = Intl.supportedValuesOf('timeZone');
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
  const [more, setMore] = useState(false);
  return (
    <div className="fields">
      <Place label="Origin" part="origin" columns={columns} />
      <Place label="Destination" part="destination" columns={columns} />
      <Column label="Time of departure" part="departedAt" columns={columns} />
      <Column label="Time of arrival" part="arrivedAt" columns={columns} />
      <Name label="Region" part="region" columns={columns} />
      <Text label="Time zone" part="timeZone" suggestions={TIME_ZONES} />
      <button
        type="button"
        className="button quiet"
        aria-expanded={more}
        onClick={() => setMore(!more)}
      >
        {more ? 'Less' : 'More'}
      </button>
      {more && <More columns={columns} />}
    </div>
  );
}

/** What few files need. */
function More({ columns }: { columns: readonly string[] }) {
  return (
    <>
      <Text label="Format of times" part="timeFormat" suggestions={TIME_FORMATS} />
      <Name label="Datasource" part="datasource" columns={columns} />
      <Text label="Character between fields" part="delimiter" suggestions={DELIMITERS} />
      <Text label="Character encoding" part="encoding" suggestions={ENCODINGS} />
      <NullValues />
      <Column label="Id of the origin" part="originId" columns={columns} />
      <Column label="Id of the destination" part="destinationId" columns={columns} />
      <Locations />
    </>
  );
}

/** Chooses one column of points, or two of longitude and latitude. */
function Place({
  label,
  part,
  columns,
}: {
  label: string;
  part: 'origin' | 'destination';
  columns: readonly string[];
}) {
  const [first, latitude] = useStore(looseFormat)[part] ?? [];
  return (
    <div className="pair">
      <Select
        label={label}
        columns={columns}
        value={first}
        onChange={(column) => say(part, column === undefined ? undefined : [column])}
      />
      {first !== undefined && (
        <Select
          label={`${label}: latitude`}
          other="In the same column"
          columns={columns.filter((column) => column !== first)}
          value={latitude}
          onChange={(column) => say(part, column === undefined ? [first] : [first, column])}
        />
      )}
    </div>
  );
}

/** Chooses a column of names, or takes the name of every row. */
function Name({
  label,
  part,
  columns,
}: {
  label: string;
  part: 'region' | 'datasource';
  columns: readonly string[];
}) {
  const hasColumn = useStore(looseFormat)[part] !== undefined;
  return (
    <>
      <Column label={label} part={part} columns={columns} />
      {!hasColumn && <Text label={`${label} of every row`} part={`${part}Name`} />}
    </>
  );
}

/** Takes the values that are read as empty. */
function NullValues() {
  const { nullValues = [] } = useStore(looseFormat);
  return (
    <label className="field">
      <span>Values that are read as empty, one a line</span>
      <textarea
        rows={2}
        placeholder="NULL and \N"
        value={nullValues.join('\n')}
        onChange={({ target: { value } }) =>
          say('nullValues', value === '' ? [] : value.split('\n'))
        }
      />
    </label>
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

/** Chooses the column of a part of a trip. */
function Column({
  label,
  part,
  columns,
}: {
  label: string;
  part: TextPart;
  columns: readonly string[];
}) {
  const value = useStore(looseFormat)[part];
  return (
    <Select
      label={label}
      columns={columns}
      value={value}
      onChange={(column) => say(part, column)}
    />
  );
}

/** Chooses a column of the header, or leaves it to the server. */
function Select({
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
