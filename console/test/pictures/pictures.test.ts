/** Makes the pictures of the project's documentation: `npm run screenshots`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { launch } from '../browser/browser';
import { ConsolePage } from '../browser/console-page';
import { ExplorePage } from '../browser/explore-page';
import { binary, Server } from '../browser/server';

const IMAGES = join(import.meta.dirname, '../../../docs/images');
const LARGEST = 300_000;

/** Milliseconds that a state may take; ingestions of a program that is not optimised are slow. */
const PATIENCE = 600_000;

const GROUPED = `# Where Prague goes, in half days.
query HalfDays {
  groupedTrips(
    filter: { region: "Prague" }
    resolution: 7
    timeBucketMinutes: 720
    first: 50
  ) {
    totalCount
    nodes {
      trips
      startTime
      endTime
      origin {
        ...Hexagon
      }
      destination {
        ...Hexagon
      }
    }
  }
}

fragment Hexagon on Cell {
  center { lon lat }
  boundary { lon lat }
}
`;

function generate(path: string, rows: number, seed: number): void {
  const numbers = ['--rows', String(rows), '--seed', String(seed)];
  execFileSync(binary, ['generate', ...numbers, '--output', path]);
}

test('pictures for the documentation', { timeout: 3 * PATIENCE }, async () => {
  mkdirSync(IMAGES, { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), 'tripgraph-pictures-'));
  const [trips, more] = [join(directory, 'trips-2018.csv'), join(directory, 'trips-2019.csv')];
  generate(trips, 200_000, 7);
  generate(more, 600_000, 8);
  const server = await Server.start();
  const browser = await launch();
  try {
    const app = await ConsolePage.open(browser, server);
    app.page.setDefaultTimeout(PATIENCE);
    const shoot = async (name: string): Promise<void> => {
      const path = join(IMAGES, `${name}.png`);
      await app.page.mouse.move(0, 0);
      await app.page.screenshot({ path });
      expect(statSync(path).size).toBeLessThan(LARGEST);
    };
    await app.choose('file', trips);
    await app.run();
    await app.ingestion('trips-2018.csv').getByText('200,000 trips').waitFor();
    await app.goTo('WeeklyAverage');
    await app.run();
    await app.page.locator('.weeks-plot').waitFor();
    await shoot('weekly-average');

    await app.write(GROUPED);
    await app.run();
    await app.page.locator('.flow-list .flow').first().waitFor();
    const splitter = app.page.getByRole('separator', { name: 'Height of the drawing' });
    for (let step = 0; step < 5; step += 1) await splitter.press('ArrowUp');
    await app.goTo('IngestTrips');
    await app.choose('file', more);
    await app.run();
    await app.goTo('HalfDays');
    await app.page.locator('.flow-list .flow').first().waitFor();
    const bar = app.ingestion('trips-2019.csv').getByRole('progressbar');
    await bar.waitFor();
    await app.page.waitForFunction(() => {
      const now = document.querySelector('[role="progressbar"]')?.getAttribute('aria-valuenow');
      return now === undefined || Number(now) >= 40;
    });
    await shoot('grouped-trips');

    await app.page.getByRole('link', { name: 'Explore' }).click();
    const explore = new ExplorePage(app.page);
    await app.ingestion('trips-2019.csv').getByText('600,000 trips').waitFor();
    await explore.choose('Region', 'Prague');
    await expect.poll(() => app.page.url(), { timeout: PATIENCE }).toContain('50.');
    await explore.settled();
    await app.page.locator('.map .place-name span').first().waitFor();
    await app.page.waitForFunction(() => {
      const tiles = [...document.querySelectorAll('.map .leaflet-tile')];
      return tiles.length > 0 && tiles.every((tile) => tile.matches('.leaflet-tile-loaded'));
    });
    await app.page.locator('.weeks-plot').waitFor();
    await shoot('explore');
    expect(app.faults).toEqual([]);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
