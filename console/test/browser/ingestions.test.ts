import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { type Files, trips } from './files';
import { useConsole } from './fixture';
import type { Server } from './server';

/** Rows whose latitude is outside the world, and rows without a time. */
const OUTSIDE = 1200;
const TIMELESS = 30;

let server: Server;
let app: ConsolePage;
let files: Files;

useConsole({}, (made) => {
  ({ server, app, files } = made);
});

async function upload(name: string, text: string): Promise<void> {
  await app.choose('files', files.write(name, text));
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion(name).getByText('succeeded').waitFor();
}

function spoilt(): string {
  const row = (lat: string, time: string): string =>
    `Prague,POINT (14.4 ${lat}),POINT (14.5 50.1),${time},spoilt\n`;
  const rows = [
    ...Array.from({ length: TIMELESS }, () => row('50.0', '')),
    ...Array.from({ length: OUTSIDE }, () => row('95.0', '2018-05-28 09:03:40')),
  ];
  return trips('spoilt', 3) + rows.join('');
}

test('rejected rows are counted by reason, and listed page by page', async () => {
  await upload('spoilt.csv', spoilt());
  const card = app.ingestion('spoilt.csv');
  await card.getByText('3 trips, 1,230 rejected').waitFor();
  const summary = card.locator('summary', { hasText: 'Rejected rows' });
  await summary.focus();
  await app.page.keyboard.press('Enter');
  const listed = card.getByRole('region', { name: 'Rejected rows of spoilt.csv', exact: true });
  await listed.waitFor();

  const { data } = await server.ask(`{ ingestion(id: 1) {
    rejectedReasons { column reason rows }
    rejectedRows(first: 40) { totalCount nodes { line column reason raw } }
  } }`);
  const asked = data!['ingestion'] as {
    rejectedReasons: { column: string; reason: string; rows: number }[];
    rejectedRows: {
      totalCount: number;
      nodes: { line: number; column: string; reason: string; raw: string }[];
    };
  };
  expect(asked.rejectedReasons.map(({ rows }) => rows)).toEqual([OUTSIDE, TIMELESS]);
  const cells = (region: string): Promise<string[][]> =>
    card
      .getByRole('region', { name: region, exact: true })
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.children].map(({ textContent }) => textContent!)),
      );
  expect(await cells('Reasons for rejected rows of spoilt.csv')).toEqual(
    asked.rejectedReasons.map(({ column, reason, rows }) => [
      rows.toLocaleString('en'),
      column,
      reason,
    ]),
  );
  const wanted = asked.rejectedRows.nodes.map(({ line, column, reason, raw }) => [
    String(line),
    column,
    reason,
    raw,
  ]);
  expect(await cells('Rejected rows of spoilt.csv')).toEqual(wanted.slice(0, 20));
  await card.getByRole('button', { name: 'Show 20 more' }).click();
  await card
    .getByText('40 of 1,230 rejected rows; the list has the first 1,000, the file has all')
    .waitFor();
  expect(await cells('Rejected rows of spoilt.csv')).toEqual(wanted);

  const coming = app.page.waitForEvent('download');
  await card
    .getByRole('link', { name: 'Download CSV with all rejected rows of spoilt.csv' })
    .click();
  const file = await coming;
  expect(file.suggestedFilename()).toBe('rejected-1.csv');
  const lines = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.length).toBe(1 + TIMELESS + OUTSIDE);
  expect(lines[1]).toContain(asked.rejectedRows.nodes[0]!.raw.split(',').at(-1));

  await card.scrollIntoViewIfNeeded();
  await app.screenshot('rejected-rows');
});

test('the card of an ingestion says which format was recognised', async () => {
  const card = app.ingestion('spoilt.csv');
  await card.locator('summary', { hasText: 'Format' }).click();
  const list = card.locator('dl.format');
  await list.getByText('Departure').waitFor();
  const shown = await list
    .locator('div')
    .evaluateAll((rows) =>
      Object.fromEntries(
        rows.map((row) => [row.children[0]!.textContent, row.children[1]!.textContent]),
      ),
    );
  const { data } = await server.ask(
    '{ ingestion(id: 1) { format { encoding delimiter origin destination departedAt region } } }',
  );
  const { format } = data!['ingestion'] as { format: Record<string, string | string[]> };
  expect(shown).toMatchObject({
    Encoding: format['encoding'],
    'Between fields': format['delimiter'],
    Origin: (format['origin'] as string[]).join(', '),
    Destination: (format['destination'] as string[]).join(', '),
    Departure: format['departedAt'],
    Region: format['region'],
  });
  await app.screenshot('recognised-format');
});

test('a warning says how many rows it concerns', async () => {
  await upload(
    'nameless.csv',
    'pickup_longitude,pickup_latitude,dropoff_longitude,dropoff_latitude,pickup_datetime\n' +
      '14.4,50.0,14.5,50.1,2018-05-28 09:03:40\n'.repeat(4),
  );
  const card = app.ingestion('nameless.csv');
  await card.locator('.warning', { hasText: 'UNKNOWN_REGION' }).waitFor();
  const { data } = await server.ask('{ ingestion(id: 2) { warnings { code message rows } } }');
  const { warnings } = data!['ingestion'] as {
    warnings: { code: string; message: string; rows: number }[];
  };
  expect(await card.locator('.warning').allTextContents()).toEqual(
    warnings.map(({ code, message, rows }) =>
      rows > 0 ? `${message} ${code}, ${rows} row${rows === 1 ? '' : 's'}` : `${message} ${code}`,
    ),
  );
  await app.screenshot('warnings');
});
