import { Component, lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { useStore } from '../store';
import { activeTab } from '../workbench';
import { type Finding, findingsOf } from './findings';
import { runs } from './runs';
import { Splitter } from './splitter';

const WeeksChart = lazy(() => import('./weeks'));
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
            {open ? 'Hide' : 'Show'} the {drawn.map(nounOf).join(' and the ')}
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
          {drawn.map((finding) => (
            <LoadFailure key={finding.key}>
              <Suspense fallback={<p className="detail">Drawing…</p>}>
                {finding.kind === 'weeks' && (
                  <WeeksChart name={finding.key} series={finding.series} />
                )}
                {finding.kind === 'flows' && <FlowsMap name={finding.key} flows={finding.flows} />}
              </Suspense>
            </LoadFailure>
          ))}
        </div>
      )}
    </section>
  );
}

function nounOf({ kind }: Finding): string {
  return kind === 'weeks' ? 'chart' : 'map';
}

/** Shows an error if the code for charts and maps, which is loaded on demand, can't be loaded. */
class LoadFailure extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <p className="fault" role="alert">
        The drawing could not be loaded. If the server was updated, reload the page.
      </p>
    );
  }
}
