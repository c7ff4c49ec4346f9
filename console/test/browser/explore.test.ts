import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { ExplorePage } from './explore-page';
import { type Files, trips } from './files';
import { useConsole } from './fixture';
import type { Server } from './server';

const BOX = '{ west: 14.3, south: 50.0, east: 14.5, north: 50.1 }';
const TRIPS = 30_000;

interface Weekly {
  average: number;
  totalTrips: number;
  calendarWeeks: number;
  weeks: { week: string; trips: number }[];
}

describe('the explorer', () => {
  let browser: Browser;
  let server: Server;
  let app: ConsolePage;
  let explore: ExplorePage;
  let files: Files;

  const weekly = async (args: string): Promise<Weekly> => {
    const { data, errors } = await server.ask(
      `{ weeklyAverage(${args}) { average totalTrips calendarWeeks weeks { week trips } } }`,
    );
    expect(errors).toBeUndefined();
    return data!['weeklyAverage'] as Weekly;
  };

  useConsole({ page: { permissions: ['clipboard-read', 'clipboard-write'] } }, (made) => {
    ({ browser, server, app, explore, files } = made);
  });

  test('a first visit says where to start, without GraphiQL', async () => {
    await app.page.getByText('Start here:').waitFor();
    expect(await app.page.locator('.graphiql-container').count()).toBe(0);
    await app.screenshot('explore-empty');
  });

  test('right after an upload, the map shows the trips, and the figures are the ones of the API', async () => {
    await app.choose('files', files.generated('cities.csv', TRIPS));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await app.ingestion('cities.csv').getByText('30,000 trips').waitFor();
    await explore.flows.first().waitFor();
    await explore.settled();
    const asked = await weekly(`bbox: ${await explore.boxInView()}`);
    expect(asked.totalTrips).toBeGreaterThan(1000);
    expect(await explore.figure('Trips')).toBe(asked.totalTrips);
    expect(await explore.figure('Weeks')).toBe(asked.calendarWeeks);
    expect(await explore.average()).toBeCloseTo(asked.average, 0);
    // The base map is drawn, with the names of cities.
    await app.page.locator('.map .place-name').first().waitFor({ state: 'attached' });
    expect(await app.page.locator('.map canvas.leaflet-tile').count()).toBeGreaterThan(0);
    await app.screenshot('explore');
  });

  test('filters change all figures, and the map follows the region', async () => {
    await explore.choose('Region', 'Prague');
    await explore.settled();
    await explore.everywhere();
    await explore.settled();
    const prague = await weekly('region: "Prague"');
    expect(await explore.figure('Trips')).toBe(prague.totalTrips);
    const bars = app.page.locator('.weeks-plot [aria-label="rect"] rect');
    await expect.poll(() => bars.count()).toBe(prague.weeks.length);

    await app.page.getByLabel('From the week of').fill('2017-06-01');
    await app.page.getByLabel('To the week of').fill('2017-08-31');
    await explore.settled();
    const summer = await weekly('region: "Prague", fromWeek: "2017-06-01", toWeek: "2017-08-31"');
    expect(await explore.figure('Trips')).toBe(summer.totalTrips);
    expect(await explore.figure('Weeks')).toBe(summer.calendarWeeks);
  });

  test('a box is drawn with the pointer, and its borders can be typed', async () => {
    await app.page.getByRole('button', { name: 'Reset' }).click();
    await explore.choose('Region', 'Prague');
    await explore.settled();
    await app.page.getByRole('button', { name: 'Draw a box' }).click();
    await app.page.getByText('Drag from one corner').waitFor();
    await app.screenshot('explore-drawing');
    await explore.drag(0.3, 0.3, 0.7, 0.7);
    await app.page.getByLabel('West').waitFor();
    await explore.settled();
    const sides = await explore.sides();
    const drawn = await weekly(`region: "Prague", bbox: ${sides}`);
    expect(drawn.totalTrips).toBeGreaterThan(0);
    expect(await explore.figure('Trips')).toBe(drawn.totalTrips);

    await explore.typeBox({ West: '14.3', South: '50', East: '14.5', North: '50.1' });
    await explore.settled();
    const typed = await weekly(`region: "Prague", bbox: ${BOX}`);
    expect(await explore.figure('Trips')).toBe(typed.totalTrips);
    await app.page.getByLabel('Trips that').selectOption('BOTH');
    await explore.settled();
    const both = await weekly(`region: "Prague", bbox: ${BOX}, tripEnd: BOTH`);
    expect(await explore.figure('Trips')).toBe(both.totalTrips);
    await app.screenshot('explore-box');
  });

  test('the flows are the largest groups of the API', async () => {
    const text = await explore.copied('Copy as JavaScript');
    const resolution = /resolution: (\d)/.exec(text)![1];
    const { data } = await server.ask(
      `{ groupedTrips(filter: { region: "Prague", bbox: ${BOX}, tripEnd: BOTH },
         resolution: ${resolution}, timeBucketMinutes: 1440, first: 20) { nodes { trips } } }`,
    );
    const { nodes } = data!['groupedTrips'] as { nodes: { trips: number }[] };
    const listed = await explore.flows.locator('strong').allTextContents();
    expect(listed.map((text) => parseInt(text.replaceAll(',', ''), 10))).toEqual(
      nodes.map(({ trips }) => trips),
    );
    await explore.flows.first().focus();
    await app.page.locator('.map [data-flow="0"].marked').waitFor({ state: 'attached' });
  });

  test('a link shows the same to somebody else', async () => {
    const link = await explore.copied('Copy link');
    const other = await ConsolePage.open(browser, server, {}, new URL(link).hash);
    const theirs = new ExplorePage(other.page);
    await theirs.flows.first().waitFor();
    await theirs.settled();
    expect(await theirs.figure('Trips')).toBe(await explore.figure('Trips'));
    expect(await theirs.sides()).toBe(BOX.replace('50.0,', '50,'));
    expect(await other.page.getByLabel('Region').inputValue()).toBe('=Prague');
    expect(await other.page.getByLabel('Trips that').inputValue()).toBe('BOTH');
    expect(other.page.url()).toBe(app.page.url());
    expect(other.faults).toEqual([]);
    await other.close();
  });

  test('copied programs print the answer that is shown', async () => {
    const shown = await explore.figure('Trips');
    for (const [button, program, args] of [
      ['Copy as curl', 'sh', ['-c']],
      ['Copy as Python', 'python3', ['-c']],
      ['Copy as JavaScript', process.execPath, ['--input-type=module', '-e']],
    ] as const) {
      const output = execFileSync(program, [...args, await explore.copied(button)]);
      const { data } = JSON.parse(String(output)) as { data: { weeklyAverage: Weekly } };
      expect(data.weeklyAverage.totalTrips).toBe(shown);
    }
  });

  test('the copied SQL counts the trips that are shown', async () => {
    const shown = await explore.figure('Trips');
    const sql = await explore.copied('Copy as SQL');
    const program = `import sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2])
print(sum(trips for week, trips in rows))`;
    // Rows for SQL are written in the background.
    await expect
      .poll(() => Number(execFileSync('python3', ['-c', program, server.database, sql])))
      .toBe(shown);
  });

  test('what is shown is downloaded as CSV', async () => {
    const [download] = await Promise.all([
      app.page.waitForEvent('download'),
      app.page.getByRole('button', { name: 'Download weeks (CSV)' }).click(),
    ]);
    const [header, ...lines] = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    expect(header).toBe('week,trips');
    const total = lines.reduce((sum, line) => sum + Number(line.split(',')[1]), 0);
    expect(total).toBe(await explore.figure('Trips'));
  });

  test('the query opens in a tab of GraphiQL and gives the same answer', async () => {
    const shown = await explore.figure('Trips');
    await app.page.getByRole('button', { name: 'Show query' }).click();
    const { data } = await app.outcome();
    expect((data as { weeklyAverage: Weekly }).weeklyAverage.totalTrips).toBe(shown);
    await app.screenshot('explore-query');
    // And back, to the same selection.
    await app.page.getByRole('link', { name: 'Explore' }).click();
    await explore.flows.first().waitFor();
    await explore.settled();
    expect(await app.page.locator('.panel').count()).toBe(1);
    expect(await explore.figure('Trips')).toBe(shown);
  });

  test('figures follow as the map moves', async () => {
    await app.page.getByLabel('What the map shows').click();
    await explore.settled();
    const before = app.page.url();
    await app.page.getByRole('button', { name: 'Zoom in' }).click();
    await expect.poll(() => app.page.url()).not.toBe(before);
    await explore.settled();
    const asked = await weekly(
      `region: "Prague", tripEnd: BOTH, bbox: ${await explore.boxInView()}`,
    );
    expect(await explore.figure('Trips')).toBe(asked.totalTrips);
  });

  test('it fits every width, dark and light', async () => {
    for (const [width, colorScheme] of [
      [1440, 'dark'],
      [1024, 'light'],
      [1024, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const) {
      const other = await ConsolePage.open(
        browser,
        server,
        { viewport: { width, height: 844 }, colorScheme },
        '',
      );
      const theirs = new ExplorePage(other.page);
      await theirs.flows.first().waitFor();
      await theirs.settled();
      expect(await other.overflow()).toBeLessThanOrEqual(0);
      // Beside each other, the parts of the page scroll, and not the page; not by a pixel.
      if (width > 760) expect(await other.taller()).toBe(0);
      await other.screenshot(`explore-${width}-${colorScheme}`, { fullPage: true });
      expect(other.faults).toEqual([]);
      await other.close();
    }
  });

  test('the base map has lakes and rivers', async () => {
    // Around Lake Geneva and the Rhone.
    const other = await ConsolePage.open(browser, server, {}, '#map=9/46.4/6.5');
    const colours = (): Promise<{ lake: number; river: number }> =>
      other.page.evaluate(() => {
        const found = { lake: 0, river: 0 };
        for (const tile of document.querySelectorAll<HTMLCanvasElement>('canvas.leaflet-tile')) {
          const { width, height } = tile;
          const { data } = tile.getContext('2d')!.getImageData(0, 0, width, height);
          for (let at = 0; at < data.length; at += 4) {
            const [red, green, blue] = data.subarray(at, at + 3) as unknown as number[];
            if (red === 223 && green === 233 && blue === 242) found.lake += 1;
            else if (blue! - red! > 45) found.river += 1;
          }
        }
        return found;
      });
    await expect.poll(async () => (await colours()).lake).toBeGreaterThan(5_000);
    expect((await colours()).river).toBeGreaterThan(100);
    await other.close();
  });

  test('the map goes to an upload that is elsewhere, and to what is to be shown on it', async () => {
    await app.page.getByRole('button', { name: 'Reset' }).click();
    await explore.settled();
    const rows = trips('lyon', 40).replaceAll('14.4', '4.8').replaceAll('50.0', '45.7');
    await app.choose('files', files.write('lyon.csv', rows));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await app.ingestion('lyon.csv').getByText('40 trips').waitFor();
    await expect.poll(() => explore.figure('Trips')).toBe(40);
    await explore.settled();
    expect((await weekly(`bbox: ${await explore.boxInView()}`)).totalTrips).toBe(40);
    // Where one chooses the trips, the map stays.
    await explore.choose('Region', 'Prague');
    await explore.settled();
    const chosen = app.page.url();
    await app.choose('files', files.write('rome.csv', rows.replaceAll('POINT (4.', 'POINT (12.')));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await app.ingestion('rome.csv').getByText('40 trips').waitFor();
    await explore.settled();
    expect(app.page.url()).toBe(chosen);
    await app.ingestion('rome.csv').getByRole('button', { name: 'Show on the map' }).click();
    await expect.poll(() => explore.figure('Trips')).toBe(40);
    await app.screenshot('explore-sought');
    // A filter that is chosen while the map looks for an upload has the last word.
    let release = (): void => {};
    const chosenMeanwhile = new Promise<void>((resolve) => (release = resolve));
    await app.page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Places')) await chosenMeanwhile;
      await route.fallback();
    });
    const sought = app.page.waitForRequest(
      (request) => request.postData()?.includes('ingestion: ') ?? false,
    );
    await app.choose('files', files.write('nice.csv', rows.replaceAll('POINT (4.', 'POINT (7.')));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await sought;
    await app.page.getByLabel('Region').selectOption('=Hamburg');
    release();
    await expect.poll(() => app.page.url()).toMatch(/map=\d+%2F53\./);
    await explore.settled();
    expect(app.page.url()).toMatch(/map=\d+%2F53\./);
    await app.page.unroute('**/graphql');
  });
});
