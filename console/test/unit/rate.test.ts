import { expect, test } from 'vitest';
import { Rate } from '../../src/upload/rate';

test('a rate is told from the last seconds only', () => {
  const rate = new Rate();
  expect(rate.perSecond()).toBeNull();
  rate.add(0, 0);
  expect(rate.perSecond()).toBeNull();
  for (let second = 1; second <= 10; second += 1) rate.add(second, 100 * second);
  expect(rate.perSecond()).toBeCloseTo(100);
  for (let second = 11; second <= 20; second += 1) rate.add(second, 1000 + 10 * (second - 10));
  expect(rate.perSecond()).toBeCloseTo(10);
  expect(rate.secondsTo(1200)).toBeCloseTo(10);
});

test('what stands still has no time left to tell', () => {
  const rate = new Rate();
  rate.add(0, 50);
  rate.add(1, 50);
  expect(rate.perSecond()).toBe(0);
  expect(rate.secondsTo(100)).toBeNull();
});
