import { lazy, Suspense, useEffect, useState } from 'react';
import { LoadFailure } from '../load-failure';
import { useStore } from '../store';
import { Panel } from '../upload/panel';
import { Figures } from './figures';
import { Filters } from './filters';
import type { DrawingKind } from './map-pane';
import { choices, startExploring } from './state';

const MapPane = lazy(() => import('./map-pane'));

/** Answers without GraphQL: a map of the trips, filters, and the figures that follow from them. */
export function Explore() {
  const { loaded, regions } = useStore(choices);
  const [drawing, setDrawing] = useState<DrawingKind | null>(null);
  const [marked, setMarked] = useState<number | null>(null);
  useEffect(startExploring, []);
  const isEmpty = loaded && regions.length === 0;
  // With keys, each is moved as it is: a new panel would lose a file that is just being chosen.
  const panel = <Panel key="panel" />;
  const filters = <Filters key="filters" drawing={drawing} onDraw={setDrawing} />;
  return (
    <main className="view explore">
      <div className="side">{isEmpty ? [panel, filters] : [filters, panel]}</div>
      <section className="map-pane" aria-label="Map">
        <LoadFailure>
          <Suspense fallback={<p className="detail">The map is loading…</p>}>
            <MapPane
              drawing={drawing}
              onDrawn={() => setDrawing(null)}
              marked={marked}
              onMark={setMarked}
            />
          </Suspense>
        </LoadFailure>
      </section>
      <Figures marked={marked} onMark={setMarked} />
    </main>
  );
}
