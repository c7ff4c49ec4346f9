import { type Browser, chromium } from 'playwright-core';
import { BUILT_ARGS } from './built';
import { executable } from './executable';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A browser that reaches this machine only. */
export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable('CHROMIUM', NAMES, 'apt-get install chromium'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ...BUILT_ARGS,
    ],
  });
}
