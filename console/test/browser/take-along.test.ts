import { readFileSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { ExplorePage } from './explore-page';
import type { Files } from './files';
import { useConsole } from './fixture';
import { Server } from './server';

const SECRET = 'correct-horse-battery';

let browser: Browser;
let server: Server;
let app: ConsolePage;
let explore: ExplorePage;
let files: Files;

useConsole(
  {
    serve: ['--token', `ann:write:${SECRET}`],
    page: { permissions: ['clipboard-read', 'clipboard-write'] },
  },
  async (made) => {
    ({ browser, server, app, explore, files } = made);
    await app.enterToken(SECRET);
    await app.connection('connected').waitFor();
    await app.choose('files', files.generated('cities.csv', 30_000));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await app.ingestion('cities.csv').getByText('30,000 trips').waitFor();
    await explore.flows.first().waitFor();
    await explore.choose('Region', 'Prague');
    await explore.settled();
  },
);

/** The file that a button or a link downloads. */
async function downloaded(page: Page, name: string): Promise<Buffer> {
  const control = page.getByRole('button', { name }).or(page.getByRole('link', { name }));
  const [download] = await Promise.all([page.waitForEvent('download'), control.click()]);
  return readFileSync(await download.path());
}

async function asked(query: string): Promise<Record<string, unknown>> {
  const { data, errors } = await server.ask(query, { Authorization: `Bearer ${SECRET}` });
  expect(errors).toBeUndefined();
  return data!;
}

/** The sum of a column of a CSV file without quotes. */
function sum(csv: Buffer, column: string): number {
  const [header, ...lines] = String(csv).trim().split('\n');
  const at = header!.split(',').indexOf(column);
  return lines.reduce((total, line) => total + Number(line.split(',')[at]), 0);
}

test('files of the server have the trips of the filters, on a server with tokens', async () => {
  expect(await explore.figure('Trips')).toBeGreaterThan(1000);
  expect(sum(await downloaded(app.page, 'All weeks as CSV'), 'trips')).toBe(
    await explore.figure('Trips'),
  );
  expect(sum(await downloaded(app.page, 'All flows as CSV'), 'count')).toBe(
    await explore.figure('Trips'),
  );
  await app.page.getByLabel('From the week of').fill('2017-06-01');
  await app.page.getByLabel('To the week of').fill('2017-08-31');
  await explore.settled();
  const trips = await explore.figure('Trips');
  const csv = String(await downloaded(app.page, 'All trips as CSV'));
  expect(csv.trim().split('\n')).toHaveLength(trips + 1);
  expect(sum(await downloaded(app.page, 'All flows as CSV'), 'count')).toBe(trips);
  const lines = JSON.parse(String(await downloaded(app.page, 'All trips as GeoJSON'))) as {
    features: unknown[];
  };
  expect(lines.features).toHaveLength(trips);
  for (const subject of ['weeks', 'flows', 'trips']) {
    const parquet = await downloaded(app.page, `All ${subject} as Parquet`);
    expect(String(parquet.subarray(0, 4))).toBe('PAR1');
  }
  await app.page.getByRole('button', { name: 'Reset' }).click();
  await explore.choose('Region', 'Prague');
  await explore.settled();
});

test('a slider moves through the hours of the day', async () => {
  const slider = app.page.getByRole('slider', { name: 'Hour' });
  expect(await slider.getAttribute('aria-valuetext')).toBe('all day');
  await slider.focus();
  for (let hour = 0; hour <= 8; hour += 1) await app.page.keyboard.press('ArrowRight');
  expect(await slider.getAttribute('aria-valuetext')).toBe('08:00–09:00');
  await explore.settled();
  const { weeklyAverage } = (await asked(
    `{ weeklyAverage(region: "Prague", bbox: ${await explore.boxInView()},
       timeRanges: [{ from: "08:00", to: "09:00" }]) { totalTrips } }`,
  )) as { weeklyAverage: { totalTrips: number } };
  expect(weeklyAverage.totalTrips).toBeGreaterThan(0);
  expect(await explore.figure('Trips')).toBe(weeklyAverage.totalTrips);
  expect(sum(await downloaded(app.page, 'All weeks as CSV'), 'trips')).toBe(
    await explore.figure('Trips'),
  );
  await app.screenshot('explore-hour');
  await slider.focus();
  await app.page.keyboard.press('Home');
  await explore.settled();
  expect(await slider.getAttribute('aria-valuetext')).toBe('all day');
});

test('what the map shows is downloaded as GeoJSON', async () => {
  const { type, features } = JSON.parse(
    String(await downloaded(app.page, 'Download map (GeoJSON)')),
  ) as { type: string; features: { properties: { trips: number } }[] };
  expect(type).toBe('FeatureCollection');
  const listed = await explore.flows.locator('strong').allTextContents();
  expect(features.slice(0, 20).map(({ properties }) => properties.trips)).toEqual(
    listed.map((text) => parseInt(text.replaceAll(',', ''), 10)),
  );
});

test('the map is downloaded as a picture that has its flows, land and names', async () => {
  await app.page.locator('.map .place-name').first().waitFor({ state: 'attached' });
  const png = await downloaded(app.page, 'Download map (PNG)');
  const bytes = [...png];
  const { width, height, colours } = await app.page.evaluate(async (all) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(all)], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const counts: Record<string, number> = {};
    for (let at = 0; at < data.length; at += 4) {
      const colour = [...data.subarray(at, at + 3)].join(' ');
      counts[colour] = (counts[colour] ?? 0) + 1;
    }
    return { width: image.width, height: image.height, colours: counts };
  }, bytes);
  const box = (await app.page.locator('.map').boundingBox())!;
  expect([width, height]).toEqual([Math.round(box.width), Math.round(box.height)]);
  // Land, and orange flows in front of it.
  expect(colours['247 246 242']).toBeGreaterThan(1000);
  const orange = Object.entries(colours).filter(([colour]) => {
    const [red, green, blue] = colour.split(' ').map(Number) as [number, number, number];
    return red > 190 && green < 150 && blue < 100;
  });
  expect(orange.reduce((total, [, count]) => total + count, 0)).toBeGreaterThan(1000);
  writeFileSync('test/screenshots/map.png', png);
});

test('an open server has links for its files', async () => {
  const open = await Server.start();
  const other = await ConsolePage.open(
    browser,
    open,
    { viewport: { width: 390, height: 844 } },
    '',
  );
  try {
    await other.choose('files', files.generated('few.csv', 500));
    await other.page.getByRole('button', { name: 'Upload 1 file' }).click();
    const theirs = new ExplorePage(other.page);
    await theirs.flows.first().waitFor();
    await theirs.everywhere();
    await theirs.settled();
    const link = other.page.getByRole('link', { name: 'All weeks as CSV' });
    expect(await link.getAttribute('href')).toBe('/export/weeks.csv');
    expect(sum(await downloaded(other.page, 'All weeks as CSV'), 'trips')).toBe(500);
    expect(await other.overflow()).toBeLessThanOrEqual(0);
    await other.screenshot('take-along-narrow', { fullPage: true });
    expect(other.faults).toEqual([]);
  } finally {
    await other.close();
    await open.stop();
  }
});
