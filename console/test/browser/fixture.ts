import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launch } from './browser';
import { ConsolePage } from './console-page';
import { ExplorePage } from './explore-page';
import { Files } from './files';
import { Server } from './server';

/** What the tests of a file, or of a `describe`, share. */
export interface Fixture {
  browser: Browser;
  server: Server;
  app: ConsolePage;
  explore: ExplorePage;
  files: Files;
}

export interface Options {
  /** Options of the server. */
  serve?: readonly string[];
  /** Options of the page. */
  page?: BrowserContextOptions;
  /** The fragment of the URL: the explorer, unless another view is named. */
  hash?: string;
  /** What is done before the page is opened. */
  before?(server: Server): Promise<void>;
}

/**
 * Starts a browser, a server and the console before the tests and stops them after. `use` receives
 * them. Each test fails if the page has done what it must never do.
 */
export function useConsole(
  { serve = [], page = {}, hash = '', before }: Options,
  use: (fixture: Fixture) => void | Promise<void>,
): void {
  const files = new Files();
  let browser: Browser | undefined;
  let server: Server | undefined;
  let app: ConsolePage | undefined;

  beforeAll(async () => {
    mkdirSync('test/screenshots', { recursive: true });
    browser = await launch();
    server = await Server.start(...serve);
    await before?.(server);
    app = await ConsolePage.open(browser, server, page, hash);
    await use({ browser, server, app, explore: new ExplorePage(app.page), files });
  });

  afterAll(async () => {
    await app?.close();
    await browser?.close();
    await server?.stop();
    files.remove();
  });

  afterEach(() => {
    expect(app?.faults).toEqual([]);
  });
}
