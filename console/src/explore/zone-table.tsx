import { useId, useState } from 'react';
import { useStore } from '../store';
import { count, plural, rounded } from '../text';
import { change, selection } from './state';
import type { ZoneFigure } from './zones';

/** Number of zones that are added to the table at a time. */
const PAGE = 200;

/** The zones of a set by their average, the largest first; each can be chosen as the area. */
export function ZoneTable({ set, figures }: { set: string; figures: readonly ZoneFigure[] }) {
  const id = useId();
  const { area } = useStore(selection);
  const chosen = area.kind === 'zone' ? area.id : null;
  const [most, setMost] = useState(PAGE);
  const more = figures.length - most;
  return (
    <div className="zones">
      <h2 id={id}>Zones of {set}</h2>
      <div className="table" tabIndex={0} role="region" aria-labelledby={id}>
        <table>
          <thead>
            <tr>
              <th scope="col">Zone</th>
              <th scope="col">Trips a week</th>
              <th scope="col">Trips</th>
            </tr>
          </thead>
          <tbody>
            {figures.slice(0, most).map((figure, index) => (
              <tr key={figure.id} className={figure.id === chosen ? 'marked' : undefined}>
                <th scope="row">
                  <span className="detail">{index + 1}</span>{' '}
                  <button
                    type="button"
                    className="link"
                    aria-pressed={figure.id === chosen}
                    title="Choose this zone as the area"
                    onClick={() => change({ area: { kind: 'zone', id: figure.id } })}
                  >
                    {figure.name}
                  </button>
                </th>
                <td>{rounded(figure.average)}</td>
                <td>{count(figure.trips)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && (
        <p className="row">
          <span className="detail">and {plural(more, 'zone')} with fewer trips</span>
          <button
            type="button"
            className="button quiet"
            onClick={() => setMost((before) => before + PAGE)}
          >
            Show {count(Math.min(PAGE, more))} more<span className="unseen"> zones</span>
          </button>
        </p>
      )}
    </div>
  );
}
