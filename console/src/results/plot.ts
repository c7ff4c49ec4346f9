/** What a chart of Observable Plot needs on this page. */

/** Gives the parts of a chart the roles without which their names are not read out. */
export function nameParts(chart: Element, caption: string): void {
  chart.setAttribute('role', 'group');
  chart.setAttribute('aria-labelledby', caption);
  for (const part of chart.querySelectorAll('[aria-label]')) {
    part.setAttribute('role', part.localName === 'g' ? 'group' : 'img');
  }
}

/** Removes style elements, which the content security policy forbids: results.css has the rules. */
export function withoutStyles<T extends Element>(chart: T): T {
  for (const style of chart.querySelectorAll('style')) style.remove();
  return chart;
}
