import { gzipSync } from 'node:zlib';
import type { Browser, Response } from 'playwright-core';
import { expect, test } from 'vitest';
import { ConsolePage } from './console-page';
import { useConsole } from './fixture';
import type { Server } from './server';

/** The first load of a view is at most so many bytes, compressed. */
const MOST_BYTES = 700_000;

let browser: Browser;
let server: Server;

useConsole({}, (made) => {
  ({ browser, server } = made);
});

/** What a page is made of; data and pictures are not. */
const CODE = /\.(js|css|woff2?)$|\/graphiql$/;

/** The compressed size of the code that a first visit loads. */
async function firstLoad(hash: string, ready: string): Promise<number> {
  const loaded: Response[] = [];
  const app = await ConsolePage.open(browser, server, {}, hash, (page) => {
    page.on('response', (response) => {
      if (CODE.test(new URL(response.url()).pathname)) loaded.push(response);
    });
  });
  await app.page.locator(ready).first().waitFor();
  // What is still on its way belongs to the first load.
  await app.page.waitForLoadState('networkidle');
  const sizes = await Promise.all(
    loaded.map(async (response) => gzipSync(await response.body()).length),
  );
  await app.close();
  return sizes.reduce((sum, one) => sum + one, 0);
}

test('the first load of each view is small', async () => {
  const explorer = await firstLoad('', '.map .leaflet-control-zoom');
  expect(explorer).toBeGreaterThan(100_000);
  expect(explorer).toBeLessThan(MOST_BYTES);
  const graphql = await firstLoad('#graphql', '.graphiql-query-editor .CodeMirror');
  expect(graphql).toBeGreaterThan(explorer);
  expect(graphql).toBeLessThan(MOST_BYTES);
});
