import { expect, test } from 'vitest';
import type { Cell, Flow } from '../../src/results/findings';
import { arc, areas, kilometres, lanes, lonNear, spread, unwrap } from '../../src/results/geometry';

function cell(lon: number, lat: number, boundary: number[] = []): Cell {
  return { index: '', center: { lon, lat }, boundary: boundary.map((at) => ({ lon: at, lat })) };
}

function flow(origin: Cell, destination: Cell, trips = 1): Flow {
  return { origin, destination, trips, time: '' };
}

test('a longitude is taken from the nearer side of the antimeridian', () => {
  expect(lonNear(-179, 179)).toBe(181);
  expect(lonNear(179, -179)).toBe(-181);
  expect(lonNear(10, 20)).toBe(10);
  expect(lonNear(-179, 541)).toBe(541);
});

test('hexagons and flows across the antimeridian are not drawn around the world', () => {
  const fiji = cell(179.9, -17, [179.8, -179.9, 179.95]);
  const east = cell(-179.8, -17, [-179.9, 179.9]);
  const [there, back] = unwrap([flow(fiji, east), flow(east, fiji)]);
  expect(there!.origin.boundary.map(({ lon }) => lon)).toEqual([179.8, 180.1, 179.95]);
  expect(there!.destination.center.lon).toBeCloseTo(180.2);
  expect(there!.destination.boundary.map(({ lon }) => lon)).toEqual([180.1, 179.9]);
  expect(back!.origin.center.lon).toBeCloseTo(180.2);
  expect(back!.destination.center.lon).toBeCloseTo(179.9);
  expect(unwrap([])).toEqual([]);
});

test('distances go the short way', () => {
  expect(kilometres({ lon: 0, lat: 0 }, { lon: 0, lat: 1 })).toBeCloseTo(111.2, 1);
  expect(kilometres({ lon: 179.5, lat: 0 }, { lon: -179.5, lat: 0 })).toBeCloseTo(111.2, 1);
});

test('flows that lie together are an area, the one with most trips first', () => {
  const prague = cell(14.4, 50.1);
  const turin = cell(7.7, 45);
  expect(areas([flow(prague, prague, 2), flow(turin, turin, 3), flow(prague, prague, 2)])).toEqual([
    [0, 2],
    [1],
  ]);
  // A chain of near ones is one area, in whatever order they come.
  const chain = [0, 4, 1, 3, 2].map((lon) => flow(cell(lon, 0), cell(lon, 0)));
  expect(areas(chain)).toEqual([[0, 1, 2, 3, 4]]);
});

test('an arc begins and ends where it should, and the way back bends to the other side', () => {
  const [a, b] = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
  ];
  const there = arc(a, b, 0.1);
  const back = arc(b, a, 0.1);
  expect(there[0]).toEqual(a);
  expect(there.at(-1)).toEqual(b);
  expect(there[12]!.y).toBeCloseTo(1);
  expect(back[12]!.y).toBeCloseTo(-1);
});

test('flows between the same cells lie beside each other', () => {
  const [a, b] = [cell(1, 1), cell(2, 2)];
  expect(lanes([flow(a, b), flow(b, a), flow(a, b)])).toEqual([
    { before: 0, all: 2 },
    { before: 0, all: 1 },
    { before: 1, all: 2 },
  ]);
  const range = { first: 1, next: 2, last: 5 };
  expect(spread(range, { before: 1, all: 2 })).toBe(3);
  expect(spread(range, { before: 9, all: 10 })).toBe(5);
});
