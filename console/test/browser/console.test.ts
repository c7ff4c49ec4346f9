import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { type Files, trips } from './files';
import { useConsole } from './fixture';
import type { Server } from './server';

const EXAMPLE = join(import.meta.dirname, '../../../examples/trips.csv');
const EXAMPLE_TRIPS = 2000;
/** Bytes a second with which an upload of 400 MB does not end before its test does. */
const SLOW = 4_000_000;
const BOX = '{ west: 14.3, south: 50.0, east: 14.5, north: 50.1 }';

interface Weekly {
  totalTrips: number;
  calendarWeeks: number;
  weeks: { week: string; trips: number }[];
}

describe('an open server', () => {
  let browser: Browser;
  let server: Server;
  let app: ConsolePage;
  let files: Files;

  useConsole({ hash: '#graphql' }, (made) => {
    ({ browser, server, app, files } = made);
  });

  test('a first visit says where to start and has the example', async () => {
    await app.connection('connected').waitFor();
    await app.page.getByText('Start here:').waitFor();
    expect(await app.page.title()).toBe('tripgraph');
    const titles = await app.page.locator('.graphiql-tab-button').allTextContents();
    expect(titles).toEqual([
      'IngestTrips',
      'IngestionStatus',
      'WeeklyAverage',
      'GroupedTrips',
      'Regions',
    ]);
    await app.screenshot('first-visit');
    const [download] = await Promise.all([
      app.page.waitForEvent('download'),
      app.page.getByRole('link', { name: 'Download it' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('trips.csv');
    expect(readFileSync(await download.path()).equals(readFileSync(EXAMPLE))).toBe(true);
  });

  test('an upload without a file is told apart from a fault of the server', async () => {
    const { errors } = await app.run();
    expect(errors).toEqual([{ message: 'Choose a file for $file in the Upload panel.' }]);
  });

  test('the status of an ingestion that is not there yet is NOT_FOUND', async () => {
    await app.goTo('IngestionStatus');
    await app.execute();
    await app.responseWith('NOT_FOUND');
    await app.outcome();
  });

  test('the example is uploaded in the upload tab and shown live', async () => {
    await app.goTo('IngestTrips');
    await app.choose('file', EXAMPLE);
    await app.page.getByRole('button', { name: 'Upload', exact: true }).click();
    await app.responseWith('"ingestion"');
    const { data } = await app.outcome();
    expect(data).toMatchObject({
      ingestTrips: { duplicate: false, ingestion: { id: '1', source: 'trips.csv' } },
    });
    const card = app.ingestion('trips.csv');
    await card.getByText('succeeded').waitFor();
    await card.getByText('2,000 trips, 0 rejected').waitFor();
    // The result is what the mutation has answered, and nothing in it is out of date.
    expect(await app.response()).not.toContain('QUEUED');
    await app.screenshot('uploaded');
  });

  test('a subscription in a tab reaches the final state and ends', async () => {
    await app.goTo('IngestionStatus');
    const { data } = await app.run();
    expect(data).toMatchObject({
      ingestionStatus: { state: 'SUCCEEDED', rowsIngested: EXAMPLE_TRIPS, rowsRejected: 0 },
    });
    // And by a click on the ingestion in the panel.
    await app.ingestion('trips.csv').getByRole('button', { name: 'trips.csv' }).click();
    await app.responseWith('"SUCCEEDED"');
    await app.outcome();
  });

  test('the same bytes again are a duplicate', async () => {
    await app.goTo('IngestTrips');
    const { data } = await app.run();
    expect(data).toMatchObject({ ingestTrips: { duplicate: true, ingestion: { id: '1' } } });
    await app.page.getByText('Duplicate of ingestion 1.').first().waitFor();
  });

  test('the weekly average is the one of the API, with a bar a week', async () => {
    await app.goTo('WeeklyAverage');
    const { data } = await app.run();
    const asked = await server.ask(
      `{ weeklyAverage(bbox: ${BOX}) {
        average averageOfActiveWeeks totalTrips calendarWeeks weeks { week trips } } }`,
    );
    expect(data).toEqual(asked.data);
    const weekly = asked.data!['weeklyAverage'] as Weekly;
    expect(weekly.totalTrips).toBeGreaterThan(0);
    const bars = app.page.locator('.weeks-plot [aria-label="rect"] rect');
    await bars.first().waitFor();
    const labels = await bars.evaluateAll((all) =>
      all.map((bar) => bar.getAttribute('aria-label')),
    );
    expect(labels).toEqual(weekly.weeks.map(({ week, trips }) => `${week}: ${trips}`));
    expect(labels).toHaveLength(weekly.calendarWeeks);
    await app.page
      .getByText(`${weekly.totalTrips} trips in ${weekly.calendarWeeks} weeks`)
      .waitFor();
    await app.screenshot('weekly-average');
  });

  test('groups of trips are flows on a map, and in a list', async () => {
    await app.goTo('GroupedTrips');
    const { data } = await app.run();
    const nodes = (data as { groupedTrips: { nodes: { trips: number }[] } }).groupedTrips.nodes;
    expect(nodes).toHaveLength(60);
    // The area with the most trips is in view at first.
    await app.page.locator('.flow-list .flow').first().waitFor();
    expect(await app.page.locator('.flow-list .flow').count()).toBeLessThan(nodes.length);
    await app.screenshot('grouped-trips');
    await app.page.getByRole('button', { name: 'All (60)' }).click();
    expect(await app.page.locator('.flow-list .flow').count()).toBe(nodes.length);
    const drawn = await app.page
      .locator('.map [data-flow]')
      .evaluateAll((paths) => new Set(paths.map((path) => path.getAttribute('data-flow'))).size);
    expect(drawn).toBe(nodes.length);
    const first = app.page.locator('.flow-list .flow').first();
    expect(await first.textContent()).toContain(`${nodes[0]!.trips} trips`);
    await first.focus();
    await app.page
      .locator('.map.has-marked [data-flow="0"].marked')
      .first()
      .waitFor({ state: 'attached' });
  });

  test('drawings know aliases, several at once, and say what they lack', async () => {
    await app.write(`query Several {
      prague: weeklyAverage(region: "Prague") { weeks { monday: week trips } }
      turin: weeklyAverage(region: "Turin") { ...Weeks }
      hamburg: weeklyAverage(region: "Hamburg") { average }
    }
    fragment Weeks on WeeklyAverage { weeks { week trips } }`);
    await app.run();
    await app.page.locator('.comparison .weeks-plot').waitFor();
    expect(await app.page.locator('.weeks-plot').count()).toBe(1);
    await app.page.getByText('Add weeks { week trips } to see a bar chart.').waitFor();
  });

  test('twenty weekly averages are one chart with a common scale, and one table', async () => {
    const boxes = Array.from({ length: 20 }, (_, index) => {
      const west = 14.2 + index / 50;
      return `box${index}: weeklyAverage(
        bbox: { west: ${west}, south: 50, east: ${west + 0.1}, north: 50.1 }
      ) { totalTrips weeks { week trips } }`;
    });
    await app.write(`query Twenty { ${boxes.join('\n')} }`);
    const { data } = await app.run();
    const totals = Object.values(data as Record<string, Weekly>).map(
      ({ totalTrips }) => totalTrips,
    );
    expect(Math.max(...totals)).toBeGreaterThan(0);
    const rows = app.page.locator('.comparison tbody tr');
    await rows.nth(19).waitFor();
    const shown = await rows.locator('td:nth-of-type(1)').allTextContents();
    expect(shown.map((text) => Number(text.replace(',', '')))).toEqual(totals);
    expect(await app.page.locator('.weeks-plot').count()).toBe(1);
    await app.page.getByRole('button', { name: 'Hide the chart', exact: true }).waitFor();
    await app.screenshot('comparison');
  });

  test('the regions tab shows what there is', async () => {
    await app.goTo('Regions');
    const { data } = await app.run();
    const regions = (data as { regions: { trips: number }[] }).regions;
    expect(regions.reduce((sum, { trips }) => sum + trips, 0)).toBe(EXAMPLE_TRIPS);
  });

  test('rows that can not be read are explained', async () => {
    const good = trips('spoilt', 3);
    const bad = 'Prague,POINT (14.4 95.0),POINT (14.5 50.1),2018-05-28 09:03:40,spoilt\n';
    await app.goTo('IngestTrips');
    await app.choose('file', files.write('spoilt.csv', good + bad));
    await app.run();
    const card = app.ingestion('spoilt.csv');
    await card.getByText('3 trips, 1 rejected').waitFor();
    // The answer to the upload says nothing that is no longer true.
    expect(await app.response()).not.toContain('QUEUED');
    await card.getByText('Rejected rows').click();
    await card.getByRole('button', { name: 'Show query' }).click();
    await app.responseWith('latitude 95');
    const { data } = await app.outcome();
    expect(data).toMatchObject({
      ingestion: {
        rejectedRows: {
          nodes: [{ line: 5, column: 'origin_coord', reason: 'latitude 95 is outside -90…90' }],
        },
      },
    });
  });

  test('several variables of other names go out with one request, others with them', async () => {
    await app.write(`mutation Pair($first: Upload!, $again: Boolean!, $second: Upload!) {
      a: ingestTrips(file: $first, allowDuplicate: $again) { duplicate ingestion { id source } }
      b: ingestTrips(file: $second, allowDuplicate: $again) { duplicate ingestion { id source } }
    }`);
    await app.page
      .locator('.graphiql-editor-tool .CodeMirror')
      .first()
      .evaluate((editor) =>
        (
          editor as HTMLElement & { CodeMirror: { setValue(text: string): void } }
        ).CodeMirror.setValue('{"again": true}'),
      );
    await app.choose('first', files.write('first.csv', trips('first', 5)));
    await app.choose('second', files.write('second.csv', trips('first', 5)));
    const { data } = await app.run();
    expect(data).toMatchObject({
      a: { duplicate: false, ingestion: { source: 'first.csv' } },
      b: { duplicate: false, ingestion: { source: 'second.csv' } },
    });
    await app.ingestion('first.csv').getByText('succeeded').waitFor();
    await app.ingestion('second.csv').getByText('succeeded').waitFor();
  });

  test('files that are dropped on a tab without use for them can be ingested', async () => {
    await app.goTo('Regions');
    await app.drop([
      { name: 'left.csv', text: trips('left', 2) },
      { name: 'right.csv', text: trips('right', 2) },
    ]);
    await app.page.getByRole('button', { name: 'Upload 2 files' }).click();
    await app.ingestion('left.csv').getByText('succeeded').waitFor();
    await app.ingestion('right.csv').getByText('succeeded').waitFor();
  });

  test('an ingestion can be removed, after a question', async () => {
    const card = app.ingestion('left.csv');
    await card.getByRole('button', { name: 'Remove…' }).click();
    await card.getByText('Remove its 2 trips from all answers?').waitFor();
    await card.getByRole('button', { name: 'Remove', exact: true }).click();
    await card.getByText('removed').waitFor();
  });

  test('300 files of a folder are uploaded, each in its own request', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `day-${index + 1}.csv`);
    const folder = files.folder('days', [
      ...names.map((name) => [name, trips(name, 1)] as const),
      ['notes.pdf', 'no trips'],
    ]);
    await app.page.getByRole('button', { name: 'Choose a folder…' }).waitFor();
    await app.page.locator('.panel input[name="folder"]').setInputFiles(folder);
    await app.page.getByText('and 292 more').waitFor();
    await app.page.getByRole('button', { name: 'Upload 300 files' }).click();
    await app.page.getByText('waiting for upload').waitFor({ state: 'detached', timeout: 180_000 });
    await app.page.waitForFunction(async () => {
      const query = '{ ingestions(first: 300) { nodes { source state } } }';
      const answer = await fetch(`/graphql?query=${encodeURIComponent(query)}`);
      const { data } = (await answer.json()) as {
        data: { ingestions: { nodes: { source: string; state: string }[] } };
      };
      // Earlier tests have ingested files, too.
      return data.ingestions.nodes.every(
        ({ source, state }) => source.startsWith('day-') && !['QUEUED', 'RUNNING'].includes(state),
      );
    });
    const { data } = await server.ask('{ ingestions(first: 300) { nodes { source state } } }');
    const { nodes } = data!['ingestions'] as { nodes: { source: string; state: string }[] };
    expect(nodes.map(({ source }) => source).sort()).toEqual([...names].sort());
    expect(nodes.every(({ state }) => state === 'SUCCEEDED')).toBe(true);
  });

  test('any number of files can be ingested at once', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `many-${index + 1}`);
    await app.drop(many.map((name) => ({ name: `${name}.csv`, text: trips(name, 2) })));
    await app.page.getByRole('button', { name: 'Upload 20 files' }).click();
    await app.ingestion('many-20.csv').getByText('2 trips, 0 rejected').waitFor();
    const { data } = await server.ask('{ ingestions(first: 20) { nodes { source state } } }');
    const { nodes } = data!['ingestions'] as { nodes: { source: string; state: string }[] };
    expect(nodes.reverse()).toEqual(
      many.map((name) => ({ source: `${name}.csv`, state: 'SUCCEEDED' })),
    );
  });

  test('a file with the name of another one carries a warning', async () => {
    await app.goTo('IngestTrips');
    await app.choose('file', files.write('many-20.csv', trips('corrected', 3)));
    await app.run();
    const card = app.ingestion('many-20.csv').first();
    await card.getByText('3 trips, 0 rejected').waitFor();
    await card.getByText('is still in the answers').waitFor();
  });

  test('a running ingestion shows its progress and can be cancelled', async () => {
    await app.goTo('IngestTrips');
    await app.choose('file', files.generated('long.csv', 400_000));
    await app.run();
    const card = app.ingestion('long.csv');
    await card.getByText(/[\d,]+ rows read, 0 rejected, [\d,]+ rows\/s, .* left/).waitFor();
    server.pause();
    const bar = card.getByRole('progressbar', { name: /long\.csv/ });
    expect(Number(await bar.getAttribute('aria-valuenow'))).toBeGreaterThan(0);
    expect(await bar.getAttribute('aria-valuetext')).toContain('rows read');
    await app.screenshot('running');
    await card.getByRole('button', { name: 'Cancel' }).click();
    server.resume();
    await card.getByText('cancelled').waitFor();
    await card.getByText('no trips were added').waitFor();
  });

  test('a large upload shows how far it is, goes on behind other tabs, and can be cancelled', async () => {
    await app.slowDown(SLOW);
    await app.goTo('IngestTrips');
    await app.choose('file', files.sparse('large.csv', 400_000_000));
    await app.execute();
    const transfer = app.page.locator('.transfer-sending');
    await transfer.getByText(/[\d.]+\sMB of 400\sMB, .*\/s, .*\sleft/).waitFor();
    await app.screenshot('uploading');
    await app.goTo('Regions');
    await app.run();
    await transfer.getByText(/MB of 400\sMB/).waitFor();
    // Under the response where the panel is not on the page.
    await app.page.getByRole('button', { name: 'Hide Upload' }).click();
    await app.page
      .getByRole('region', { name: 'Uploads' })
      .getByText('large.csv', { exact: true })
      .waitFor();
    await app.page.getByRole('button', { name: 'Show the Upload panel' }).click();
    await app.goTo('IngestTrips');
    await transfer.getByRole('button', { name: /Cancel/ }).click();
    await app.responseWith('The upload was cancelled after');
    await app.page.locator('.transfer-cancelled').waitFor();

    // The stop button of the editor does the same.
    await app.execute();
    await transfer.getByText(/[\d.]+\sMB of 400\sMB, .*\/s/).waitFor();
    await app.page.getByRole('button', { name: 'Stop query' }).click();
    await app.page.locator('.transfer-sending').waitFor({ state: 'detached' });
    await app.responseWith('The upload was cancelled after');
    await app.slowDown(null);
  });

  test('the page recovers when the server is killed and comes back', async () => {
    await app.slowDown(SLOW);
    await app.execute();
    await app.page
      .locator('.transfer-sending')
      .getByText(/MB of 400\sMB/)
      .waitFor();
    await server.kill();
    await app.responseWith('The connection to the server was lost after');
    await app.slowDown(null);
    await app.connection('connection lost, reconnecting').waitFor();
    await app.goTo('Regions');
    const { errors } = await app.run();
    expect(errors).toEqual([{ message: 'The server can’t be reached. Is it running?' }]);

    await server.restart();
    await app.connection('connected').waitFor();
    const { data } = await app.run();
    expect(data).toHaveProperty('regions');
    await app.goTo('IngestTrips');
    await app.choose('file', files.write('after.csv', trips('after', 50)));
    await app.run();
    await app.ingestion('after.csv').getByText('50 trips, 0 rejected').waitFor();
  });

  test('a file can be uploaded with the keyboard alone', async () => {
    const path = files.write('keys.csv', trips('keys', 4));
    const { page } = app;
    await app.goTo('IngestTrips');
    // The tabs, and which one is in front, are still there on the next visit.
    const titles = await page.locator('.graphiql-tab-button').allTextContents();
    await page.waitForFunction(() => {
      const kept = localStorage.getItem('graphiql:tabState') ?? '{}';
      return (JSON.parse(kept) as { activeTabIndex?: number }).activeTabIndex === 0;
    });
    await page.reload();
    await app.connection('connected').waitFor();
    await page.locator('.graphiql-tab-active', { hasText: 'IngestTrips' }).waitFor();
    expect(await page.locator('.graphiql-tab-button').allTextContents()).toEqual(titles);
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 80; presses += 1) {
        const focused = await page.evaluate(() => {
          const element = document.activeElement!;
          const { outlineStyle, outlineWidth } = getComputedStyle(element);
          const name = element.getAttribute('aria-label') ?? element.textContent;
          return { name, outlined: outlineStyle !== 'none' && outlineWidth !== '0px' };
        });
        if (name.test(focused.name)) {
          expect(focused.outlined).toBe(true);
          return;
        }
        await page.keyboard.press('Tab');
      }
      throw new Error(`${name} can't be reached with Tab`);
    };
    const choosing = page.waitForEvent('filechooser');
    await tabTo(/^Choose a file for \$file$/);
    await page.keyboard.press('Enter');
    const chooser = await choosing;
    await chooser.setFiles(path);
    await page.locator('.variable', { hasText: 'keys.csv' }).waitFor();
    await tabTo(/^Upload$/);
    await page.keyboard.press('Enter');
    await app.ingestion('keys.csv').getByText('4 trips, 0 rejected').waitFor();
    // Through the query editor, and out of it.
    await tabTo(/^IngestTrips$/);
    await tabTo(/^Execute query/);
  });

  test('dialogs and menus keep to the security policy too', async () => {
    const { page } = app;
    await page.getByRole('button', { name: 'Open settings dialog' }).click();
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.locator('body.graphiql-dark').waitFor();
    await page.getByRole('button', { name: 'System' }).click();
    await page.keyboard.press('Escape');
    await app.write('query First { regions { name } } query Second { regions { trips } }');
    await app.execute();
    await page.getByRole('menuitem', { name: 'Second' }).click();
    await app.responseWith('"trips"');
  });

  test('dialogs, history and suggestions are accessible, dark and light, and fit', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const viewport = { width: 390, height: 844 };
      const other = await ConsolePage.open(browser, server, { viewport, colorScheme });
      const { page } = other;
      await other.goTo('Regions');
      await other.run();
      await page.getByRole('button', { name: 'Show History' }).click();
      await page.getByRole('button', { name: 'Regions', exact: true }).last().waitFor();
      await other.screenshot(`history-${colorScheme}`);
      await page.getByRole('button', { name: 'Edit label' }).first().click();
      await other.screenshot(`history-edited-${colorScheme}`);
      await page.getByRole('button', { name: 'Open settings dialog' }).click();
      const theme = await page.getByRole('button', { name: 'Dark' }).boundingBox();
      const dialog = await page.getByRole('dialog').boundingBox();
      expect(theme!.x + theme!.width).toBeLessThan(dialog!.x + dialog!.width);
      await other.screenshot(`settings-${colorScheme}`);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Open short keys dialog' }).click();
      await page.getByRole('dialog').getByText('Short Keys').first().waitFor();
      await other.screenshot(`keys-${colorScheme}`);
      await page.keyboard.press('Escape');
      await other.goTo('WeeklyAverage');
      await page.locator('.graphiql-query-editor .CodeMirror').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('{ we');
      await page.getByRole('listbox', { name: 'Suggestions' }).waitFor();
      await other.screenshot(`suggestions-${colorScheme}`);
      expect(other.faults).toEqual([]);
      await other.close();
    }
  });

  test('a page whose script is not there says so', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route('**/*.js', (route) => route.abort());
    await page.goto(`${server.url}/graphiql`);
    await page.getByText('its script could not be loaded').waitFor();
    await context.close();
  });

  test('a failed ingestion with a long message fits into its card, at every width', async () => {
    const long = 'a_column_name_without_a_blank_'.repeat(3);
    await app.goTo('IngestTrips');
    await app.choose('file', files.write(`${'long-name-'.repeat(8)}.csv`, `${long}\n1\n`));
    await app.run();
    await app.ingestion('long-name').getByText('failed').waitFor();
    for (const width of [1440, 1024, 390]) {
      const other = await ConsolePage.open(browser, server, { viewport: { width, height: 800 } });
      const card = other.ingestion('long-name');
      await card.getByText('MISSING_COLUMNS').waitFor();
      const wider = await card.evaluate((element) => element.scrollWidth - element.clientWidth);
      expect(wider).toBe(0);
      expect(await other.overflow()).toBeLessThanOrEqual(0);
      expect(await other.taller()).toBe(0);
      await other.screenshot(`failed-${width}`);
      await other.close();
    }
  });

  test('a dark page, a narrower one and a narrow one', async () => {
    for (const [name, options] of [
      ['dark', { colorScheme: 'dark' }],
      ['medium', { viewport: { width: 1024, height: 768 } }],
      ['narrow', { viewport: { width: 390, height: 844 } }],
    ] as const) {
      const other = await ConsolePage.open(browser, server, options);
      await other.connection('connected').waitFor();
      await other.screenshot(`${name}-panel`);
      await other.goTo('WeeklyAverage');
      await other.run();
      await other.page.locator('.weeks-plot').waitFor();
      await other.page.locator('.results').scrollIntoViewIfNeeded();
      expect(await other.overflow()).toBeLessThanOrEqual(0);
      expect(await other.taller()).toBe(0);
      await other.screenshot(`${name}-chart`);
      await other.goTo('GroupedTrips');
      await other.run();
      await other.page.locator('.flow-list .flow').first().waitFor();
      await other.page.locator('.results').scrollIntoViewIfNeeded();
      expect(await other.overflow()).toBeLessThanOrEqual(0);
      await other.screenshot(`${name}-map`);
      expect(other.faults).toEqual([]);
      await other.close();
    }
  });
});

