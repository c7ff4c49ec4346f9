import { type KeyboardEvent, type PointerEvent, useId, useRef, useState } from 'react';
import { useStore } from '../store';
import { plural } from '../text';
import { between, DAYS, selects, type WeekCell } from './selection';
import { change, features, type ProfileCell, selection } from './state';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** The cells to which keys move from a cell. */
const MOVES: Record<string, (cell: WeekCell) => WeekCell> = {
  ArrowLeft: ({ day, hour }) => ({ day, hour: Math.max(0, hour - 1) }),
  ArrowRight: ({ day, hour }) => ({ day, hour: Math.min(23, hour + 1) }),
  ArrowUp: ({ day, hour }) => ({ day: Math.max(0, day - 1), hour }),
  ArrowDown: ({ day, hour }) => ({ day: Math.min(DAYS.length - 1, day + 1), hour }),
  Home: ({ day }) => ({ day, hour: 0 }),
  End: ({ day }) => ({ day, hour: 23 }),
};

/** A brush: the cell where it began, and the one that it has reached. */
interface Brush {
  from: WeekCell;
  to: WeekCell;
}

/**
 * The trips by day of the week and hour, as a table whose cells have a stronger colour for more trips.
 * A brush over it, with the pointer or with the keys, filters by days and hours.
 */
export function Profile({ cells }: { cells: readonly ProfileCell[] }) {
  const id = useId();
  const { daysOfWeek, timeRanges } = useStore(features);
  const filters = daysOfWeek && timeRanges;
  const chosen = useStore(selection);
  const [brush, setBrush] = useState<Brush | null>(null);
  const [focus, setFocus] = useState<WeekCell>({ day: 0, hour: 0 });
  const table = useRef<HTMLTableElement>(null);
  const most = Math.max(1, ...cells.map(({ trips }) => trips));
  const byKey = new Map(cells.map((cell) => [`${cell.dayOfWeek} ${cell.hour}`, cell.trips]));
  const shown = brush ? between(brush.from, brush.to) : chosen;
  const restricts = shown.days.length > 0 || shown.hours !== null;

  const apply = ({ from, to }: Brush): void => {
    setBrush(null);
    change(between(from, to));
  };
  const onPointerDown = (event: PointerEvent): void => {
    const cell = cellAt(event);
    if (!cell || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setFocus(cell);
    setBrush({ from: cell, to: cell });
  };
  const onPointerMove = (event: PointerEvent): void => {
    const to = cellAt(event);
    if (brush && to && event.currentTarget.hasPointerCapture(event.pointerId)) {
      setBrush({ ...brush, to });
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move) {
      const to = move(brush?.to ?? focus);
      setBrush(event.shiftKey ? { from: brush?.from ?? focus, to } : null);
      setFocus(to);
      table.current?.querySelector<HTMLElement>(`[data-cell="${to.day} ${to.hour}"]`)?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      apply(brush ?? { from: focus, to: focus });
    } else if (event.key === 'Escape') {
      setBrush(null);
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <div className="profile">
      <div className="row">
        <h2 id={id}>Days and hours</h2>
        {(chosen.days.length > 0 || chosen.hours !== null) && (
          <button
            type="button"
            className="button quiet"
            onClick={() => change({ days: [], hours: null })}
          >
            All days and hours
          </button>
        )}
      </div>
      <div className="table">
        <table
          ref={table}
          role="grid"
          aria-labelledby={id}
          aria-describedby={filters ? `${id}-how` : undefined}
          aria-multiselectable={filters}
          className={restricts ? 'restricted' : undefined}
          {...(filters && {
            onPointerDown,
            onPointerMove,
            onPointerUp: () => brush && apply(brush),
            onPointerCancel: () => setBrush(null),
            onKeyDown,
          })}
        >
          <thead>
            <tr>
              <td />
              {HOURS.map((hour) => (
                <th key={hour} scope="col">
                  <span className={hour % 6 === 0 ? undefined : 'unseen'}>{hour}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {DAYS.map((name, day) => (
              <tr key={name}>
                <th scope="row">{name[0] + name.slice(1, 3).toLowerCase()}</th>
                {HOURS.map((hour) => {
                  const trips = byKey.get(`${name} ${hour}`) ?? 0;
                  const cell = { day, hour };
                  const isFocus = focus.day === day && focus.hour === hour;
                  return (
                    <td
                      key={hour}
                      role="gridcell"
                      tabIndex={isFocus ? 0 : -1}
                      aria-selected={restricts && selects(shown, cell)}
                      data-cell={`${day} ${hour}`}
                      title={`${hour}:00, ${plural(trips, 'trip')}`}
                    >
                      <span
                        className="heat-cell"
                        style={{ opacity: trips === 0 ? 0 : 0.12 + 0.88 * (trips / most) }}
                      />
                      <span className="unseen">{trips}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {filters && (
        <p id={`${id}-how`} className="detail">
          Drag over the cells to count only their days and hours; or move with the arrow keys,
          extend with Shift, and press Enter.
        </p>
      )}
    </div>
  );
}

/** The cell under the pointer, which the table may have captured. */
function cellAt({ clientX, clientY }: PointerEvent): WeekCell | null {
  const under = document.elementFromPoint(clientX, clientY);
  const key = under?.closest<HTMLElement>('[data-cell]')?.dataset['cell'];
  const [day, hour] = key?.split(' ').map(Number) ?? [];
  return day === undefined || hour === undefined ? null : { day, hour };
}
