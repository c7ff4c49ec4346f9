import type { Operation } from './operation';
import { Store } from './store';
import { show } from './view';

/** The id of GraphiQL's active tab. */
export const activeTab = new Store('');

/** The operation of the active tab, as the editor shows it. */
export const activeOperation = new Store<Operation | null>(null);

/** What the rest of the page asks of GraphiQL. */
export type Task =
  /** Runs the operation of the active tab. */
  | { kind: 'run' }
  /** Opens a tab with a query and runs it. */
  | { kind: 'open'; query: string };

/** The task that waits until GraphiQL is loaded and takes it. */
export const task = new Store<Task | null>(null);

export function run(): void {
  show('graphql');
  task.set({ kind: 'run' });
}

export function open(query: string): void {
  show('graphql');
  task.set({ kind: 'open', query });
}

/** The title of GraphiQL's panel for uploads and ingestions. */
export const PANEL_TITLE = 'Upload';

/** Shows that panel. Only this button restores the width of a panel dragged to zero width. */
export function showPanel(): void {
  document
    .querySelector<HTMLButtonElement>(`.graphiql-sidebar [aria-label="Show ${PANEL_TITLE}"]`)
    ?.click();
  document.getElementById('upload-title')?.scrollIntoView({ block: 'nearest' });
}
