/** What GraphiQL keeps between visits, under the names its `StorageAPI` gives it. */
const PANEL_SHARE = 'graphiql:docExplorerFlex';
const EDITOR_SHARE = 'graphiql:editorFlex';
const TABS = 'graphiql:tabState';
const EDITORS = ['query', 'variables', 'headers'] as const;

interface StoredTabs {
  activeTabIndex: number;
  tabs: Partial<Record<(typeof EDITORS)[number], string | null>>[];
}

/** To be called before GraphiQL reads what it kept. */
export function prepareSession(): void {
  try {
    shareWidth();
    alignEditors();
  } catch {
    // No storage, or nothing readable in it: GraphiQL begins anew.
  }
}

/** On a first visit, gives more room to what is drawn than GraphiQL would. */
function shareWidth(): void {
  if (localStorage.getItem(PANEL_SHARE) === null) localStorage.setItem(PANEL_SHARE, '0.3');
  if (localStorage.getItem(EDITOR_SHARE) === null) localStorage.setItem(EDITOR_SHARE, '0.85');
}

/**
 * GraphiQL keeps its tabs, and the texts of its editors once more. Where these are not those of the
 * tab in front (because the page was left before they were kept), it opens a further, empty tab.
 */
function alignEditors(): void {
  const stored = localStorage.getItem(TABS);
  if (stored === null) return;
  const { tabs, activeTabIndex } = JSON.parse(stored) as StoredTabs;
  const front = tabs[activeTabIndex];
  if (!front) return;
  for (const editor of EDITORS) localStorage.setItem(`graphiql:${editor}`, front[editor] ?? '');
}

/** On the visit before, the user closed the panel, or dragged it away. */
export function wasPanelHidden(): boolean {
  try {
    return localStorage.getItem(PANEL_SHARE) === 'hide-first';
  } catch {
    return false;
  }
}
