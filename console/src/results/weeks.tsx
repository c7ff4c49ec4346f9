import { axisX, axisY, gridY, plot, pointerX, rectY, ruleY, text, tip } from '@observablehq/plot';
import { useEffect, useId, useRef } from 'react';
import { count, plural, rounded } from '../text';
import type { WeekSeries } from './findings';
import { nameParts, withoutStyles } from './plot';
import { useSize } from './size';

/** Minimum width of a bar in pixels, so that a long series scrolls. */
const NARROWEST_BAR = 1;
const MARGIN = { left: 52, right: 64, top: 24, bottom: 40 };

/** The weeks of a `weeklyAverage` as bars, with a line at the average. */
export default function WeeksChart({ name, series }: { name: string | null; series: WeekSeries }) {
  const frame = useRef<HTMLDivElement>(null);
  const caption = useId();
  const { width, height } = useSize(frame);

  useEffect(() => {
    const node = frame.current;
    if (!node || width === 0 || series.weeks.length === 0) return;
    const chart = draw(series, width, height);
    nameParts(chart, caption);
    node.replaceChildren(chart);
    return () => chart.remove();
  }, [series, width, height, caption]);

  return (
    <figure className="weeks">
      <figcaption id={caption}>
        {name !== null && (
          <>
            <code>{name}</code>:{' '}
          </>
        )}
        {captionText(series)}
      </figcaption>
      {series.weeks.length > 0 && (
        <div ref={frame} className="chart" tabIndex={0} role="region" aria-labelledby={caption} />
      )}
      {series.weeks.length > 0 && <WeeksTable series={series} />}
    </figure>
  );
}

/** The numbers behind the bars. */
function WeeksTable({ series }: { series: WeekSeries }) {
  return (
    <details className="behind">
      <summary>Table of the weeks</summary>
      <div className="table" tabIndex={0} role="region" aria-label="Table of the weeks">
        <table>
          <thead>
            <tr>
              <th scope="col">Week</th>
              <th scope="col">Trips</th>
            </tr>
          </thead>
          <tbody>
            {series.weeks.map(({ week, trips }) => (
              <tr key={week}>
                <th scope="row">{week}</th>
                <td>{count(trips)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function captionText({ weeks, average, total }: WeekSeries): string {
  const [first, last] = [weeks[0], weeks.at(-1)];
  if (!first || !last) return 'no trips';
  const busiest = weeks.reduce((most, week) => (week.trips > most.trips ? week : most));
  return (
    `${plural(total, 'trip')} in ${plural(weeks.length, 'week')}, ${first.week} to ${last.week}; ` +
    `${rounded(average)} a week, most in the week of ${busiest.week}: ${count(busiest.trips)}`
  );
}

function draw({ weeks, average }: WeekSeries, width: number, height: number): Element {
  const bars = weeks.map(({ week, trips }) => {
    const begin = new Date(`${week}T00:00:00Z`);
    return { week, trips, begin, end: new Date(begin.getTime() + 7 * 86_400_000) };
  });
  const wanted = MARGIN.left + MARGIN.right + bars.length * NARROWEST_BAR;
  const span = Math.max(width, wanted);
  const barWidth = (span - MARGIN.left - MARGIN.right) / bars.length;
  const chart = plot({
    className: 'weeks-plot',
    width: span,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    x: { type: 'utc', domain: [bars[0]!.begin, bars.at(-1)!.end] },
    y: { zero: true, nice: true },
    marks: [
      axisX({ label: 'Week', ticks: Math.max(2, Math.floor(span / 70)) }),
      axisY({ label: 'Trips', ticks: Math.max(2, Math.floor(height / 50)) }),
      gridY({ ticks: Math.max(2, Math.floor(height / 50)) }),
      rectY(bars, {
        x1: 'begin',
        x2: 'end',
        y: 'trips',
        insetLeft: Math.min(1, barWidth / 6),
        fill: 'var(--accent)',
        ariaLabel: ({ week, trips }: (typeof bars)[number]) => `${week}: ${trips}`,
      }),
      ruleY([0]),
      ruleY([average], { stroke: 'var(--destination)', strokeWidth: 1.5, strokeDasharray: '5 3' }),
      text([average], {
        y: (value: number) => value,
        frameAnchor: 'right',
        textAnchor: 'start',
        dx: 6,
        text: (value: number) => `average\n${rounded(value)}`,
        fill: 'var(--destination)',
        fontSize: 12,
        fontWeight: 500,
      }),
      tip(
        bars,
        pointerX({
          x1: 'begin',
          x2: 'end',
          y: 'trips',
          title: ({ week, trips }: (typeof bars)[number]) =>
            `Week of ${week}\n${plural(trips, 'trip')}`,
          fill: 'var(--paper)',
          stroke: 'var(--line)',
          fontSize: 13,
        }),
      ),
    ],
  });
  return withoutStyles(chart);
}
