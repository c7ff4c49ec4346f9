import axe from 'axe-core';
import type {
  Browser,
  BrowserContextOptions,
  Locator,
  Page,
  PageScreenshotOptions,
} from 'playwright-core';
import { expect } from 'vitest';
import { useBuilt } from './built';
import type { Server } from './server';

/** What CodeMirror hangs on its element. */
type Editor = HTMLElement & {
  CodeMirror: { getValue(): string; setValue(text: string): void; operationName?: string };
};

/**
 * Milliseconds after which a state that does not come is a failure. It only bounds failures: tests
 * wait for states, and a busy machine takes its time.
 */
const PATIENCE = 60_000;

/** The console in a browser, and what a user does with it. */
export class ConsolePage {
  /** What must not happen: requests to other hosts, policy violations, uncaught errors. */
  readonly faults: string[] = [];

  private constructor(readonly page: Page) {}

  static async open(
    browser: Browser,
    server: Server,
    options: BrowserContextOptions = {},
    hash = '#graphql',
    prepare: (page: Page) => unknown = () => {},
  ): Promise<ConsolePage> {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme: 'light',
      ...options,
    });
    await useBuilt(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await prepare(page);
    const console = new ConsolePage(page);
    const ours = new URL(server.url).host;
    const check = (url: string): void => {
      const { protocol, host } = new URL(url);
      if (protocol !== 'data:' && host !== ours) console.faults.push(`asked ${url}`);
    };
    page.on('request', (request) => check(request.url()));
    page.on('websocket', (socket) => check(socket.url()));
    page.on('pageerror', (error) => console.faults.push(`uncaught ${error.stack ?? error}`));
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) console.faults.push(message.text());
    });
    const response = await page.goto(`${server.url}/graphiql${hash}`);
    if (!response?.headers()['content-security-policy']) {
      throw new Error(
        'The page has no Content-Security-Policy: is the binary built with the console?',
      );
    }
    await page.getByRole('heading', { name: 'Ingestions' }).waitFor();
    return console;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** The state of the connection, as the panel shows it. */
  connection(text: string): Locator {
    return this.page.locator('.connection', { hasText: text });
  }

  /** The card of an ingestion in the panel. */
  ingestion(source: string): Locator {
    return this.page.locator('article.ingestion', { hasText: source });
  }

  tab(name: string): Locator {
    return this.page.locator('.graphiql-tab-button', { hasText: name });
  }

  async goTo(tab: string): Promise<void> {
    await this.tab(tab).last().click();
    await this.page.locator('.graphiql-tab-active', { hasText: tab }).waitFor();
    await this.#editorKnows(tab);
  }

  /** Opens a tab of its own for an operation, with a name. */
  async write(query: string): Promise<void> {
    const name = /(?:query|mutation|subscription) (\w+)/.exec(query)![1]!;
    await this.page.getByRole('button', { name: 'New tab' }).click();
    await this.page
      .locator('.graphiql-query-editor .CodeMirror')
      .evaluate((editor, text) => (editor as Editor).CodeMirror.setValue(text), query);
    await this.page.locator('.graphiql-tab-active', { hasText: name }).waitFor();
    await this.#editorKnows(name);
  }

  /** GraphiQL reads a query some 100 ms after it is there; no user is faster. */
  async #editorKnows(operation: string): Promise<void> {
    await this.page.waitForFunction((name) => {
      const editor = document.querySelector<Editor>('.graphiql-query-editor .CodeMirror');
      return editor?.CodeMirror.operationName === name;
    }, operation);
  }

  /** Enters a token in the field for it. */
  async enterToken(secret: string): Promise<void> {
    await this.page.getByLabel(/token/).fill(secret);
    await this.page.keyboard.press('Enter');
  }

  /** Begins to run the tab in front. */
  async execute(): Promise<void> {
    await this.page.getByRole('button', { name: 'Execute query' }).click();
  }

  /** Runs the tab in front to its end. */
  async run(): Promise<Record<string, unknown>> {
    await this.execute();
    return this.outcome();
  }

  /** What the result pane shows once nothing runs any more. */
  async outcome(): Promise<Record<string, unknown>> {
    await this.page.getByRole('button', { name: 'Execute query' }).waitFor();
    await this.page.waitForFunction(() => {
      const editor = document.querySelector<Editor>(
        '.result-window .CodeMirror, .result-window.CodeMirror',
      );
      return editor !== null && editor.CodeMirror.getValue() !== '';
    });
    return JSON.parse(await this.response()) as Record<string, unknown>;
  }

  /** The text of the result pane. */
  async response(): Promise<string> {
    return this.page
      .locator('.result-window .CodeMirror')
      .first()
      .evaluate((editor) => (editor as Editor).CodeMirror.getValue());
  }

  /** Waits until the result pane holds a text. */
  async responseWith(text: string): Promise<void> {
    await this.page.waitForFunction((wanted) => {
      const editor = document.querySelector<Editor>('.result-window .CodeMirror');
      return editor?.CodeMirror.getValue().includes(wanted) ?? false;
    }, text);
  }

  /** Chooses files for an Upload variable, by path. */
  async choose(variable: string, ...paths: string[]): Promise<void> {
    await this.page.locator(`.panel input[name="${variable}"]`).setInputFiles(paths);
  }

  /** Lets go a file over the page. */
  async drop(files: { name: string; text: string }[]): Promise<void> {
    await this.page.evaluate((dropped) => {
      const dataTransfer = new DataTransfer();
      for (const { name, text } of dropped) dataTransfer.items.add(new File([text], name));
      const target = document.querySelector('.graphiql-query-editor')!;
      for (const type of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }),
        );
      }
    }, files);
  }

  /** Slows what the page sends down to so many bytes a second; null takes that back. */
  async slowDown(bytesPerSecond: number | null): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytesPerSecond ?? -1,
    });
  }

  /** Pixels by which the page is wider than the window. */
  async overflow(): Promise<number> {
    return this.page.evaluate(
      () =>
        Math.max(
          document.documentElement.scrollWidth,
          document.querySelector('.graphiql-container, .explore')!.scrollWidth,
        ) - window.innerWidth,
    );
  }

  /** Pixels by which the page is taller than the window. */
  async taller(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight);
  }

  /** Takes a screenshot, and checks that what it shows is accessible. */
  async screenshot(name: string, options: PageScreenshotOptions = {}): Promise<void> {
    await this.page.screenshot({ path: `test/screenshots/${name}.png`, ...options });
    expect(await this.#violations(), name).toEqual([]);
  }

  /** What axe finds wrong with the page. */
  async #violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document);
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(' ')}: ${html}`),
      );
    });
  }
}
