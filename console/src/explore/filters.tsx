import { useId } from 'react';
import { useStore } from '../store';
import { count } from '../text';
import type { DrawingKind } from './map-pane';
import {
  type Area,
  type Box,
  type Day,
  DAYS,
  EVERYTHING,
  type Selection,
  TRIP_ENDS,
  type TripEnd,
  toFragment,
} from './selection';
import { ZoneFilter } from './zone-filter';
import { zoneName, zones } from './zones';
import { change, type Choice, choices, features, reset, selection, shown } from './state';

/** Maximum number of choices in a list. */
const MOST = 500;

const END_NAMES: Record<TripEnd, string> = {
  ORIGIN: 'start in the area',
  DESTINATION: 'end in the area',
  BOTH: 'start and end in the area',
  EITHER: 'start or end in the area',
};

/** Selects the trips. */
export function Filters({
  drawing,
  onDraw,
}: {
  drawing: DrawingKind | null;
  onDraw(kind: DrawingKind | null): void;
}) {
  const chosen = useStore(selection);
  const { regions, datasources } = useStore(choices);
  const id = useId();
  return (
    <section className="filters" aria-labelledby={`${id}-title`}>
      <div className="row">
        <h2 id={`${id}-title`}>Filters</h2>
        <button
          type="button"
          className="button quiet"
          disabled={toFragment(chosen, null) === toFragment(EVERYTHING, null)}
          onClick={reset}
        >
          Reset
        </button>
      </div>
      <AreaFilter drawing={drawing} onDraw={onDraw} />
      <ZoneFilter />
      <ChoiceFilter
        label="Region"
        all="All regions"
        choices={regions}
        value={chosen.region}
        onChange={(region) => change({ region })}
      />
      <ChoiceFilter
        label="Datasource"
        all="All datasources"
        choices={datasources}
        value={chosen.datasource}
        onChange={(datasource) => change({ datasource })}
      />
      <PeriodFilter chosen={chosen} />
      <TimeFilters chosen={chosen} />
    </section>
  );
}