describe('a server with tokens', () => {
  const SECRET = 'correct-horse-battery';
  const READ_SECRET = 'read-the-trips-only';
  const LIMIT = 1_000_000;
  let app: ConsolePage;
  let files: Files;

  useConsole(
    {
      serve: [
        ...['--token', `bob:write:${SECRET}`],
        ...['--token', `ann:read:${READ_SECRET}`],
        ...['--max-upload-bytes', String(LIMIT)],
      ],
      hash: '#graphql',
    },
    (made) => {
      ({ app, files } = made);
    },
  );

  test('without a token, nothing; with it, everything, as far as the limits go', async () => {
    await app.page.getByText('This server requires a token').waitFor();
    await app.connection('valid token required').waitFor();
    await app.goTo('Regions');
    const refused = await app.run();
    expect(refused).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    await app.goTo('IngestionStatus');
    await app.execute();
    await app.responseWith('The server refused the connection');
    await app.screenshot('token-missing');

    await app.enterToken('a-token-that-nobody-knows');
    await app.page.getByText('The server refused this token').waitFor();
    await app.enterToken(SECRET);
    await app.connection('connected').waitFor();
    await app.page.getByText('Token in use').waitFor();
    // It is kept for the session: until the browser's tab is closed.
    await app.page.reload();
    await app.connection('connected').waitFor();
    await app.goTo('IngestTrips');
    await app.choose('file', EXAMPLE);
    await app.run();
    await app.ingestion('trips.csv').getByText('2,000 trips, 0 rejected').waitFor();
    await app.goTo('IngestionStatus');
    await app.execute();
    await app.responseWith('"SUCCEEDED"');
    await app.goTo('Regions');
    const { data } = await app.run();
    expect(data).toHaveProperty('regions');
    await app.goTo('IngestTrips');
    await app.choose('file', files.sparse('too-large.csv', 2 * LIMIT));
    const tooLarge = await app.run();
    expect(tooLarge).toMatchObject({ errors: [{ extensions: { code: 'TOO_LARGE' } }] });
    await app.page
      .locator('.transfer-failed')
      .getByText('exceeds the limit of 1000000 bytes')
      .waitFor();
    // The schema is read with the token too.
    await app.page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await app.page
      .locator('.graphiql-doc-explorer')
      .getByText('Mutation', { exact: true })
      .waitFor();
    expect(app.faults).toEqual([]);
  });

  test('a token that may only read has no buttons that change anything', async () => {
    await app.page.getByRole('button', { name: 'Show Upload' }).click();
    await app.page.getByRole('button', { name: 'Forget the token' }).click();
    await app.connection('valid token required').waitFor();
    expect(await app.page.locator('article.ingestion').count()).toBe(0);
    await app.enterToken(READ_SECRET);
    await app.page.getByText('Token in use, read only').waitFor();
    await app.ingestion('trips.csv').getByText('2,000 trips, 0 rejected').waitFor();
    await app.page.getByText('The token in use may read, but not upload.').waitFor();
    const changing = /^(Remove…|Cancel|Upload.*|Choose.*)$/;
    expect(await app.page.locator('.panel').getByRole('button', { name: changing }).count()).toBe(
      0,
    );
  });
});
