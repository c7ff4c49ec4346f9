import { expect, test } from 'vitest';
import { type Ingestion, describe } from '../../src/ingestions/ingestion';

const running: Ingestion = {
  id: '1',
  source: 'trips.csv',
  state: 'RUNNING',
  phase: 'READING',
  percent: 40,
  rowsRead: 1200,
  rowsIngested: 1197,
  rowsRejected: 3,
  rowsPerSecond: 250_000,
  etaSeconds: 12,
  error: null,
  warnings: [],
  createdAt: '2026-11-27T12:00:00Z',
};

/** As it looks. */
const described = (change: Partial<Ingestion>): string =>
  describe({ ...running, ...change }).replaceAll('\u00a0', ' ');

test('a running ingestion tells its phase, and what is left', () => {
  expect(described({})).toBe('1,200 rows read, 3 rejected, 250,000 rows/s, 12 s left');
  expect(described({ phase: 'PUBLISHING', rowsPerSecond: null, etaSeconds: 2 })).toBe(
    '1,200 rows read, 3 rejected, publishing, 2 s left',
  );
});
