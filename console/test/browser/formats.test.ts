import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsolePage } from './console-page';
import type { Files } from './files';
import { useConsole } from './fixture';
import type { Server } from './server';

// Files that the server can't read without being told how, and the fields of the form for that.

let server: Server;
let app: ConsolePage;
let form: Locator;
let files: Files;

useConsole({}, (made) => {
  ({ server, app, files } = made);
  form = app.page.locator('.mapping');
});

const ROWS = 24;

function table(header: string, row: (number: number) => string): string {
  return [header, ...Array.from({ length: ROWS }, (_, number) => row(number)), ''].join('\n');
}

/** Chooses a file whose error the server tells with this code, and opens all of the form. */
async function choose(path: string, code: string, advice: string): Promise<void> {
  await app.choose('files', path);
  await app.page.locator('.preview .fault', { hasText: code }).waitFor();
  await form.getByText(advice).waitFor();
  await form.getByRole('button', { name: 'More' }).click();
}

async function fill(values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await form.getByLabel(label, { exact: true }).fill(value);
  }
}

async function select(columns: Record<string, string>): Promise<void> {
  for (const [label, column] of Object.entries(columns)) {
    await form.getByRole('combobox', { name: label, exact: true }).selectOption(column);
  }
}

/** Uploads the file once the preview has all of its trips, and returns the first trip. */
async function upload(name: string): Promise<unknown> {
  await app.page.getByText(`${name}: ${ROWS} rows, ${ROWS} trips, 0 rejected`).waitFor();
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion(name).getByText(`${ROWS} trips, 0 rejected`).waitFor();
  const { data } = await server.ask('{ ingestions(first: 1) { nodes { id } } }');
  const [{ id }] = (data!['ingestions'] as { nodes: [{ id: string }] }).nodes;
  const asked = await server.ask(
    `{ trips(filter: { ingestion: "${id}" }, first: 1) { nodes {
         region datasource departedAt origin { lon lat } destination { lon lat } } } }`,
  );
  return (asked.data!['trips'] as { nodes: unknown[] }).nodes[0];
}

test('ids of places are explained by a list of locations', async () => {
  const trips = table('Start Date,StartStation Id,End Date,EndStation Id', (number) => {
    const minute = 10 + number;
    return `28/06/2017 08:${minute}:00,${1 + (number % 2)},28/06/2017 09:${minute}:00,3`;
  });
  const stations = 'id,name,lon,lat\n1,"A, B",-0.12,51.51\n2,C,-0.13,51.52\n3,D,-0.14,51.53\n';
  await choose(files.write('bikes.csv', trips), 'MISSING_COLUMNS', 'the list of their locations');
  await app.page.locator('input[name="locations"]').setInputFiles(files.write('s.csv', stations));
  await fill({ 'Region of every row': 'London', 'Datasource of every row': 'cycles' });
  await app.screenshot('format-locations');
  expect(await upload('bikes.csv')).toEqual({
    region: 'London',
    datasource: 'cycles',
    departedAt: '2017-06-28T08:10:00',
    origin: { lon: -0.12, lat: 51.51 },
    destination: { lon: -0.14, lat: 51.53 },
  });
});

test('the columns of the ids can be chosen, and the list removed', async () => {
  const trips = table(
    'when,from,to',
    (number) => `2017-06-28 08:${10 + number}:00,${1 + (number % 2)},2`,
  );
  const list = files.write('list.csv', 'id,lon,lat\n1,-0.12,51.51\n2,-0.13,51.52\n');
  await choose(files.write('ids.csv', trips), 'MISSING_COLUMNS', 'the list of their locations');
  await app.page.locator('input[name="locations"]').setInputFiles(list);
  await select({
    'Id of the origin': 'from',
    'Id of the destination': 'to',
    'Time of departure': 'when',
  });
  await app.page.getByText(`ids.csv: ${ROWS} rows`).waitFor();
  await form.getByRole('button', { name: 'Remove the list' }).click();
  await app.page.locator('.preview .fault').waitFor();
  await app.page.locator('input[name="locations"]').setInputFiles(list);
  expect(await upload('ids.csv')).toMatchObject({
    departedAt: '2017-06-28T08:10:00',
    origin: { lon: -0.12, lat: 51.51 },
    destination: { lon: -0.13, lat: 51.52 },
  });
});

test('a file in another encoding shows its columns once the encoding is named', async () => {
  const text = table(
    'Région;début_lon;début_lat;fin_lon;fin_lat;Départ',
    (number) => `Orléans;1.90;47.90;1.95;47.91;2019-03-04 08:${10 + number}:00`,
  );
  const path = files.write('latin.csv', Buffer.from(text, 'latin1'));
  await choose(path, 'NOT_TEXT', 'its character encoding under More');
  await fill({ 'Character encoding': 'windows-1252' });
  await form.getByRole('region', { name: 'First rows of latin.csv' }).waitFor();
  await select({ Region: 'Région', 'Time of departure': 'Départ' });
  await select({ Origin: 'début_lon', Destination: 'fin_lon' });
  await select({ 'Origin: latitude': 'début_lat', 'Destination: latitude': 'fin_lat' });
  await app.screenshot('format-encoding');
  expect(await upload('latin.csv')).toMatchObject({
    region: 'Orléans',
    datasource: 'latin',
    departedAt: '2019-03-04T08:10:00',
    origin: { lon: 1.9, lat: 47.9 },
    destination: { lon: 1.95, lat: 47.91 },
  });
});

test('the order of day and month is chosen where the file does not show it', async () => {
  const trips = table(
    'start_lng,start_lat,end_lng,end_lat,started_at',
    (number) => `14.4,50.05,14.45,50.08,03/04/2019 08:${10 + number}`,
  );
  await choose(
    files.write('dates.csv', trips),
    'AMBIGUOUS_DATES',
    'the format of times under More',
  );
  await fill({ 'Format of times': '%d/%m/%Y %H:%M:%S' });
  expect(await upload('dates.csv')).toMatchObject({ departedAt: '2019-04-03T08:10:00' });
});

test('fields end at a chosen character, and chosen values are empty', async () => {
  const trips = table(
    'a^b^c^d^e^end^operator',
    (number) => `14.4^50.05^14.45^50.08^2019-03-04 08:${10 + number}:00^none^Op`,
  );
  await choose(files.write('carets.csv', trips), 'MISSING_COLUMNS', 'Choose the columns here');
  await fill({ 'Character between fields': '^' });
  await form.getByRole('combobox', { name: 'Origin', exact: true }).locator('[value=a]').waitFor({
    state: 'attached',
  });
  await select({ Origin: 'a', Destination: 'c', 'Time of departure': 'e' });
  await select({ 'Origin: latitude': 'b', 'Destination: latitude': 'd', Datasource: 'operator' });
  await select({ 'Time of arrival': 'end' });
  await app.page.getByText(`carets.csv: ${ROWS} rows, 0 trips`).waitFor();
  await form.getByLabel('Values that are read as empty').fill('none\n');
  await app.screenshot('format-delimiter');
  expect(await upload('carets.csv')).toMatchObject({ datasource: 'Op' });
});
