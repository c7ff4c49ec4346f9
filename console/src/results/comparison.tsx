import { axisX, axisY, gridY, line, plot, ruleY } from '@observablehq/plot';
import { useEffect, useId, useRef, useState } from 'react';
import { count, plural, rounded } from '../text';
import type { WeekSeries } from './findings';
import { nameParts, withoutStyles } from './plot';
import { useSize } from './size';

/** One of several weekly averages in an answer, with its response key. */
export interface NamedSeries {
  key: string;
  series: WeekSeries;
}

const MARGIN = { left: 52, right: 16, top: 16, bottom: 40 };

/** Colours of the lines, repeated if there are more; each is visible on light and on dark. */
const COLOURS = [
  '#1c7ed6',
  '#e8590c',
  '#2f9e44',
  '#ae3ec9',
  '#c28100',
  '#0c8599',
  '#e64980',
  '#7048e8',
  '#74932a',
  '#868e96',
];

const colour = (index: number): string => COLOURS[index % COLOURS.length]!;

/** Several weekly averages as lines in one chart with a common scale, and as one table. */
export default function Comparison({ all }: { all: readonly NamedSeries[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const caption = useId();
  const { width, height } = useSize(frame);
  const [marked, setMarked] = useState<string | null>(null);

  useEffect(() => {
    const node = frame.current;
    if (!node || width === 0) return;
    const chart = draw(all, marked, width, height);
    nameParts(chart, caption);
    node.replaceChildren(chart);
    return () => chart.remove();
  }, [all, marked, width, height, caption]);

  return (
    <figure className="comparison">
      <figcaption id={caption}>Trips per week of {plural(all.length, 'weekly average')}</figcaption>
      <div ref={frame} className="chart" />
      <div className="table" tabIndex={0} role="region" aria-labelledby={caption}>
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Trips</th>
              <th scope="col">Average</th>
              <th scope="col">Weeks</th>
              <th scope="col">First</th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {all.map(({ key, series }, index) => (
              <tr
                key={key}
                className={marked === key ? 'marked' : undefined}
                onMouseEnter={() => setMarked(key)}
                onMouseLeave={() => setMarked(null)}
              >
                <th scope="row">
                  <span className="swatch" style={{ background: colour(index) }} />
                  {key}
                </th>
                <td>{count(series.total)}</td>
                <td>{rounded(series.average)}</td>
                <td>{count(series.weeks.length)}</td>
                <td>{series.weeks[0]?.week ?? '–'}</td>
                <td>{series.weeks.at(-1)?.week ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

function draw(
  all: readonly NamedSeries[],
  marked: string | null,
  width: number,
  height: number,
): Element {
  const chart = plot({
    className: 'weeks-plot',
    width,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    x: { type: 'utc' },
    y: { zero: true, nice: true },
    marks: [
      axisX({ label: 'Week', ticks: Math.max(2, Math.floor(width / 70)) }),
      axisY({ label: 'Trips', ticks: Math.max(2, Math.floor(height / 50)) }),
      gridY({ ticks: Math.max(2, Math.floor(height / 50)) }),
      ruleY([0]),
      ...all.map(({ key, series }, index) =>
        line(
          series.weeks.map(({ week, trips }) => ({ week: new Date(`${week}T00:00:00Z`), trips })),
          {
            x: 'week',
            y: 'trips',
            stroke: colour(index),
            strokeWidth: marked === key ? 3 : 1.5,
            strokeOpacity: marked === null || marked === key ? 1 : 0.25,
            ariaLabel: key,
          },
        ),
      ),
    ],
  });
  return withoutStyles(chart);
}
