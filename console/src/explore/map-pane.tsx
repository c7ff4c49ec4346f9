import { useEffect, useRef, useState } from 'react';
import { areas } from '../results/geometry';
import { useStore } from '../store';
import { count } from '../text';
import { ExploreMap } from './explore-map';
import { HourSlider } from './hour-slider';
import type { Point } from '../results/findings';
import type { Subject } from './query';
import type { MapView } from './selection';
import {
  answers,
  busiestFlows,
  change,
  choices,
  look,
  mapElement,
  mapView,
  prepare,
  selection,
  sought,
} from './state';
import type { DrawnZones } from './zone-layer';
import { isComplete, zones } from './zones';

export type DrawingKind = 'box' | 'polygon';

/** The view of the map before there are data. */
const WORLD: MapView = { lat: 25, lon: 10, zoom: 2 };

/** The map, connected with the selection and the answers. */
export default function MapPane({
  drawing,
  onDrawn,
  marked,
  onMark,
}: {
  drawing: DrawingKind | null;
  onDrawn(): void;
  marked: number | null;
  onMark(index: number | null): void;
}) {
  const element = useRef<HTMLDivElement>(null);
  const map = useRef<ExploreMap | null>(null);
  const { flows, zones: figures } = useStore(answers);
  const { area, region, datasource, tripEnd, zoneSet } = useStore(selection);
  const known = useStore(zones);
  const { regions } = useStore(choices);
  const end = tripEnd === 'DESTINATION' ? 'destination' : 'origin';
  // Two kinds of shades on one map could not be told apart.
  const heatOf = zoneSet === null ? end : null;
  const [drawnZones, setDrawnZones] = useState<DrawnZones>({ drawn: 0, inView: 0 });
  const chosen = area.kind === 'zone' ? area.id : null;
  const hasData = regions.length > 0;
  const events = useRef({ onDrawn, onMark });

  useEffect(() => {
    events.current = { onDrawn, onMark };
  });

  useEffect(() => {
    const kept = mapView.get();
    const made = new ExploreMap(element.current!, kept ?? WORLD, {
      moved: (view, box) => look(view, box),
      drawn(drawn) {
        if (drawn) change({ area: drawn });
        events.current.onDrawn();
      },
      zoneChosen: (id) => change({ area: { kind: 'zone', id } }),
      zonesDrawn: setDrawnZones,
      marked: (index) => events.current.onMark(index),
    });
    map.current = made;
    mapElement.set(element.current);
    // A link, or another person, may set the view.
    const unsubscribe = mapView.subscribe(() => {
      const view = mapView.get();
      if (view) made.follow(view);
    });
    return () => {
      unsubscribe();
      map.current = null;
      mapElement.set(null);
      made.remove();
    };
  }, []);

  // The map looks at some trips once it is known where they are, unless it is to look elsewhere by then.
  const looks = useRef(0);
  const lookAt = (subject: Subject, isWanted: (points: readonly Point[]) => boolean): void => {
    const mine = looks.current;
    const looking = busiestFlows(subject).then((busiest) => {
      const [most = []] = areas(busiest);
      const points = most.map((index) => busiest[index]!.origin.center);
      if (mine === looks.current && isWanted(points)) map.current?.fit(points);
    });
    void prepare(looking);
  };

  // At first these are all trips, unless a link says where, and then those of a chosen region.
  const looked = useRef(mapView.get() === null ? null : `${region} ${datasource}`);
  useEffect(() => {
    const wanted = `${region} ${datasource}`;
    if (!hasData || looked.current === wanted) return;
    looked.current = wanted;
    looks.current += 1;
    lookAt({ region, datasource }, () => true);
  }, [hasData, region, datasource]);

  // An upload is looked for if none of its trips is in view, and any ingestion when asked to.
  const seeking = useStore(sought);
  useEffect(() => {
    if (seeking === null) return;
    sought.set(null);
    const { id, evenIfInView } = seeking;
    if (evenIfInView) looks.current += 1;
    lookAt({ ingestion: id }, (points) => evenIfInView || !map.current?.shows(points));
  }, [seeking]);

  useEffect(() => {
    const averages = new Map(figures?.map(({ id, average }) => [id, average]));
    map.current?.showZones(known?.list ?? [], averages, chosen);
  }, [known, figures, chosen]);

  // The map looks at the zones of another set, unless a link says where.
  const lookedAt = useRef(mapView.get() === null ? null : zoneSet);
  useEffect(() => {
    // They are shown as they are read, and looked at when all of them are there.
    const isThere = known !== null && isComplete(known);
    if (isThere && known.set !== lookedAt.current) map.current?.fitZones();
    if (isThere || zoneSet === null) lookedAt.current = zoneSet;
  }, [known, zoneSet]);

  useEffect(() => map.current?.show(flows, heatOf), [flows, heatOf]);
  useEffect(() => map.current?.outline(area), [area]);
  useEffect(() => map.current?.draw(drawing), [drawing]);
  useEffect(() => map.current?.mark(marked), [marked, flows]);

  const most = Math.max(0, ...flows.map(({ trips }) => trips));
  return (
    <>
      <div ref={element} className="map" role="application" aria-label="Map of the trips" />
      {!drawing && <HourSlider />}
      {drawing && (
        <p className="drawing-hint" role="status">
          {drawing === 'box'
            ? 'Drag from one corner of the box to the other. Escape cancels.'
            : 'Click the corners; click the first one or press Enter to finish. Escape cancels.'}
        </p>
      )}
      {(most > 0 || known) && (
        <div className="legend">
          {most > 0 && (
            <>
              <span className="legend-flow" aria-hidden="true" />
              <span>
                a flow, from its wide to its narrow end; the widest has {count(most)} trips
              </span>
            </>
          )}
          {most > 0 && heatOf && (
            <>
              <span className="legend-heat" aria-hidden="true" />
              <span>cells where many of these flows {heatOf === 'origin' ? 'start' : 'end'}</span>
            </>
          )}
          {known && (
            <>
              <span className="legend-zone" aria-hidden="true" />
              <span>
                zones with more trips a week have a stronger colour
                {!isComplete(known) &&
                  `; ${count(known.list.length)} of ${count(known.total)} have been read`}
                {drawnZones.drawn < drawnZones.inView &&
                  `; the ${count(drawnZones.drawn)} with most trips of ${count(drawnZones.inView)} in view are drawn: zoom in for the others`}
              </span>
            </>
          )}
        </div>
      )}
    </>
  );
}
