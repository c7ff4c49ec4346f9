/** The keys of local storage under which GraphiQL's `StorageAPI` keeps its state. */
const PANEL_SHARE = 'graphiql:docExplorerFlex';
const EDITOR_SHARE = 'graphiql:editorFlex';
const TABS = 'graphiql:tabState';
const EDITORS = ['query', 'variables', 'headers'] as const;

interface StoredTabs {
  activeTabIndex: number;
  tabs: Partial<Record<(typeof EDITORS)[number], string | null>>[];
}

/** Adjusts the stored state. Call this before GraphiQL reads it. */
export function prepareSession(): void {
  try {
    shareWidth();
    alignEditors();
  } catch {
    // No storage, or invalid content: GraphiQL starts with its defaults.
  }
}

/** On a first visit, gives charts and maps more room than GraphiQL's default. */
function shareWidth(): void {
  if (localStorage.getItem(PANEL_SHARE) === null) localStorage.setItem(PANEL_SHARE, '0.3');
  if (localStorage.getItem(EDITOR_SHARE) === null) localStorage.setItem(EDITOR_SHARE, '0.85');
}

/**
 * GraphiQL stores its tabs, and the editor texts a second time. If these differ from the active tab
 * (because the page was closed before they were stored), it opens another, empty tab.
 */
function alignEditors(): void {
  const stored = localStorage.getItem(TABS);
  if (stored === null) return;
  const { tabs, activeTabIndex } = JSON.parse(stored) as StoredTabs;
  const front = tabs[activeTabIndex];
  if (!front) return;
  for (const editor of EDITORS) localStorage.setItem(`graphiql:${editor}`, front[editor] ?? '');
}

/** Whether the user closed the panel on the previous visit, or dragged it to zero width. */
export function wasPanelHidden(): boolean {
  try {
    return localStorage.getItem(PANEL_SHARE) === 'hide-first';
  } catch {
    return false;
  }
}
