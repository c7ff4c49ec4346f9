import 'leaflet/dist/leaflet.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import { count, plural } from '../text';
import type { Flow } from './findings';
import { FlowMap } from './flow-map';
import { areas, placeText, unwrap, wayText } from './geometry';

/** Maximum number of areas with their own button. */
const MOST_AREAS = 6;

/** The groups of a `groupedTrips` as flows on a map and in a list beside it. */
export default function FlowsMap({ name, flows }: { name: string; flows: readonly Flow[] }) {
  const unwrapped = useMemo(() => unwrap(flows), [flows]);
  const parts = useMemo(() => areas(unwrapped), [unwrapped]);
  const everything = useMemo(() => [...unwrapped.keys()], [unwrapped]);
  const element = useRef<HTMLDivElement>(null);
  const map = useRef<FlowMap | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const [marked, setMarked] = useState<number | null>(null);
  /** Index of the area in view; null shows all areas. */
  const [area, setArea] = useState<number | null>(0);

  useEffect(() => {
    setArea(0);
    setMarked(null);
    if (!element.current || unwrapped.length === 0) return;
    const drawn = new FlowMap(element.current, unwrapped, (index) => {
      setMarked(index);
      if (index === null) return;
      list.current?.querySelector(`[data-index="${index}"]`)?.scrollIntoView({ block: 'nearest' });
    });
    map.current = drawn;
    return () => {
      map.current = null;
      drawn.remove();
    };
  }, [unwrapped]);

  const inView = area === null ? everything : (parts[area] ?? everything);
  useEffect(() => map.current?.show(inView), [inView]);
  useEffect(() => map.current?.mark(marked), [marked]);

  const total = unwrapped.reduce((sum, { trips }) => sum + trips, 0);
  return (
    <figure className="flows">
      <figcaption>
        <code>{name}</code>:{' '}
        {unwrapped.length === 0
          ? 'no groups'
          : `${plural(unwrapped.length, 'flow')} with ${plural(total, 'trip')}`}
        {unwrapped.length > 0 && (
          <span className="key">
            <span className="key-origin">origin</span>
            <span className="key-destination">destination</span>
          </span>
        )}
      </figcaption>
      {parts.length > 1 && (
        <div className="areas" role="group" aria-label="Area in view">
          {parts.slice(0, MOST_AREAS).map((part, index) => (
            <button
              key={part[0]}
              type="button"
              className="button quiet"
              aria-pressed={area === index}
              onClick={() => setArea(index)}
            >
              {placeText(unwrapped[part[0]!]!.origin.center)} ({count(part.length)})
            </button>
          ))}
          <button
            type="button"
            className="button quiet"
            aria-pressed={area === null}
            onClick={() => setArea(null)}
          >
            All ({count(unwrapped.length)})
          </button>
        </div>
      )}
      {unwrapped.length > 0 && (
        <div className="map-and-list">
          <div ref={element} className="map" role="application" aria-label={`Map of ${name}`} />
          <ol ref={list} className="flow-list" aria-label={`Flows of ${name}`}>
            {inView.map((index) => (
              <li key={index} data-index={index}>
                <button
                  type="button"
                  className={marked === index ? 'flow marked' : 'flow'}
                  onMouseEnter={() => setMarked(index)}
                  onMouseLeave={() => setMarked(null)}
                  onFocus={() => setMarked(index)}
                  onBlur={() => setMarked(null)}
                  onClick={() => map.current?.show([index])}
                >
                  <strong>{plural(unwrapped[index]!.trips, 'trip')}</strong>
                  <span className="detail">{wayText(unwrapped[index]!)}</span>
                </button>
              </li>
            ))}
          </ol>
        </div>
      )}
    </figure>
  );
}
