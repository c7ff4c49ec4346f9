import type { Answer } from '../answer';
import { type Operation, type Selection, selectionOf } from '../operation';
import { count, duration, plural } from '../text';

export type IngestionState =
  'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'REMOVED';

export type IngestionPhase = 'READING' | 'PUBLISHING';

/** An ingestion as the server reports it; the schema describes the fields. */
export interface Ingestion {
  id: string;
  source: string;
  state: IngestionState;
  phase: IngestionPhase | null;
  percent: number | null;
  rowsRead: number;
  rowsIngested: number;
  rowsRejected: number;
  rowsPerSecond: number | null;
  etaSeconds: number | null;
  error: { code: string; message: string } | null;
  warnings: { code: string; message: string; rows: number }[];
  createdAt: string;
}

/** The fields above, for queries and subscriptions. */
export const INGESTION_FIELDS = `
  id source state phase percent rowsRead rowsIngested rowsRejected rowsPerSecond etaSeconds
  error { code message } warnings { code message rows } createdAt
`;

export const STATE_NAMES: Record<IngestionState, string> = {
  QUEUED: 'queued',
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  REMOVED: 'removed',
};

/** Whether it has not ended. */
export function isActive({ state }: Ingestion): boolean {
  return state === 'QUEUED' || state === 'RUNNING';
}

/** "1,200 rows read, 3 rejected, 250,000 rows/s, 12 s left"; "publishing" replaces the rate. */
export function describe(ingestion: Ingestion): string {
  const { state, phase, rowsRead, rowsIngested, rowsRejected, rowsPerSecond, etaSeconds } =
    ingestion;
  const rejected = `${count(rowsRejected)} rejected`;
  switch (state) {
    case 'QUEUED':
      return 'Waiting for its turn';
    case 'RUNNING':
      return [
        `${plural(rowsRead, 'row')} read`,
        rejected,
        ...(phase === 'PUBLISHING' ? ['publishing'] : []),
        ...(rowsPerSecond === null ? [] : [`${count(rowsPerSecond)} rows/s`]),
        ...(etaSeconds === null ? [] : [`${duration(etaSeconds)} left`]),
      ].join(', ');
    case 'SUCCEEDED':
      return `${plural(rowsIngested, 'trip')}, ${rejected}`;
    case 'REMOVED':
      return `Answers no longer include its ${plural(rowsIngested, 'trip')}`;
    case 'CANCELLED':
    case 'FAILED':
      return `${plural(rowsRead, 'row')} read, ${rejected}; no trips were added`;
  }
}

/** The ingestion that an upload has led to. */
interface Uploaded {
  id: string;
  /** Whether it has the same bytes, and was there before. */
  duplicate: boolean;
  /** Whether that one was given another format. */
  formatDiffers: boolean;
}

/**
 * The ids of the ingestions in the fields `ingestion` of an answer, under any alias, and whether
 * each file is a duplicate.
 */
export function ingestionsIn(operation: Operation, answer: Answer): Uploaded[] {
  const found: Uploaded[] = [];
  const look = (value: unknown, selection: Selection): void => {
    if (Array.isArray(value)) {
      for (const item of value) look(item, selection);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const object = value as Record<string, unknown>;
    const named = (name: string): unknown => {
      for (const [key, field] of selection) if (field.name === name) return object[key];
      return undefined;
    };
    for (const [key, field] of selection) {
      const inner = object[key];
      if (field.name === 'ingestion' && typeof inner === 'object' && inner !== null) {
        for (const [innerKey, innerField] of field.selection) {
          if (innerField.name !== 'id') continue;
          const id = (inner as Record<string, unknown>)[innerKey];
          if (id !== undefined && id !== null) {
            found.push({
              id: String(id),
              duplicate: named('duplicate') === true,
              formatDiffers: named('formatDiffers') === true,
            });
          }
        }
      } else {
        look(inner, field.selection);
      }
    }
  };
  look(answer.data, selectionOf(operation));
  return found;
}
