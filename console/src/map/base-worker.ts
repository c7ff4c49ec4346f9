/// <reference lib="webworker" />
/** Cuts the land, waters and borders of the world into tiles, apart from the page's own thread. */
import GeoJSONVT from 'geojson-vt';
import { feature, mesh } from 'topojson-client';
import coarseWatersUrl from './waters-coarse.json?url';
import fineWatersUrl from './waters-fine.json?url';
import coarseUrl from 'world-atlas/countries-50m.json?url';
import fineUrl from 'world-atlas/countries-10m.json?url';
import {
  FINE_FROM,
  KINDS,
  type Kind,
  MAX_NATIVE_ZOOM,
  type TileAnswer,
  type TileShape,
  type TileTask,
} from './tile';
import { continuous } from './unwrap';

type Atlas = Parameters<typeof feature>[0];

/** The files of the data, coarse and fine. */
const COARSE: Sources = { countries: coarseUrl, waters: coarseWatersUrl };
const FINE: Sources = { countries: fineUrl, waters: fineWatersUrl };

interface Sources {
  countries: string;
  waters: string;
}

const indices = new Map<Sources, Promise<GeoJSONVT>>();

/** The index of data; they are loaded once. */
function indexOf(sources: Sources): Promise<GeoJSONVT> {
  const known = indices.get(sources);
  if (known) return known;
  const loading = index(sources);
  indices.set(sources, loading);
  // The next tile tries again.
  loading.catch(() => indices.delete(sources));
  return loading;
}

async function load(url: string): Promise<Atlas> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()) as Atlas;
}

/** The features of an object of the data, named for what they are. */
function features(atlas: Atlas, object: string, kind: Kind): GeoJSON.Feature[] {
  const found = feature(atlas, atlas.objects[object]!);
  return ('features' in found ? found.features : [found]).map(({ geometry }) => ({
    type: 'Feature',
    properties: { kind },
    geometry: continuous(geometry),
  }));
}

async function index(sources: Sources): Promise<GeoJSONVT> {
  const [atlas, waters] = await Promise.all([load(sources.countries), load(sources.waters)]);
  const countries = atlas.objects['countries'] as Parameters<typeof mesh>[1];
  const borders = mesh(atlas, countries, (a: object, b: object) => a !== b);
  return new GeoJSONVT(
    {
      type: 'FeatureCollection',
      features: [
        ...features(atlas, 'land', 'land'),
        ...features(waters, 'lakes', 'lake'),
        ...features(waters, 'rivers', 'river'),
        { type: 'Feature', properties: { kind: 'border' }, geometry: continuous(borders) },
      ],
    },
    { maxZoom: MAX_NATIVE_ZOOM, indexMaxZoom: 4, buffer: 128 },
  );
}

/** A feature of a tile. */
interface Cut {
  tags: { kind: Kind };
  geometry: TileShape['geometry'];
}

self.onmessage = ({ data }: MessageEvent<TileTask>): void => {
  const { id, z, x, y } = data;
  void indexOf(z < FINE_FROM ? COARSE : FINE)
    .then((index) => {
      const tile = index.getTile(z, x, y) as { features: Cut[] } | null;
      const shapes = tile?.features.map(({ tags, geometry }) => ({ kind: tags.kind, geometry }));
      return shapes?.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)) ?? [];
    })
    .catch(() => null)
    .then((shapes) => {
      const answer: TileAnswer = { id, shapes };
      self.postMessage(answer);
    });
};
