import { beforeEach, expect, test, vi } from 'vitest';
import { type Answer, problem } from '../../src/answer';
import { sendInTurn, waitingFiles } from '../../src/upload/queue';
import { transfers } from '../../src/upload/transfers';
import type { Sending } from '../../src/upload/transport';

const { send } = vi.hoisted(() => ({
  send: vi.fn<(form: FormData, headers: object, sending: Sending) => () => void>(() => () => {}),
}));
vi.mock('../../src/upload/transport', () => ({ send }));
vi.mock('../../src/ingestions/feed', () => ({ followed: { set: vi.fn() } }));

beforeEach(() => {
  send.mockClear();
  transfers.set([]);
});

const files = (count: number): File[] =>
  Array.from({ length: count }, (_, index) => new File(['x'], `${index + 1}.csv`));

const ingestion = (id: string, duplicate = false): Answer => ({
  data: { ingestTrips: { duplicate, ingestion: { id } } },
});

/** The names of the files of each request so far. */
const sent = (): string[][] =>
  send.mock.calls.map(([form]) =>
    [...form.values()].filter((part) => part instanceof File).map((file) => file.name),
  );

/** The request under way ends. */
async function end(outcome: 'answered' | 'failed' | 'cancelled', answer: Answer): Promise<void> {
  send.mock.calls.at(-1)![2].end(outcome, answer);
  await Promise.resolve();
}

test('many files are sent one after the other, each with a request of its own', async () => {
  sendInTurn(files(40));
  for (let number = 1; number <= 40; number += 1) {
    expect(sent()).toHaveLength(number);
    expect(sent().at(-1)).toEqual([`${number}.csv`]);
    expect(waitingFiles.get()).toHaveLength(40 - number);
    await end('answered', ingestion(String(number)));
  }
  expect(sent()).toHaveLength(40);
  expect(transfers.get()).toEqual([]);
  const operations = send.mock.calls[0]![0].get('operations') as string;
  expect(JSON.parse(operations)).toMatchObject({
    operationName: 'IngestTrips',
    variables: { file: null },
  });
});

test('a file that is refused does not take the others along', async () => {
  sendInTurn(files(3));
  await end('failed', problem('too large'));
  await end('answered', ingestion('7', true));
  await end('cancelled', problem('cancelled'));
  expect(sent()).toEqual([['1.csv'], ['2.csv'], ['3.csv']]);
  expect(transfers.get().map(({ state, message }) => [state, message])).toEqual([
    ['cancelled', 'cancelled'],
    ['answered', 'Duplicate of ingestion 7.'],
    ['failed', 'too large'],
  ]);
});

test('files that come later wait for their turn, and those that wait can be taken back', async () => {
  sendInTurn(files(2));
  sendInTurn([new File(['x'], 'later.csv')]);
  expect(sent()).toHaveLength(1);
  await end('answered', ingestion('1'));
  waitingFiles.set([]);
  await end('answered', ingestion('2'));
  expect(sent()).toEqual([['1.csv'], ['2.csv']]);
  sendInTurn([new File(['x'], 'again.csv')]);
  expect(sent().at(-1)).toEqual(['again.csv']);
  await end('answered', ingestion('3'));
});

test('a retry sends the file again and replaces the message about the failure', async () => {
  sendInTurn(files(1));
  await end('failed', problem('The connection to the server was lost.'));
  expect(transfers.get()).toHaveLength(1);
  transfers.get()[0]!.retry!();
  expect(transfers.get().map(({ state }) => state)).toEqual(['sending']);
  await end('answered', ingestion('1'));
  expect(sent()).toEqual([['1.csv'], ['1.csv']]);
  expect(transfers.get()).toEqual([]);
});

test('a format that was said goes along, also with a retry', async () => {
  const format = { origin: ['x', 'y'], timeZone: 'Europe/Prague' };
  sendInTurn(files(1), format);
  const operations = (): { query: string; variables: object } =>
    JSON.parse(send.mock.calls.at(-1)![0].get('operations') as string) as {
      query: string;
      variables: object;
    };
  expect(operations().variables).toEqual({ file: null, format, locations: null, replaces: null });
  expect(operations().query).toContain('format: $format');
  await end('failed', problem('lost'));
  transfers.get()[0]!.retry!();
  expect(operations().variables).toEqual({ file: null, format, locations: null, replaces: null });
  await end('answered', ingestion('1'));
  sendInTurn(files(1));
  expect(operations().variables).toEqual({ file: null });
  await end('answered', ingestion('2'));
});

test('a list of locations goes along, also with a retry', async () => {
  const locations = new File(['id,lon,lat'], 'stations.csv');
  sendInTurn(files(1), null, new Map(), locations);
  const form = (): FormData => send.mock.calls.at(-1)![0];
  const map = { 0: ['variables.file'], 1: ['variables.locations'] };
  expect(JSON.parse(form().get('map') as string)).toEqual(map);
  expect(sent().at(-1)).toEqual(['1.csv', 'stations.csv']);
  await end('failed', problem('lost'));
  transfers.get()[0]!.retry!();
  expect(sent().at(-1)).toEqual(['1.csv', 'stations.csv']);
  await end('answered', ingestion('1'));
});

test('a duplicate that was given another format says what to do', async () => {
  sendInTurn(files(1), { regionName: 'Lyon' });
  const ingestTrips = { duplicate: true, formatDiffers: true, ingestion: { id: '7' } };
  await end('answered', { data: { ingestTrips } });
  expect(transfers.get()[0]!.message).toBe(
    'Duplicate of ingestion 7. It was given another format; replace it to read the file in this one.',
  );
});
