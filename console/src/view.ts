import { Store } from './store';

/** The two views of the console. */
export type View = 'explore' | 'graphql';

/** The fragment of the URL that shows GraphiQL; every other fragment is a state of the explorer. */
const GRAPHQL = '#graphql';

function viewOfUrl(): View {
  return window.location.hash === GRAPHQL ? 'graphql' : 'explore';
}

export const view = new Store<View>(viewOfUrl());

/** The fragment of the explorer when it was last left, to return to it. */
let exploreHash = '#';

export function followUrl(): void {
  window.addEventListener('hashchange', () => view.set(viewOfUrl()));
}

/** Remembers the fragment that the explorer has written. */
export function keepExploreHash(hash: string): void {
  exploreHash = hash;
}

export function hashOf(target: View): string {
  return target === 'graphql' ? GRAPHQL : exploreHash;
}

export function show(target: View): void {
  if (view.get() === target) return;
  window.history.pushState(null, '', hashOf(target));
  view.set(target);
}
