import { lazy, Suspense, useEffect, useRef } from 'react';
import { announce } from '../announce';
import { LoadFailure } from '../load-failure';
import { wayText } from '../results/geometry';
import { useStore } from '../store';
import { count, plural, rounded } from '../text';
import { Profile } from './profile';
import { answers, askAll, selection, useBusy } from './state';
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
  // A selection without an answer has no figures; 0 would be one.
  const known = query !== '' && problem === null;
  const list = useRef<HTMLOListElement>(null);
  const where = {
    view: 'in view',
    everywhere: 'everywhere',
    box: 'in the box',
    polygon: 'in the polygon',
    zone: 'in the zone',
  };

  useEffect(() => {
    if (known && !busy) {
      announce(`${plural(total, 'trip')}, ${rounded(average)} a week.`);
    }
  }, [known, query, busy, total, average]);

  useEffect(() => {
    if (marked === null) return;
    list.current?.querySelector(`[data-index="${marked}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [marked]);

  return (
    <section className="figures" aria-label="Figures" aria-busy={busy}>
      {problem && (
        <div className="row">
          <p className="fault" role="alert">
            {problem}
          </p>
          <button type="button" className="button quiet" onClick={askAll}>
            Try again
          </button>
        </div>
      )}
      <dl className="numbers">
        <div className="number main">
          <dt>Trips a week {where[area.kind]}</dt>
          <dd>{known ? rounded(average) : '–'}</dd>
        </div>
        <div className="number">
          <dt>Trips</dt>
          <dd>{known ? count(total) : '–'}</dd>
        </div>
        <div className="number">
          <dt>Weeks</dt>
          <dd>{known ? count(series.weeks.length) : '–'}</dd>
        </div>
        <div className="number">
          <dt>A week with trips</dt>
          <dd>{known ? rounded(averageOfActiveWeeks) : '–'}</dd>
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
