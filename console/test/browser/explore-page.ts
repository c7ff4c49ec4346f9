import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** The explorer, and what a user does with it. */
export class ExplorePage {
  constructor(readonly page: Page) {}

  /** The largest flows, in the list. */
  get flows(): Locator {
    return this.page.locator('.figures .flow-list .flow');
  }

  /** Waits until the figures are those of the present selection; a change makes them busy at once. */
  async settled(): Promise<void> {
    await this.page.locator('.figures[aria-busy="false"]').waitFor();
  }

  /** A number among the figures. */
  async figure(name: string): Promise<number> {
    const term = this.page.locator('.number dt', { hasText: new RegExp(`^${name}$`) });
    const text = await term.locator('xpath=following-sibling::dd').textContent();
    return Number(text!.replaceAll(',', ''));
  }

  /** The trips a week, as they are rounded on the page. */
  async average(): Promise<number> {
    const text = await this.page.locator('.number.main dd').textContent();
    return Number(text!.replaceAll(',', ''));
  }

  async choose(filter: string, name: string): Promise<void> {
    await this.page.getByLabel(filter).selectOption(`=${name}`);
  }

  async everywhere(): Promise<void> {
    await this.page.getByLabel('Everywhere').click();
  }

  /** The box of the map in view, as GraphQL; checked against the centre and the zoom in the URL. */
  async boxInView(): Promise<string> {
    const query = await this.copied('Copy as JavaScript');
    const text = /bbox: (\{.*?\})/.exec(query)![1]!;
    const expected = await this.page.evaluate(() => {
      const hash = new URLSearchParams(location.hash.slice(1));
      const [zoom, lat, lon] = hash.get('map')!.split('/').map(Number) as [number, number, number];
      const { width, height } = document.querySelector('.map')!.getBoundingClientRect();
      // The spherical Mercator projection, in pixels of the world at this zoom level.
      const world = 256 * 2 ** zoom;
      const y = Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
      const latAt = (pixels: number): number =>
        (Math.atan(Math.sinh(y + (pixels * 2 * Math.PI) / world)) * 180) / Math.PI;
      const half = (width / 2 / world) * 360;
      const pixel = 360 / world;
      return { sides: [lon - half, latAt(-height / 2), lon + half, latAt(height / 2)], pixel };
    });
    const sides = text.match(/-?[\d.]+/g)!.map(Number);
    sides.forEach((side, index) => {
      expect(Math.abs(side - expected.sides[index]!)).toBeLessThan(expected.pixel);
    });
    return text;
  }

  /** Clicks on the map, at a point given as shares of its width and height. */
  async click(x: number, y: number): Promise<void> {
    const box = (await this.page.locator('.map').boundingBox())!;
    await this.page.mouse.move(box.x + box.width * x, box.y + box.height * y);
    await this.page.mouse.click(box.x + box.width * x, box.y + box.height * y);
  }

  /** Drags over the map, between points given as shares of its width and height. */
  async drag(fromX: number, fromY: number, toX: number, toY: number): Promise<void> {
    const box = (await this.page.locator('.map').boundingBox())!;
    const x = (share: number): number => box.x + box.width * share;
    const y = (share: number): number => box.y + box.height * share;
    await this.page.mouse.move(x(fromX), y(fromY));
    await this.page.mouse.down();
    await this.page.mouse.move(x((fromX + toX) / 2), y((fromY + toY) / 2), { steps: 3 });
    await this.page.mouse.move(x(toX), y(toY), { steps: 3 });
    await this.page.mouse.up();
  }

  /** The borders of the drawn box, as GraphQL. */
  async sides(): Promise<string> {
    const side = (name: string): Promise<string> =>
      this.page.getByLabel(name, { exact: true }).inputValue();
    return `{ west: ${await side('West')}, south: ${await side('South')}, east: ${await side('East')}, north: ${await side('North')} }`;
  }

  /** Types the borders of the box. */
  async typeBox(sides: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(sides)) {
      const field = this.page.getByLabel(name, { exact: true });
      await field.fill(value);
      await field.press('Enter');
    }
  }

  /** Presses a button that copies, and returns the text. */
  async copied(button: string): Promise<string> {
    await this.page.getByRole('button', { name: button }).click();
    return this.page.evaluate(() => navigator.clipboard.readText());
  }
}
