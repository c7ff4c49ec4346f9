import type { Browser, WebSocketRoute } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { ExplorePage } from './explore-page';
import { type Files, trips } from './files';
import { useConsole } from './fixture';
import type { Answer, Server } from './server';

describe('a server that goes away', () => {
  let server: Server;
  let app: ConsolePage;
  let explore: ExplorePage;
  let files: Files;

  useConsole({}, (made) => {
    ({ server, app, explore, files } = made);
  });

  test('figures without an answer are none, and come back with the server', async () => {
    const spoilt = `${trips('spoilt', 30)}Prague,POINT (14.4 95.0),POINT (14.5 50.1),2018-05-28 09:00:00,spoilt\n`;
    await app.choose('files', files.write('spoilt.csv', spoilt));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    const card = app.ingestion('spoilt.csv');
    await card.getByText('30 trips, 1 rejected').waitFor();
    await explore.flows.first().waitFor();
    await server.kill();
    await app.connection('connection lost, reconnecting').waitFor();
    await explore.everywhere();
    const fault = app.page.locator('.figures .fault');
    await fault.getByText('The server can’t be reached. Is it running?').waitFor();
    expect(await app.page.locator('.number dd').allTextContents()).toEqual(['–', '–', '–', '–']);
    // Nor do other parts of the page keep their errors.
    await card.getByText('Rejected rows').click();
    await card.locator('.rejects .fault').waitFor();
    await app.choose('files', files.write('next.csv', trips('next', 4)));
    await app.page.getByText('next.csv has no preview. The server can’t be reached.').waitFor();
    await card.getByRole('button', { name: 'Remove…' }).click();
    await card.getByRole('button', { name: 'Remove', exact: true }).click();
    await card.locator('> .fault').waitFor();
    await app.screenshot('server-away');
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    const upload = app.page.locator('.transfer-failed', { hasText: 'next.csv' });
    await upload.getByText('The connection to the server was lost.').waitFor();
    await app.page.getByRole('button', { name: 'Try again' }).click();
    await fault.waitFor();

    await server.restart();
    await app.connection('connected').waitFor();
    await expect.poll(() => explore.figure('Trips')).toBe(30);
    await card.getByRole('region', { name: 'Rejected rows of spoilt.csv', exact: true }).waitFor();
    await upload.getByRole('button', { name: 'Retry' }).click();
    await app.ingestion('next.csv').getByText('4 trips, 0 rejected').waitFor();
    await expect.poll(() => explore.figure('Trips')).toBe(34);
    expect(await app.page.locator('.fault').count()).toBe(0);
  });

  test('a message about an upload can be dismissed', async () => {
    await app.choose('files', files.write('again.csv', trips('next', 4)));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    const message = app.page.locator('.transfer', { hasText: 'Duplicate of ingestion' });
    await message.waitFor();
    await app.page.getByRole('button', { name: 'Dismiss the message about again.csv' }).click();
    await message.waitFor({ state: 'detached' });
  });
});

describe('a token of scope aggregate', () => {
  const SECRET = 'change-all-the-trips';
  const COUNTS = 'only-the-counts-please';
  let browser: Browser;
  let server: Server;
  let app: ConsolePage;
  let explore: ExplorePage;
  let files: Files;

  const tokens = ['--token', `ann:write:${SECRET}`, '--token', `eve:aggregate:${COUNTS}`];
  useConsole({ serve: [...tokens, '--min-trips', '10'] }, async (made) => {
    ({ browser, server, app, explore, files } = made);
    await app.enterToken(SECRET);
    await app.choose('files', files.generated('cities.csv', 20_000));
    await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
    await app.ingestion('cities.csv').getByText('20,000 trips').waitFor();
  });

  const asked = async (query: string): Promise<Answer> =>
    server.ask(query, { Authorization: `Bearer ${COUNTS}` });

  test('without a token, nothing of what another one saw is left', async () => {
    await explore.flows.first().waitFor();
    await app.page.getByRole('button', { name: 'Forget the token' }).click();
    await app.page.locator('.figures').getByText('requires a valid token. Enter it').waitFor();
    expect(await app.page.locator('.number dd').allTextContents()).toEqual(['–', '–', '–', '–']);
    expect(await app.page.getByLabel('Region').locator('option').allTextContents()).toEqual([
      'All regions',
    ]);
    expect(await explore.flows.count()).toBe(0);
  });

  test('a connection that is refused after a token was entered is no error', async () => {
    const first: WebSocketRoute[] = [];
    const other = await ConsolePage.open(browser, server, {}, '', (page) =>
      page.routeWebSocket('**/graphql', (socket) => {
        if (first.length > 0) socket.connectToServer();
        else first.push(socket);
      }),
    );
    await expect.poll(() => first.length).toBe(1);
    await other.enterToken(SECRET);
    await other.connection('connected').waitFor();
    await first[0]!.close({ code: 4403, reason: 'a token is needed' });
    await other.ingestion('cities.csv').waitFor();
    expect(other.faults).toEqual([]);
    await other.close();
  });

  test('the explorer has the counts of fixed places, which are those of the API', async () => {
    for (const options of [
      { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
      { viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
    ] as const) {
      // A link asks for what the token does not allow.
      const link = '#days=MONDAY&hours=8-9';
      const other = await ConsolePage.open(browser, server, options, link);
      const theirs = new ExplorePage(other.page);
      await other.enterToken(COUNTS);
      await other.page.getByText('Token in use, counts only').waitFor();
      await theirs.flows.first().waitFor();
      const { data } = await asked('{ weeklyAverage { totalTrips calendarWeeks } }');
      const { totalTrips, calendarWeeks } = data!['weeklyAverage'] as Record<string, number>;
      await expect.poll(() => theirs.figure('Trips')).toBe(totalTrips);
      expect(await theirs.figure('Weeks')).toBe(calendarWeeks);
      await theirs.choose('Region', 'Turin');
      const turin = await asked('{ weeklyAverage(region: "Turin") { totalTrips } }');
      await expect
        .poll(() => theirs.figure('Trips'))
        .toBe((turin.data!['weeklyAverage'] as Record<string, number>)['totalTrips']);
      await theirs.settled();
      expect(await other.page.locator('.fault').count()).toBe(0);
      const refused = /^(Draw a .*|Keep this view|Choose .*|All .* as .*)$/;
      expect(await other.page.getByRole('button', { name: refused }).count()).toBe(0);
      await other.page.getByText('may see counts of trips').waitFor();
      await other.screenshot(`aggregates-${options.colorScheme}`, { fullPage: true });
      expect(other.faults).toEqual([]);
      await other.close();
    }
  });
});
