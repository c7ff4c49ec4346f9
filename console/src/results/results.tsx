import { lazy, Suspense, useId, useMemo, useState } from 'react';
import { LoadFailure } from '../load-failure';
import { useStore } from '../store';
import { activeTab } from '../workbench';
import { type Finding, findingsOf } from './findings';
import { runs } from './runs';
import { Splitter } from './splitter';

const WeeksChart = lazy(() => import('./weeks'));
const Comparison = lazy(() => import('./comparison'));
const FlowsMap = lazy(() => import('./flows'));

/** Initial height of the pane as a share of the window, and minimum height in pixels. */
const PART = 0.47;
const LEAST = 120;

/** Charts and maps of the current response, shown under it. */
export function Results() {
  const run = useStore(runs).get(useStore(activeTab));
  const findings = useMemo(() => (run ? findingsOf(run) : []), [run]);
  const [open, setOpen] = useState(true);
  const [height, setHeight] = useState(() => Math.round(window.innerHeight * PART));
  const drawn = findings.filter(({ kind }) => kind !== 'hint');
  const weeks = findings.filter((finding) => finding.kind === 'weeks');
  const flows = findings.filter((finding) => finding.kind === 'flows');

  if (findings.length === 0) return null;
  return (
    <section className="results" aria-label="Charts and maps of the result">
      {open && drawn.length > 0 && (
        <Splitter label="Height of the drawing" value={height} least={LEAST} onChange={setHeight} />
      )}
      <div className="results-head">
        {drawn.length > 0 && (
          <button
            type="button"
            className="button quiet"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {open ? 'Hide' : 'Show'} {nounsOf(drawn)}
          </button>
        )}
        {findings.map((finding) =>
          'hint' in finding && finding.hint ? (
            <p key={finding.key} className="detail">
              <code>{finding.key}</code>: {finding.hint}
            </p>
          ) : null,
        )}
      </div>
      {open && drawn.length > 0 && (
        <div className="results-body" style={{ height }}>
          <LoadFailure>
            <Suspense fallback={<p className="detail">Drawing…</p>}>
              {weeks.length > 1 && <Comparison all={weeks} />}
              {weeks.length === 1 && <WeeksChart name={weeks[0]!.key} series={weeks[0]!.series} />}
              <Flows all={flows} />
            </Suspense>
          </LoadFailure>
        </div>
      )}
    </section>
  );
}

/** "the chart", "the charts and the map". */
function nounsOf(findings: readonly Finding[]): string {
  const nouns = [
    ['weeks', 'chart'],
    ['flows', 'map'],
  ] as const;
  return nouns
    .map(([kind, noun]) => [findings.filter((one) => one.kind === kind).length, noun] as const)
    .filter(([number]) => number > 0)
    .map(([, noun]) => `the ${noun}`)
    .join(' and ');
}

/** The flows of one field; if there are several, those of the chosen one. */
function Flows({ all }: { all: readonly Extract<Finding, { kind: 'flows' }>[] }) {
  const id = useId();
  const [chosen, setChosen] = useState<string | null>(null);
  const finding = all.find(({ key }) => key === chosen) ?? all[0];
  if (!finding) return null;
  return (
    <>
      {all.length > 1 && (
        <p>
          <label htmlFor={id}>Map of</label>{' '}
          <select id={id} value={finding.key} onChange={({ target }) => setChosen(target.value)}>
            {all.map(({ key }) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </p>
      )}
      <FlowsMap key={finding.key} name={finding.key} flows={finding.flows} />
    </>
  );
}
