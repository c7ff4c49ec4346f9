/// <reference lib="webworker" />
/** Cuts the land and borders of the world into tiles, apart from the page's own thread. */
import GeoJSONVT from 'geojson-vt';
import { feature, mesh } from 'topojson-client';
import coarseUrl from 'world-atlas/countries-50m.json?url';
import fineUrl from 'world-atlas/countries-10m.json?url';
import { FINE_FROM, MAX_NATIVE_ZOOM, type TileAnswer, type TileShape, type TileTask } from './tile';
import { continuous } from './unwrap';

type Atlas = Parameters<typeof feature>[0];

const indices = new Map<string, Promise<GeoJSONVT>>();

/** The index of the data with this URL; it is loaded once. */
function indexOf(url: string): Promise<GeoJSONVT> {
  const known = indices.get(url);
  if (known) return known;
  const loading = load(url);
  indices.set(url, loading);
  // The next tile tries again.
  loading.catch(() => indices.delete(url));
  return loading;
}

async function load(url: string): Promise<GeoJSONVT> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const atlas = (await answer.json()) as Atlas;
  const { countries, land } = atlas.objects;
  if (!countries || !land) throw new Error('the data have no countries');
  const ground = feature(atlas, land);
  const borders = mesh(
    atlas,
    countries as Parameters<typeof mesh>[1],
    (a: object, b: object) => a !== b,
  );
  return new GeoJSONVT(
    {
      type: 'FeatureCollection',
      features: [
        ...('features' in ground ? ground.features : [ground]).map((land) => ({
          ...land,
          geometry: continuous(land.geometry),
        })),
        { type: 'Feature', properties: {}, geometry: continuous(borders) },
      ],
    },
    { maxZoom: MAX_NATIVE_ZOOM, indexMaxZoom: 4, buffer: 128 },
  );
}

self.onmessage = ({ data }: MessageEvent<TileTask>): void => {
  const { id, z, x, y } = data;
  void indexOf(z < FINE_FROM ? coarseUrl : fineUrl)
    .then((index) => {
      const tile = index.getTile(z, x, y) as { features: TileShape[] } | null;
      return tile?.features.map(({ type, geometry }) => ({ type, geometry })) ?? [];
    })
    .catch(() => null)
    .then((shapes) => {
      const answer: TileAnswer = { id, shapes };
      self.postMessage(answer);
    });
};
