import type { Browser, Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { ExplorePage } from './explore-page';
import { useConsole } from './fixture';
import type { Server } from './server';

const SET = 'Squares';

let browser: Browser;
let server: Server;
let app: ConsolePage;
let explore: ExplorePage;

useConsole({ before: (server) => server.importZones(SET, squares()) }, async (made) => {
  ({ browser, server, app, explore } = made);
  await app.choose('files', made.files.generated('cities.csv', 30_000));
  await app.page.getByRole('button', { name: 'Upload 1 file' }).click();
  await app.ingestion('cities.csv').getByText('30,000 trips').waitFor();
  await explore.flows.first().waitFor();
  await explore.choose('Region', 'Prague');
  await explore.settled();
});

type Box = [west: number, south: number, east: number, north: number];

/** A zone with straight borders. */
function rectangle(id: string, name: string, [west, south, east, north]: Box): object {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return {
    type: 'Feature',
    id,
    properties: { name },
    geometry: { type: 'Polygon', coordinates: [ring] },
  };
}

/** Nine squares around Prague, with names that are not their ids. */
function squares(): object {
  const features = Array.from({ length: 9 }, (_, index) => {
    const [west, south] = [14.2 + 0.15 * (index % 3), 49.95 + 0.1 * Math.floor(index / 3)];
    return rectangle(`s${index}`, `Square ${index + 1}`, [west, south, west + 0.15, south + 0.1]);
  });
  return { type: 'FeatureCollection', features };
}

interface Weekly {
  average: number;
  totalTrips: number;
  calendarWeeks: number;
}

async function weekly(args: string): Promise<Weekly> {
  const { data, errors } = await server.ask(
    `{ weeklyAverage(${args}) { average totalTrips calendarWeeks } }`,
  );
  expect(errors).toBeUndefined();
  return data!['weeklyAverage'] as Weekly;
}

/** The drawn polygon, as it is in the address, as an argument of the API. */
function drawnPolygon(): string {
  const flat = new URLSearchParams(new URL(app.page.url()).hash.slice(1)).get('polygon')!;
  const numbers = flat.split(',').map(Number);
  const corners = numbers.flatMap((lon, at) => (at % 2 === 0 ? [[lon, numbers[at + 1]!]] : []));
  const ring = JSON.stringify([[...corners, corners[0]]]);
  return `{ polygon: { type: "Polygon", coordinates: ${ring} } }`;
}

/** The number of trips in the file that the page offers. */
async function exportedTrips(): Promise<number> {
  const path = await app.page.getByRole('link', { name: 'All trips as CSV' }).getAttribute('href');
  const answer = await fetch(`${server.url}${path}`);
  expect(answer.status).toBe(200);
  return (await answer.text()).trim().split('\n').length - 1;
}

async function expectFigures(args: string): Promise<Weekly> {
  const asked = await weekly(args);
  expect(await explore.figure('Trips')).toBe(asked.totalTrips);
  expect(await explore.figure('Weeks')).toBe(asked.calendarWeeks);
  return asked;
}

test('a polygon is drawn corner by corner, and its trips are those of the API', async () => {
  await app.page.getByRole('button', { name: 'Draw a polygon' }).click();
  await app.page.getByText('Click the corners').waitFor();
  for (const [x, y] of [
    [0.3, 0.3],
    [0.7, 0.35],
    [0.6, 0.75],
    [0.35, 0.6],
  ] as const) {
    await explore.click(x, y);
  }
  await app.page.keyboard.press('Enter');
  await app.page.getByLabel('A polygon with 4 corners').waitFor();
  await explore.settled();
  const drawn = await expectFigures(`region: "Prague", area: ${drawnPolygon()}`);
  expect(drawn.totalTrips).toBeGreaterThan(0);
  const everywhere = await weekly('region: "Prague"');
  expect(drawn.totalTrips).toBeLessThan(everywhere.totalTrips);
  await app.screenshot('explore-polygon');
});

test('a click on the first corner closes a polygon, and Escape draws none', async () => {
  const draw = app.page.getByRole('button', { name: 'Draw a polygon' });
  const before = app.page.url();
  await draw.click();
  await explore.click(0.2, 0.2);
  await explore.click(0.8, 0.2);
  await app.page.keyboard.press('Escape');
  await app.page.locator('.map.drawing').waitFor({ state: 'detached' });
  expect(app.page.url()).toBe(before);
  await draw.click();
  for (const [x, y] of [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.5, 0.7],
    [0.25, 0.25],
  ] as const) {
    await explore.click(x, y);
  }
  await app.page.getByLabel('A polygon with 3 corners').waitFor();
  await explore.settled();
  await expectFigures(`region: "Prague", area: ${drawnPolygon()}`);
});

