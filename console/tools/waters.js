// Makes `src/map/waters-coarse.json` and `waters-fine.json` from the rivers and lakes of Natural
// Earth at 1:10 million, as GeoJSON:
//     node tools/waters.js ne_10m_rivers_lake_centerlines.json ne_10m_lakes.json
import { readFileSync, writeFileSync } from 'node:fs';

/** The least important rank that is kept, the tolerance of simplification and the grid, in degrees. */
const LEVELS = {
  coarse: { rank: 4, tolerance: 0.03, grid: 0.01 },
  fine: { rank: 9, tolerance: 0.005, grid: 0.001 },
};

const [rivers, lakes] = process.argv
  .slice(2)
  .map((path) => JSON.parse(readFileSync(path)).features);

/** A line without the points nearer than the tolerance to it (Ramer, Douglas and Peucker). */
function simplify(points, tolerance) {
  const [[x1, y1], [x2, y2]] = [points[0], points.at(-1)];
  const length = Math.hypot(x2 - x1, y2 - y1);
  let [farthest, most] = [0, tolerance];
  points.forEach(([x, y], index) => {
    const distance =
      length === 0
        ? Math.hypot(x - x1, y - y1)
        : Math.abs((x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)) / length;
    if (distance > most) [farthest, most] = [index, distance];
  });
  if (farthest === 0) return [points[0], points.at(-1)];
  const head = simplify(points.slice(0, farthest + 1), tolerance);
  return [...head.slice(0, -1), ...simplify(points.slice(farthest), tolerance)];
}

/** The lines of geometries as arcs of TopoJSON: steps on the grid. */
class Arcs {
  list = [];

  constructor({ tolerance, grid }) {
    Object.assign(this, { tolerance, grid });
  }

  /** The index of a line, or null for one that is a point on the grid. */
  add(line, least) {
    let before = [0, 0];
    const steps = [];
    for (const [lon, lat] of simplify(line, this.tolerance)) {
      const here = [Math.round((lon + 180) / this.grid), Math.round((lat + 90) / this.grid)];
      const step = [here[0] - before[0], here[1] - before[1]];
      if (steps.length === 0 || step[0] !== 0 || step[1] !== 0) steps.push(step);
      before = here;
    }
    return steps.length < least ? null : this.list.push(steps) - 1;
  }
}

const parts = ({ type, coordinates }) => (type.startsWith('Multi') ? coordinates : [coordinates]);
const isThere = (index) => index !== null;

for (const [name, level] of Object.entries(LEVELS)) {
  const arcs = new Arcs(level);
  const kept = ({ geometry, properties: { scalerank, featurecla } }) =>
    geometry && scalerank <= level.rank && featurecla !== 'Lake Centerline';
  const lines = rivers
    .filter(kept)
    .flatMap(({ geometry }) => parts(geometry))
    .map((line) => arcs.add(line, 2))
    .filter(isThere)
    .map((index) => [index]);
  const polygons = lakes
    .filter(kept)
    .flatMap(({ geometry }) => parts(geometry))
    .map((rings) => rings.map((ring) => arcs.add(ring, 4)).filter(isThere))
    .filter((rings) => rings.length > 0)
    .map((rings) => rings.map((index) => [index]));
  const topology = {
    type: 'Topology',
    transform: { scale: [level.grid, level.grid], translate: [-180, -90] },
    objects: {
      rivers: { type: 'MultiLineString', arcs: lines },
      lakes: { type: 'MultiPolygon', arcs: polygons },
    },
    arcs: arcs.list,
  };
  const path = new URL(`../src/map/waters-${name}.json`, import.meta.url);
  writeFileSync(path, JSON.stringify(topology));
}
