import { lazy, Suspense, useEffect, useRef } from 'react';
import { announce } from '../announce';
import { LoadFailure } from '../load-failure';
import { wayText } from '../results/geometry';
import { useStore } from '../store';
import { count, plural, rounded } from '../text';
import { Profile } from './profile';
import { answers, selection, useBusy } from './state';
import { TakeAlong } from './take-along';
import { ZoneTable } from './zone-table';

const WeeksChart = lazy(() => import('../results/weeks'));

/** Number of flows in the list. */
const LISTED = 20;

/** The figures of the selection: average, total, trend, profile and the largest flows. */
export function Figures({
  marked,
  onMark,
}: {
  marked: number | null;
  onMark(index: number | null): void;
}) {
  const found = useStore(answers);
  const busy = useBusy();
  const { area, zoneSet } = useStore(selection);
  const { problem, query, average, averageOfActiveWeeks, total, series, flows } = found;
  const list = useRef<HTMLOListElement>(null);
  const where = {
    view: 'in view',
    everywhere: 'everywhere',
    box: 'in the box',
    polygon: 'in the polygon',
    zone: 'in the zone',
  };

  useEffect(() => {
    if (query && !busy && !problem) {
      announce(`${plural(total, 'trip')}, ${rounded(average)} a week.`);
    }
  }, [query, busy, problem, total, average]);

  useEffect(() => {
    if (marked === null) return;
    list.current?.querySelector(`[data-index="${marked}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [marked]);

  return (
    <section className="figures" aria-label="Figures" aria-busy={busy}>
      {problem && (
        <p className="fault" role="alert">
          {problem}
        </p>
      )}
      <dl className="numbers">
        <div className="number main">
          <dt>Trips a week {where[area.kind]}</dt>
          <dd>{query ? rounded(average) : '–'}</dd>
        </div>
        <div className="number">
          <dt>Trips</dt>
          <dd>{query ? count(total) : '–'}</dd>
        </div>
        <div className="number">
          <dt>Weeks</dt>
          <dd>{query ? count(series.weeks.length) : '–'}</dd>
        </div>
        <div className="number">
          <dt>A week with trips</dt>
          <dd>{query ? rounded(averageOfActiveWeeks) : '–'}</dd>
        </div>
      </dl>
      {series.weeks.length > 0 && (
        <LoadFailure>
          <Suspense fallback={<p className="detail">The chart is loading…</p>}>
            <WeeksChart name={null} series={series} />
          </Suspense>
        </LoadFailure>
      )}
      {found.profile && total > 0 && <Profile cells={found.profile} />}
      {found.zones && zoneSet !== null && <ZoneTable set={zoneSet} figures={found.zones} />}
      {flows.length > 0 && (
        <div className="top-flows">
          <h2>Largest flows</h2>
          <ol ref={list} className="flow-list">
            {flows.slice(0, LISTED).map((flow, index) => (
              <li key={`${flow.origin.index} ${flow.destination.index}`} data-index={index}>
                <button
                  type="button"
                  className={marked === index ? 'flow marked' : 'flow'}
                  onMouseEnter={() => onMark(index)}
                  onMouseLeave={() => onMark(null)}
                  onFocus={() => onMark(index)}
                  onBlur={() => onMark(null)}
                >
                  <strong>{plural(flow.trips, 'trip')}</strong>
                  <span className="detail">{wayText(flow)}</span>
                </button>
              </li>
            ))}
          </ol>
        </div>
      )}
      {query && <TakeAlong answers={found} />}
    </section>
  );
}
