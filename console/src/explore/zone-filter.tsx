import { useState } from 'react';
import { useStore } from '../store';
import { count } from '../text';
import { change, choices, selection } from './state';
import { type Zone, zones } from './zones';

/** Maximum number of zones in the list. */
const MOST = 500;

/** Compares the zones of a set, and chooses one of them as the area; if there are sets. */
export function ZoneFilter() {
  const { zoneSets } = useStore(choices);
  const { area, zoneSet } = useStore(selection);
  const known = useStore(zones);
  const names = zoneSet === null || zoneSets.includes(zoneSet) ? zoneSets : [zoneSet, ...zoneSets];
  if (names.length === 0) return null;
  return (
    <fieldset>
      <legend>Zones</legend>
      <label className="field">
        <span>Compare the zones of</span>
        {/* A first character that names can't begin with tells "no set" from the name "". */}
        <select
          value={zoneSet === null ? '' : `=${zoneSet}`}
          onChange={({ target: { value } }) =>
            change({ zoneSet: value === '' ? null : value.slice(1) })
          }
        >
          <option value="">No set</option>
          {names.map((name) => (
            <option key={name} value={`=${name}`}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {known && (
        <ZoneChoice
          key={known.set}
          list={known.list}
          zone={area.kind === 'zone' ? area.id : null}
        />
      )}
    </fieldset>
  );
}

/** Chooses one of the zones; of many, those whose names contain a text. */
function ZoneChoice({ list, zone }: { list: readonly Zone[]; zone: string | null }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = list.filter(({ name }) => name.toLowerCase().includes(wanted));
  const listed = found.slice(0, MOST);
  const chosen = list.find(({ id }) => id === zone);
  if (chosen && !listed.includes(chosen)) listed.unshift(chosen);
  return (
    <>
      {list.length > MOST && (
        <label className="field">
          <span>Find zones by name</span>
          <input
            type="search"
            value={text}
            placeholder={`in ${count(list.length)} zones`}
            onChange={({ target }) => setText(target.value)}
          />
        </label>
      )}
      <label className="field">
        <span>Trips in the zone</span>
        <select
          value={chosen?.id ?? ''}
          onChange={({ target: { value } }) =>
            change({ area: value === '' ? { kind: 'view' } : { kind: 'zone', id: value } })
          }
        >
          <option value="">No zone chosen</option>
          {listed.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {found.length > MOST && (
        <p className="detail">
          The list has {count(MOST)} of {count(found.length)} zones: find the others by name.
        </p>
      )}
    </>
  );
}