test('days and hours restrict the figures, and the profile is the one of the API', async () => {
  const polygon = `region: "Prague", area: ${drawnPolygon()}`;
  for (const day of ['Mon', 'Tue', 'Sun']) {
    const button = app.page.getByRole('button', { name: day, exact: true });
    await button.click();
    expect(await button.getAttribute('aria-pressed')).toBe('true');
  }
  await explore.settled();
  const days = 'daysOfWeek: [MONDAY, TUESDAY, SUNDAY]';
  const some = await expectFigures(`${polygon}, ${days}`);
  expect(some.totalTrips).toBeGreaterThan(0);
  expect(some.totalTrips).toBeLessThan((await weekly(polygon)).totalTrips);

  // A range that runs over midnight.
  const hours = app.page.getByRole('group', { name: 'Hours of the day' }).getByRole('combobox');
  await hours.first().selectOption('22:00');
  await hours.last().selectOption('07:00');
  await explore.settled();
  const night = await expectFigures(
    `${polygon}, ${days}, timeRanges: [{ from: "22:00", to: "07:00" }]`,
  );
  expect(await exportedTrips()).toBe(night.totalTrips);

  const { data } = await server.ask(`{ tripProfile(${polygon}) { cells { hour trips } } }`);
  const { cells } = data!['tripProfile'] as { cells: { hour: number; trips: number }[] };
  const shown = await app.page.locator('.profile td .unseen').allTextContents();
  expect(shown.map(Number)).toEqual(cells.map(({ trips }) => trips));
  await app.screenshot('explore-days');
});

test('a brush over the profile filters days and hours, with the pointer and the keys', async () => {
  await app.page.getByRole('button', { name: 'All days and hours' }).click();
  await explore.settled();
  const grid = app.page.getByRole('grid', { name: 'Days and hours' });
  const cell = (day: number, hour: number): Locator => grid.locator(`[data-cell="${day} ${hour}"]`);
  const selected = (): Promise<number> => grid.locator('[aria-selected="true"]').count();
  expect(await selected()).toBe(0);
  const polygon = `region: "Prague", area: ${drawnPolygon()}`;

  await cell(1, 7).scrollIntoViewIfNeeded();
  const [from, to] = [(await cell(1, 7).boundingBox())!, (await cell(3, 9).boundingBox())!];
  await app.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await app.page.mouse.down();
  await app.page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 4 });
  expect(await selected()).toBe(9);
  await app.page.mouse.up();
  await explore.settled();
  expect(await selected()).toBe(9);
  await expectFigures(
    `${polygon}, daysOfWeek: [TUESDAY, WEDNESDAY, THURSDAY], timeRanges: [{ from: "07:00", to: "10:00" }]`,
  );
  // The buttons and the lists follow, and so does the link.
  expect(await app.page.locator('.days [aria-pressed="true"]').allTextContents()).toEqual([
    ...['Tue', 'Wed', 'Thu'],
  ]);
  expect(app.page.url()).toContain('hours=7-10');
  await app.screenshot('explore-brush');
  const link = new URL(app.page.url()).hash;
  const other = await ConsolePage.open(browser, server, { colorScheme: 'dark' }, link);
  await other.page.locator('.profile [aria-selected="true"]').nth(8).waitFor();
  const theirs = new ExplorePage(other.page);
  await theirs.settled();
  expect(await theirs.figure('Trips')).toBe(await explore.figure('Trips'));
  await other.screenshot('explore-brush-dark');
  await other.close();

  // With the keys: the weekend from 20 o'clock on.
  await cell(1, 7).focus();
  await cell(1, 7).click();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'End']) {
    await app.page.keyboard.press(key);
  }
  for (const key of ['Shift+ArrowDown', 'Shift+ArrowLeft', 'Shift+ArrowLeft', 'Shift+ArrowLeft']) {
    await app.page.keyboard.press(key);
  }
  expect(await selected()).toBe(8);
  await app.page.keyboard.press('Enter');
  await explore.settled();
  await expectFigures(
    `${polygon}, daysOfWeek: [SATURDAY, SUNDAY], timeRanges: [{ from: "20:00", to: "24:00" }]`,
  );
  await app.page.getByRole('button', { name: 'All days and hours' }).click();
  await explore.settled();
  await expectFigures(polygon);
});

test('the zones of a set are ranked and shaded by their averages', async () => {
  await app.page.getByRole('button', { name: 'Reset' }).click();
  await explore.choose('Region', 'Prague');
  await explore.choose('Compare the zones of', SET);
  const rows = app.page.locator('.zones tbody tr');
  await rows.nth(8).waitFor();
  await explore.settled();
  const { data } = await server.ask(
    `{ zoneSet(name: "${SET}") { weeklyAverages(region: "Prague") {
      zone { name } weeklyAverage { average totalTrips } } } }`,
  );
  const { weeklyAverages } = data!['zoneSet'] as {
    weeklyAverages: { zone: { name: string }; weeklyAverage: Weekly }[];
  };
  expect(await rows.getByRole('button').allTextContents()).toEqual(
    weeklyAverages.map(({ zone }) => zone.name),
  );
  const trips = await rows.locator('td:nth-of-type(2)').allTextContents();
  expect(trips.map((text) => Number(text.replaceAll(',', '')))).toEqual(
    weeklyAverages.map(({ weeklyAverage }) => weeklyAverage.totalTrips),
  );
  // The zone with the highest average is the darkest.
  const shades = await app.page
    .locator('.map .zone')
    .evaluateAll((paths) => paths.map((path) => Number(path.getAttribute('fill-opacity'))));
  expect(shades).toHaveLength(9);
  expect(Math.max(...shades)).toBeCloseTo(0.7, 5);
  await app.screenshot('explore-zones');
});

