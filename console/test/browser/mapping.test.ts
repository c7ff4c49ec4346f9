import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Browser, Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { type Files, trips } from './files';
import { useConsole } from './fixture';
import type { Server } from './server';

let browser: Browser;
let server: Server;
let app: ConsolePage;
let form: Locator;
let files: Files;

useConsole({}, (made) => {
  ({ browser, server, app, files } = made);
  form = app.page.locator('.mapping');
});

/** Columns whose names say nothing, with two that could be times. */
const ODD = [
  'c1;c2;c3;c4;c5;c6;"the; area"',
  ...Array.from(
    { length: 20 },
    (_, row) => `14.4;50.05;14.45;50.08;2018-05-28T07:03:${10 + row}Z;2018-05-29T07:03:40Z;Praha`,
  ),
  '',
].join('\n');

const column = (label: string): Locator => form.getByRole('combobox', { name: label, exact: true });

/** The cells of the first trip in the preview. */
async function trip(name: string): Promise<string[]> {
  const table = form.getByRole('region', { name: `First trips of ${name}` });
  const row = await table.locator('tbody tr').first().innerText();
  return row.split('\t').map((text) => text.trim());
}

test('the first rows are shown, and columns of unusual names are mapped', async () => {
  await app.choose('files', files.write('odd.csv', ODD));
  // What is wrong is said in the words of the server, and the form is open.
  await app.page.locator('.preview .fault', { hasText: 'MISSING_COLUMNS' }).waitFor();
  await form.getByText('Choose the columns here.').waitFor();
  const table = form.getByRole('region', { name: 'First rows of odd.csv' });
  expect(await table.locator('thead th').allTextContents()).toEqual([
    ...['c1', 'c2', 'c3', 'c4', 'c5', 'c6'],
    'the; area',
  ]);
  expect(await table.locator('tbody tr').count()).toBe(5);
  expect(await table.locator('tbody tr').first().locator('td').allTextContents()).toEqual([
    ...['14.4', '50.05', '14.45', '50.08', '2018-05-28T07:03:10Z', '2018-05-29T07:03:40Z'],
    'Praha',
  ]);
  // The form names columns of the header only, and the server by default.
  expect(await column('Origin').locator('option').allTextContents()).toEqual([
    'Recognised by the server',
    ...['c1', 'c2', 'c3', 'c4', 'c5', 'c6'],
    'the; area',
  ]);
  await column('Origin').selectOption('c1');
  await column('Origin: latitude').selectOption('c2');
  await column('Destination').selectOption('c3');
  await column('Destination: latitude').selectOption('c4');
  await column('Time of departure').selectOption('c5');
  await column('Time of arrival').selectOption('c6');
  await column('Region').selectOption('the; area');
  await form.getByLabel('Time zone').fill('Europe/Pra');
  await app.page.getByText('there is no time zone "Europe/Pra"').waitFor();
  await form.getByLabel('Time zone').fill('Europe/Prague');
  await app.page.getByText('odd.csv: 20 rows, 20 trips, 0 rejected').waitFor();
  expect(await trip('odd.csv')).toEqual([
    ...['2', 'Praha', 'odd', '2018-05-28 09:03:10', '14.4, 50.05', '14.45, 50.08'],
  ]);
  await app.screenshot('mapping');
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  const card = app.ingestion('odd.csv');
  await card.getByText('20 trips, 0 rejected').waitFor();
  const { data } = await server.ask(
    '{ trips(first: 1) { nodes { region origin { lon lat } destination { lon lat } departedAt arrivedAt } } }',
  );
  expect(data!['trips']).toEqual({
    nodes: [
      {
        region: 'Praha',
        origin: { lon: 14.4, lat: 50.05 },
        destination: { lon: 14.45, lat: 50.08 },
        departedAt: '2018-05-28T09:03:10',
        arrivedAt: '2018-05-29T09:03:40',
      },
    ],
  });
});

test('what was said of one file is not sent with another', async () => {
  await app.choose('files', files.write('first.csv', trips('first', 3)));
  await form.locator('summary').focus();
  await app.page.keyboard.press('Enter');
  await form.getByLabel('Region of every row').fill('Elsewhere');
  await app.choose('files', files.write('second.csv', trips('second', 4)));
  await app.page.locator('.loose .file-name', { hasText: 'second.csv' }).waitFor();
  await form.locator('summary').click();
  await form.getByRole('region', { name: 'First rows of second.csv' }).waitFor();
  expect(await form.getByLabel('Region of every row').inputValue()).toBe('');
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion('second.csv').getByText('4 trips, 0 rejected').waitFor();
  const { data } = await server.ask('{ trips(filter: { region: "Prague" }) { totalCount } }');
  expect(data!['trips']).toEqual({ totalCount: 4 });
});

test('a region for every row holds for all chosen files', async () => {
  const two = ['north', 'south'].map((name) =>
    files.write(`${name}.csv`, trips(name, 5).replaceAll('Prague,', '').replace('region,', '')),
  );
  await app.choose('files', ...two);
  await form.locator('summary').click();
  await form.getByText('that holds for all 2 files').waitFor();
  await form.getByLabel('Region of every row').fill('Bohemia');
  await app.page.getByRole('button', { name: 'Upload 2 files' }).click();
  await app.ingestion('north.csv').getByText('5 trips, 0 rejected').waitFor();
  await app.ingestion('south.csv').getByText('5 trips, 0 rejected').waitFor();
  const { data } = await server.ask('{ region(name: "Bohemia") { trips } }');
  expect(data!['region']).toEqual({ trips: 10 });
});

