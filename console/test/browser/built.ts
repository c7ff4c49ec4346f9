import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext } from 'playwright-core';

/** A folder that `npm run build` made, to test a changed page without building the binary. */
const built = process.env['TRIPGRAPH_CONSOLE'];

/**
 * What the browser needs for that: to Chromium, a page that a test serves comes from outside, and
 * may not open a WebSocket to this machine.
 */
export const BUILT_ARGS = built
  ? ['--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets']
  : [];

/** Lets the files of that folder stand for those in the binary. */
export async function useBuilt(context: BrowserContext): Promise<void> {
  if (!built) return;
  await context.route(/^[^?#]*\/graphiql(\/assets\/[^?#]*)?$/, async (route) => {
    const file = new URL(route.request().url()).pathname.replace(/^\/graphiql\/?/, '');
    const path = join(built, file || 'index.html');
    if (!existsSync(path)) return route.fallback();
    // The page keeps the headers of the server, of which the content security policy is one.
    if (file) return route.fulfill({ path });
    return route.fulfill({ response: await route.fetch(), path, contentType: 'text/html' });
  });
}
