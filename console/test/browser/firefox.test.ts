import axe from 'axe-core';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executable } from './executable';
import { Files, trips as rows } from './files';
import { Server } from './server';

// They only bound failures. One wait is shorter than a test, so that a failure names what was waited for.
const WAIT = { timeout: 60_000 };
const SLOW = { timeout: 240_000 };

const files = new Files();
const faults: string[] = [];
let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  server = await Server.start();
  browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: executable(
      'FIREFOX',
      ['firefox-esr', 'firefox'],
      'apt-get install firefox-esr',
    ),
    // Firefox ESR can't change the size of the page afterwards.
    defaultViewport: null,
    args: ['--width=1440', '--height=900'],
  });
  page = await browser.newPage();
  page.setDefaultTimeout(WAIT.timeout);
  page.on('pageerror', (error) => faults.push(`uncaught ${error}`));
  page.on('console', (message) => {
    if (/content.security.policy/i.test(message.text())) faults.push(message.text());
  });
  // As in Chromium, nothing comes from another host.
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== server.url) faults.push(`asked ${request.url()}`);
  });
  await page.goto(`${server.url}/graphiql`);
}, SLOW.timeout);

/** What axe finds wrong with the page. */
async function violations(): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  files.remove();
}, SLOW.timeout);

/** Clicks what has this text. Puppeteer's locators need `eval`, which the page's policy forbids. */
/** Clicks what has that text, once it no longer moves: a list of files may still be growing beside it. */
async function press(text: string): Promise<void> {
  await page.locator(`::-p-text(${text})`).click();
}

/** Waits until the figures are those of the present selection, and returns the number of trips. */
async function trips(): Promise<number> {
  await page.waitForSelector('.figures[aria-busy="false"]');
  return page.evaluate(() => {
    const term = [...document.querySelectorAll('.number dt')].find(
      ({ textContent }) => textContent === 'Trips',
    );
    return Number(term!.nextElementSibling!.textContent!.replaceAll(',', ''));
  });
}

async function asked(args: string): Promise<number> {
  const { data } = await server.ask(`{ weeklyAverage(${args}) { totalTrips } }`);
  return (data!['weeklyAverage'] as { totalTrips: number }).totalTrips;
}

test('Firefox shows the trips right after an upload', SLOW, async () => {
  await page.waitForSelector('::-p-text(Start here:)');
  const input = await page.waitForSelector('input[name="files"]');
  await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(
    files.generated('cities.csv', 20_000),
  );
  await press('Upload 1 file');
  await page.waitForSelector('.figures .flow');
  await page.waitForSelector('.map .place-name');
  await press('Everywhere');
  expect(await trips()).toBe(20_000);
  expect(await violations()).toEqual([]);
  expect(faults).toEqual([]);
});

test('Firefox filters by region, and the figures are the ones of the API', SLOW, async () => {
  const select = await page.waitForSelector(
    '.filters label.field select:has(option[value="=Prague"])',
  );
  await select!.select('=Prague');
  expect(await trips()).toBe(await asked('region: "Prague"'));
  await press('Reset');
  await trips();
  expect(faults).toEqual([]);
});

test('Firefox draws a box, whose figures are the ones of the API', SLOW, async () => {
  await press('Draw a box');
  await page.waitForSelector('.map.drawing');
  const map = (await (await page.waitForSelector('.map'))!.boundingBox())!;
  await page.mouse.move(map.x + map.width * 0.3, map.y + map.height * 0.3);
  await page.mouse.down();
  await page.mouse.move(map.x + map.width * 0.7, map.y + map.height * 0.7, { steps: 4 });
  await page.mouse.up();
  await page.waitForSelector('.sides input');
  const shown = await trips();
  const sides = await page.$$eval('.sides input', (inputs) =>
    inputs.map((input) => (input as HTMLInputElement).value),
  );
  const [west, south, east, north] = sides;
  expect(shown).toBe(
    await asked(`bbox: { west: ${west}, south: ${south}, east: ${east}, north: ${north} }`),
  );
  expect(faults).toEqual([]);
});

test('Firefox shows the same for a link, and its query in GraphiQL', SLOW, async () => {
  const shown = await trips();
  const link = page.url();
  const context = await browser.createBrowserContext();
  const before = page;
  page = await context.newPage();
  page.setDefaultTimeout(WAIT.timeout);
  await page.goto(link);
  await page.waitForSelector('.figures .flow');
  expect(await trips()).toBe(shown);
  await page.close();
  page = before;
  await page.bringToFront();
  await press('Show query');
  await page.waitForSelector('.weeks-plot');
  const result = (): Promise<string> =>
    page.$eval('.result-window .CodeMirror', (editor) =>
      (editor as HTMLElement & { CodeMirror: { getValue(): string } }).CodeMirror.getValue(),
    );
  await expect.poll(result, WAIT).toContain(`"totalTrips": ${shown}`);
  expect(await violations()).toEqual([]);
  expect(faults).toEqual([]);
});

test('Firefox uploads 300 files', SLOW, async () => {
  await press('Explore');
  const days = Array.from({ length: 300 }, (_, day) =>
    files.write(`day-${day}.csv`, rows(`day-${day}`, 1)),
  );
  const input = await page.waitForSelector('input[name="files"]');
  await (input as unknown as { uploadFile(...paths: string[]): Promise<void> }).uploadFile(...days);
  await press('Upload 300 files');
  const count = async (): Promise<unknown> => {
    const query = '{ ingestions(state: SUCCEEDED, first: 0) { totalCount } }';
    return (await server.ask(query)).data!['ingestions'];
  };
  await expect.poll(count, { timeout: 180_000 }).toEqual({ totalCount: 301 });
  expect(faults).toEqual([]);
});
