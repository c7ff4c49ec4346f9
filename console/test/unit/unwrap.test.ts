import type { Polygon } from 'geojson';
import { expect, test } from 'vitest';
import { continuous } from '../../src/map/unwrap';

const ring = (...coordinates: [number, number][]): Polygon => ({
  type: 'Polygon',
  coordinates: [coordinates],
});

test('a ring across the antimeridian goes on beyond 180 degrees', () => {
  expect(continuous(ring([170, 60], [-170, 60], [-170, 70], [170, 70], [170, 60]))).toEqual(
    ring([170, 60], [190, 60], [190, 70], [170, 70], [170, 60]),
  );
  const plain = ring([10, 0], [20, 0], [20, 10], [10, 0]);
  expect(continuous(plain)).toEqual(plain);
});

test('a ring around a pole is closed along it', () => {
  expect(continuous(ring([-120, -70], [0, -75], [120, -70], [-120, -70]))).toEqual(
    ring([-120, -70], [0, -75], [120, -70], [240, -70], [240, -90], [-120, -90], [-120, -70]),
  );
});

test('a hole is where its outer ring is', () => {
  const { coordinates } = continuous({
    type: 'Polygon',
    coordinates: [
      [
        [170, 0],
        [-160, 0],
        [-160, 20],
        [170, 0],
      ],
      [
        [-170, 5],
        [-165, 5],
        [-165, 10],
        [-170, 5],
      ],
    ],
  }) as Polygon;
  expect(coordinates[1]!.map(([lon]) => lon)).toEqual([190, 195, 195, 190]);
});