test('the preview is what the server reads, of compressed files too', async () => {
  const path = files.write('packed.csv.gz', '');
  const bad = trips('packed', 1).split('\n')[1]!.replace('50.05', '95');
  writeFileSync(path, gzipSync(`${trips('packed', 6)}${bad}\n`));
  await app.choose('files', path);
  await app.page.getByText('packed.csv.gz: 7 rows, 6 trips, 1 rejected').waitFor();
  await form.locator('summary').click();
  const columns = form.getByRole('region', { name: 'Columns of packed.csv.gz' });
  const mapped = await columns.locator('tbody tr').allInnerTexts();
  expect(mapped.map((row) => row.split('\t'))).toContainEqual([
    ...['origin', 'origin_coord', 'a name of the plain format'],
  ]);
  expect((await trip('packed.csv.gz'))[2]).toBe('packed');
  const reasons = form.getByRole('region', { name: 'Rejected rows of packed.csv.gz' });
  expect(await reasons.locator('tbody td').first().textContent()).toBe('origin_coord');
  await app.screenshot('mapping-compressed');
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion('packed.csv.gz').getByText('6 trips, 1 rejected').waitFor();
});

test('of a large file only the beginning is sent', async () => {
  await app.page.evaluate(() => {
    const { fetch } = window;
    const sizes: number[] = [];
    Object.assign(window, {
      sizes,
      fetch: (url: string, options?: RequestInit) => {
        if (options?.body instanceof Blob) sizes.push(options.body.size);
        return fetch(url, options);
      },
    });
  });
  const largest = (): Promise<number> =>
    app.page.evaluate(() => Math.max(...(window as unknown as { sizes: number[] }).sizes));
  await app.choose('files', files.generated('large.csv', 40_000));
  await app.page
    .getByText(/large\.csv: of the first [\d,]+ rows, [\d,]+ trips, 0 rejected/)
    .waitFor();
  expect(await largest()).toBe(1 << 20);
  // An archive has its list of files at its end.
  const path = files.write('large.zip', '');
  writeFileSync(path, Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(9 << 20)]));
  await app.choose('files', path);
  await app.page.getByText('large.zip has no preview').waitFor();
  expect(await largest()).toBe(1 << 20);
  await app.screenshot('mapping-none');
  await app.page.locator('.loose').getByRole('button', { name: 'Cancel' }).click();
});

test('an upload replaces an ingestion, those of its name first', async () => {
  const old = ['old.csv', 'other.csv'].map((name, at) => files.write(name, trips(name, 7 + at)));
  await app.choose('files', ...old);
  await app.page.getByRole('button', { name: 'Upload 2 files' }).click();
  for (const [name, rows] of [
    ['old.csv', 7],
    ['other.csv', 8],
  ] as const) {
    await app.ingestion(name).getByText(`${rows} trips`).waitFor();
  }
  await app.choose('files', files.write('old.csv', trips('new', 9)));
  const replaces = app.page.getByRole('combobox', { name: 'Replaces' });
  await replaces.waitFor();
  await expect
    .poll(() => replaces.locator('option').nth(1).textContent())
    .toMatch(/^old\.csv \(\d+, 7 trips\)$/);
  expect(await replaces.locator('option').nth(2).textContent()).not.toContain('old.csv');
  await replaces.selectOption({ index: 1 });
  await app.screenshot('replaces');
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion('old.csv').getByText('9 trips').waitFor();
  const counts = async (): Promise<unknown[]> =>
    Promise.all(
      ['old.csv', 'other.csv', 'new'].map(async (name) => {
        const { data } = await server.ask(`{ datasource(name: "${name}") { trips } }`);
        return data!['datasource'];
      }),
    );
  expect(await counts()).toEqual([null, { trips: 8 }, { trips: 9 }]);
  // Several files replace those of their names at once.
  await app.choose(
    'files',
    files.write('old.csv', trips('newer', 3)),
    files.write('other.csv', trips('newer', 4)),
    files.write('third.csv', trips('newer', 5)),
  );
  await app.page.getByLabel('Replace the 2 ingestions of the same name').check();
  await app.page.getByRole('button', { name: 'Upload 3 files' }).click();
  await app.ingestion('third.csv').getByText('5 trips').waitFor();
  await expect
    .poll(async () => {
      const { data } = await server.ask('{ datasource(name: "newer") { trips } }');
      return data!['datasource'];
    })
    .toEqual({ trips: 12 });
  expect(await counts()).toEqual([null, null, null]);
});

test('the form fits a narrow page in the dark', async () => {
  const options = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const;
  for (const hash of ['', '#graphql']) {
    const other = await ConsolePage.open(browser, server, options, hash);
    if (hash === '') await other.choose('files', files.write('narrow.csv', ODD));
    else await other.drop(['a', 'b'].map((name) => ({ name: `${name}.csv`, text: ODD })));
    const theirs = other.page.locator('.mapping');
    await theirs.getByRole('combobox', { name: 'Origin', exact: true }).selectOption('c1');
    await theirs.getByRole('combobox', { name: 'Origin: latitude' }).waitFor();
    expect(await other.overflow()).toBeLessThanOrEqual(0);
    await other.screenshot(`mapping-narrow${hash.replace('#', '-')}`, { fullPage: true });
    expect(other.faults).toEqual([]);
    await other.close();
  }
});