test('a zone is chosen in the table, in the list and on the map, and kept in a link', async () => {
  const third = app.page.locator('.zones tbody tr').nth(2).getByRole('button');
  await third.focus();
  await app.page.keyboard.press('Enter');
  await explore.settled();
  expect(await third.getAttribute('aria-pressed')).toBe('true');
  const name = (await third.textContent())!;
  await app.page.getByLabel(`The zone ${name}`).waitFor();
  const zone = (index: number): string => `region: "Prague", area: { zone: "${SET}/s${index}" }`;
  const chosen = await expectFigures(zone(Number(name.split(' ')[1]) - 1));
  expect(chosen.totalTrips).toBeGreaterThan(0);

  await app.page.getByLabel('Trips in the zone').selectOption('Square 5');
  await explore.settled();
  await expectFigures(zone(4));
  await app.page.getByLabel('Trips that').selectOption('DESTINATION');
  await explore.settled();
  const fifth = await expectFigures(`${zone(4)}, tripEnd: DESTINATION`);
  expect(await exportedTrips()).toBe(fifth.totalTrips);
  await app.page.locator('.map .zone.chosen').waitFor();
  await app.screenshot('explore-zone');

  const link = new URL(app.page.url()).hash;
  const other = await ConsolePage.open(browser, server, { colorScheme: 'dark' }, link);
  const theirs = new ExplorePage(other.page);
  await other.page.locator('.map .zone.chosen').waitFor();
  await theirs.settled();
  expect(await theirs.figure('Trips')).toBe(await explore.figure('Trips'));
  await other.page.getByLabel('The zone Square 5').waitFor();
  expect(other.page.url()).toBe(app.page.url());
  await other.screenshot('explore-zone-dark');
  expect(other.faults).toEqual([]);
  await other.close();

  // The map's corner is far from flows and buttons.
  const corner = (await app.page.locator('.map .zone').first().boundingBox())!;
  await app.page.mouse.click(corner.x + 6, corner.y + corner.height - 6);
  await explore.settled();
  expect(app.page.url()).toContain('zone=Squares%2Fs');
});

test('more zones than are drawn at once are all ranked, found and drawn from nearby', async () => {
  const side = 60;
  await server.importZones('Grid', grid(side));
  await app.page.reload();
  await app.page.getByRole('button', { name: 'Reset' }).click();
  await explore.choose('Region', 'Prague');
  await explore.choose('Compare the zones of', 'Grid');
  await app.page
    .getByText('with most trips of 3,600 in view are drawn: zoom in for the others')
    .waitFor();
  await explore.settled();
  expect(await app.page.locator('.map .zone').count()).toBe(2000);
  // The table has all of them, a page at a time.
  const rows = app.page.locator('.zones tbody tr');
  await rows.nth(199).waitFor();
  await app.page.getByText('and 3,400 zones with fewer trips').waitFor();
  await app.page.getByRole('button', { name: 'Show 200 more zones' }).click();
  await rows.nth(399).waitFor();
  await app.screenshot('explore-many-zones');
  // A zone that the list does not have is found by its name.
  const list = app.page.getByLabel('Trips in the zone');
  expect(await list.locator('option').count()).toBe(501);
  await app.page.getByLabel('Find zones by name').fill('Field 3599');
  await list.selectOption('Field 3599');
  await app.page.getByLabel('The zone Field 3599').waitFor();
  await app.page.locator('.map .zone.chosen').waitFor();
  await explore.settled();
  await expectFigures(`region: "Prague", area: { zone: "Grid/f3599" }`);
  // From nearby, nothing is left out.
  for (let step = 0; step < 3; step += 1) {
    const before = app.page.url();
    await app.page.getByRole('button', { name: 'Zoom in' }).click();
    await expect.poll(() => app.page.url()).not.toBe(before);
  }
  await app.page.getByText('in view are drawn').waitFor({ state: 'detached' });
  expect(await app.page.locator('.map .zone').count()).toBeGreaterThan(0);
});

/** A grid of small squares around Prague, `side` by `side`. */
function grid(side: number): object {
  const features = Array.from({ length: side * side }, (_, index) => {
    const [west, south] = [14.2 + 0.008 * (index % side), 49.9 + 0.005 * Math.floor(index / side)];
    return rectangle(`f${index}`, `Field ${index}`, [west, south, west + 0.008, south + 0.005]);
  });
  return { type: 'FeatureCollection', features };
}