function AreaFilter({
  drawing,
  onDraw,
}: {
  drawing: DrawingKind | null;
  onDraw(kind: DrawingKind | null): void;
}) {
  const id = useId();
  const { area, tripEnd, zoneSet } = useStore(selection);
  useStore(zones);
  const { area: hasPolygons, fixedPlaces } = useStore(features);
  const map = useStore(shown);
  const kinds: [string, Area['kind']][] = [
    ...(fixedPlaces ? [] : ([['What the map shows', 'view']] as [string, Area['kind']][])),
    ['Everywhere', 'everywhere'],
  ];
  const toggle = (kind: DrawingKind): void => onDraw(drawing === kind ? null : kind);
  return (
    <fieldset>
      <legend>Area</legend>
      {kinds.map(([name, kind]) => (
        <label key={kind} className="choice">
          <input
            type="radio"
            name={`${id}-area`}
            checked={area.kind === kind}
            onChange={() => change({ area: { kind } as Area })}
          />
          {name}
        </label>
      ))}
      {area.kind !== 'view' && area.kind !== 'everywhere' && (
        <label className="choice">
          <input type="radio" name={`${id}-area`} checked readOnly />
          {areaName(area)}
        </label>
      )}
      {!fixedPlaces && (
        <p className="actions">
          <button
            type="button"
            className="button"
            aria-pressed={drawing === 'box'}
            onClick={() => toggle('box')}
          >
            Draw a box
          </button>
          {hasPolygons && (
            <button
              type="button"
              className="button"
              aria-pressed={drawing === 'polygon'}
              onClick={() => toggle('polygon')}
            >
              Draw a polygon
            </button>
          )}
          {area.kind !== 'box' && (
            <button
              type="button"
              className="button"
              disabled={!map}
              title="Keeps the part of the map that is in view now as a box"
              onClick={() => map && change({ area: { kind: 'box', box: map.box } })}
            >
              Keep this view
            </button>
          )}
        </p>
      )}
      {area.kind === 'box' && <BoxFields box={area.box} />}
      {(area.kind !== 'everywhere' || zoneSet !== null) && (
        <label className="field">
          <span>Trips that</span>
          <select
            value={tripEnd}
            onChange={({ target }) => change({ tripEnd: target.value as TripEnd })}
          >
            {TRIP_ENDS.map((end) => (
              <option key={end} value={end}>
                {END_NAMES[end]}
              </option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  );
}

function areaName(area: Exclude<Area, { kind: 'view' | 'everywhere' }>): string {
  if (area.kind === 'box') return 'A box';
  if (area.kind === 'zone') return `The zone ${zoneName(area.id)}`;
  return `A polygon with ${count(area.corners.length)} corners`;
}

const SIDES: [keyof Box, string, number][] = [
  ['west', 'West', 180],
  ['south', 'South', 90],
  ['east', 'East', 180],
  ['north', 'North', 90],
];

/** The borders of a box as numbers, for those who know them or draw without a pointer. */
function BoxFields({ box }: { box: Box }) {
  return (
    <div className="sides">
      {SIDES.map(([side, name, most]) => (
        <label key={side} className="field">
          <span>{name}</span>
          <input
            // Another box has other fields, so that typing does not fight with the drawn value.
            key={box[side]}
            type="number"
            step="any"
            min={-most}
            max={most}
            defaultValue={box[side]}
            onBlur={({ target }) => {
              const next = { ...box, [side]: target.valueAsNumber };
              const valid = target.checkValidity() && !Number.isNaN(next[side]);
              if (valid && next.south <= next.north) change({ area: { kind: 'box', box: next } });
              else target.value = String(box[side]);
            }}
            onKeyDown={({ key, currentTarget }) => {
              if (key === 'Enter') currentTarget.blur();
            }}
          />
        </label>
      ))}
    </div>
  );
}

function ChoiceFilter({
  label,
  all,
  choices: list,
  value,
  onChange,
}: {
  label: string;
  all: string;
  choices: readonly Choice[];
  value: string | null;
  onChange(value: string | null): void;
}) {
  const names = list.slice(0, MOST);
  const isListed = value === null || names.some(({ name }) => name === value);
  return (
    <label className="field">
      <span>{label}</span>
      {/* A first character that names can't begin with tells "all" from the name "". */}
      <select
        value={value === null ? '' : `=${value}`}
        onChange={({ target }) => onChange(target.value === '' ? null : target.value.slice(1))}
      >
        <option value="">{all}</option>
        {!isListed && <option value={`=${value}`}>{value}</option>}
        {names.map(({ name, trips }) => (
          <option key={name} value={`=${name}`}>
            {name} ({count(trips)})
          </option>
        ))}
      </select>
    </label>
  );
}

function PeriodFilter({ chosen }: { chosen: Selection }) {
  const { filterPeriod } = useStore(features);
  const isSet = chosen.fromWeek !== null || chosen.toWeek !== null;
  return (
    <fieldset>
      <legend>Weeks</legend>
      <div className="pair">
        <label className="field">
          <span>From the week of</span>
          <input
            type="date"
            value={chosen.fromWeek ?? ''}
            max={chosen.toWeek ?? undefined}
            onChange={({ target }) => change({ fromWeek: target.value || null })}
          />
        </label>
        <label className="field">
          <span>To the week of</span>
          <input
            type="date"
            value={chosen.toWeek ?? ''}
            min={chosen.fromWeek ?? undefined}
            onChange={({ target }) => change({ toWeek: target.value || null })}
          />
        </label>
      </div>
      {isSet && !filterPeriod && <p className="detail">The flows are those of all weeks.</p>}
    </fieldset>
  );
}

const DAY_NAMES: Record<Day, string> = {
  MONDAY: 'Mon',
  TUESDAY: 'Tue',
  WEDNESDAY: 'Wed',
  THURSDAY: 'Thu',
  FRIDAY: 'Fri',
  SATURDAY: 'Sat',
  SUNDAY: 'Sun',
};

const HOURS = Array.from({ length: 25 }, (_, hour) => hour);

/** Days of the week and hours, if the server can filter by them. */
function TimeFilters({ chosen }: { chosen: Selection }) {
  const { daysOfWeek, timeRanges } = useStore(features);
  const [from, to] = chosen.hours ?? [0, 24];
  const setHours = (next: [number, number]): void => {
    const isAll = next[0] === 0 && next[1] === 24;
    if (next[0] !== next[1]) change({ hours: isAll ? null : next });
  };
  const hourText = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
  return (
    <>
      {daysOfWeek && (
        <fieldset>
          <legend>Days of the week</legend>
          <div className="days">
            {DAYS.map((day) => (
              <button
                key={day}
                type="button"
                className="button quiet"
                aria-pressed={chosen.days.includes(day)}
                onClick={() =>
                  change({
                    days: DAYS.filter((one) => chosen.days.includes(one) !== (one === day)),
                  })
                }
              >
                {DAY_NAMES[day]}
              </button>
            ))}
          </div>
        </fieldset>
      )}
      {timeRanges && (
        <fieldset>
          <legend>Hours of the day</legend>
          <div className="pair">
            <label className="field">
              <span>From</span>
              <select value={from} onChange={({ target }) => setHours([Number(target.value), to])}>
                {HOURS.slice(0, 24).map((hour) => (
                  <option key={hour} value={hour}>
                    {hourText(hour)}
                  </option>
                ))}
              </select>
            </label>
            <label className="field">
              <span>To</span>
              <select value={to} onChange={({ target }) => setHours([from, Number(target.value)])}>
                {HOURS.slice(1).map((hour) => (
                  <option key={hour} value={hour}>
                    {hourText(hour)}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </fieldset>
      )}
    </>
  );
}
