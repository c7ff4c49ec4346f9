import {
  useEditorContext,
  useExecutionContext,
  usePluginStore,
  useSchemaStore,
} from '@graphiql/react';
import { formatResult } from '@graphiql/toolkit';
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { authorization, authorizationIn } from './authorization';
import { findOperation, uploadVariables } from './operation';
import { keepLateAnswer, lateAnswers } from './results/runs';
import { Store, useStore } from './store';

/** The id of the active tab. */
export const activeTab = new Store('');

/** The actions of GraphiQL that the panels use. */
export interface Workbench {
  /** Runs the operation of the active tab. */
  run(): void;
  /** Opens a tab with a query and runs it. */
  open(query: string): void;
  /** Switches to the tab with this query, or opens one, and runs it. */
  reuse(query: string): void;
  /** Writes a template into the Headers editor, in which the user enters the token. */
  beginAuthorization(): void;
}

const Context = createContext<Workbench | null>(null);

export function useWorkbench(): Workbench {
  const workbench = useContext(Context);
  if (!workbench) throw new Error('useWorkbench needs a WorkbenchProvider around it');
  return workbench;
}

/** The operation of the active tab, as the editor shows it. */
export function useOperation() {
  const { tabs, activeTabIndex } = useEditorContext({ nonNull: true });
  const tab = tabs[activeTabIndex];
  return findOperation(tab?.query ?? '', tab?.operationName);
}

export const AUTHORIZATION_TEMPLATE = '{\n  "Authorization": "Bearer "\n}';

/** Gives the panels access to GraphiQL's contexts. */
export function WorkbenchProvider({ children }: { children: ReactNode }) {
  const editor = useEditorContext({ nonNull: true });
  const execution = useExecutionContext({ nonNull: true });
  const { tabs, activeTabIndex, queryEditor, headerEditor } = editor;
  const tab = tabs[activeTabIndex];
  const [pending, setPending] = useState<string | null>(null);

  useLayoutEffect(() => {
    if (tab) activeTab.set(tab.id);
  }, [tab]);

  useEditorHabits();
  useEditorTexts();
  useLateAnswer();
  useAuthorization(tab?.id ?? '', tab?.headers);
  useIntrospectionRetry();

  // GraphiQL parses a new query with a delay; it can run the query once it knows the operation's
  // name.
  useEffect(() => {
    if (pending === null || queryEditor?.getValue() !== pending) return;
    const name = findOperation(pending)?.definition.name?.value ?? null;
    if (queryEditor.operationName !== name || execution.isFetching || execution.isSubscribed)
      return;
    setPending(null);
    execution.run();
  });

  const show = (index: number, query: string): void => {
    editor.changeTab(index);
    setPending(query);
  };

  const workbench: Workbench = {
    run() {
      if (execution.isFetching || execution.isSubscribed) execution.stop();
      setPending(queryEditor?.getValue() ?? null);
    },
    open(query) {
      execution.stop();
      const headers = tab?.headers ?? null;
      editor.addTab();
      editor.updateActiveTabValues({ query, variables: '', headers, response: '' });
      // Activates the tab again, so that the editors show its new content.
      show(tabs.length, query);
    },
    reuse(query) {
      const wanted = uploadVariables(findOperation(query));
      const index = tabs.findIndex((one) => one.query === query);
      if (index < 0 || wanted.length === 0) return workbench.open(query);
      execution.stop();
      if (index === activeTabIndex) setPending(query);
      else show(index, query);
    },
    beginAuthorization() {
      document
        .querySelector<HTMLButtonElement>('.graphiql-editor-tools [data-name="headers"]')
        ?.click();
      if (!headerEditor) return;
      if (!authorizationIn(headerEditor.getValue())) headerEditor.setValue(AUTHORIZATION_TEMPLATE);
      requestAnimationFrame(() => {
        headerEditor.refresh();
        headerEditor.focus();
        headerEditor.setCursor(1, '  "Authorization": "Bearer '.length);
      });
    },
  };

  return <Context.Provider value={workbench}>{children}</Context.Provider>;
}

/** Sets up the editors as the page needs them. */
function useEditorHabits(): void {
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useEditorContext({
    nonNull: true,
  });
  useEffect(() => {
    // Comments and long arguments are readable without horizontal scrolling.
    queryEditor?.setOption('lineWrapping', true);
    for (const editor of [queryEditor, variableEditor, headerEditor, responseEditor]) {
      // The Tab key leaves an editor; otherwise keyboard users could not leave it.
      editor?.addKeyMap({ Tab: false, 'Shift-Tab': false });
    }
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
}

interface TextEditor {
  getValue(): string;
  setValue(text: string): void;
}

function correct(editor: TextEditor | null, text: string): void {
  if (editor && editor.getValue() !== text) editor.setValue(text);
}

/**
 * Sets the editors to the texts of the active tab once they have loaded. They load after the page,
 * with the texts of the tab that was active at first.
 */
function useEditorTexts(): void {
  const { tabs, activeTabIndex, queryEditor, variableEditor, headerEditor } = useEditorContext({
    nonNull: true,
  });
  const front = useRef(tabs[activeTabIndex]);
  useLayoutEffect(() => {
    front.current = tabs[activeTabIndex];
  });
  useEffect(() => correct(queryEditor, front.current?.query ?? ''), [queryEditor]);
  useEffect(() => correct(variableEditor, front.current?.variables ?? ''), [variableEditor]);
  useEffect(() => correct(headerEditor, front.current?.headers ?? ''), [headerEditor]);
}

/** Shows an answer that arrived while another tab was active. */
function useLateAnswer(): void {
  const { tabs, activeTabIndex, responseEditor, updateActiveTabValues } = useEditorContext({
    nonNull: true,
  });
  const tab = tabs[activeTabIndex]?.id ?? '';
  const answer = useStore(lateAnswers).get(tab);
  useEffect(() => {
    if (!answer || !responseEditor) return;
    keepLateAnswer(tab, null);
    const response = formatResult(answer);
    responseEditor.setValue(response);
    updateActiveTabValues({ response });
  });
}

/**
 * Keeps the authorization last written in a Headers editor. Deleting it in the same tab clears it;
 * switching to a tab without authorization does not.
 */
function useAuthorization(tab: string, headers: string | null | undefined): void {
  const writtenIn = useRef<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => {
      const found = authorizationIn(headers);
      if (found && found !== 'Bearer') {
        writtenIn.current = tab;
        authorization.set(found);
      } else if (writtenIn.current === tab) {
        writtenIn.current = null;
        authorization.set(null);
      }
      // Debounced, so that a token is not used while it is being typed.
    }, 400);
    return () => clearTimeout(timer);
  }, [tab, headers]);
}

/** Reads the schema again once the missing token has been entered. */
function useIntrospectionRetry(): void {
  const { introspect, schema } = useSchemaStore();
  const missing = !schema;
  useEffect(() => {
    if (!missing) return;
    return authorization.subscribe(() => void introspect());
  }, [introspect, missing]);
}

/** The title of the panel for uploads and ingestions. */
export const PANEL_TITLE = 'Upload';

/** Whether that panel is on the page. */
export function usePanelVisible(): boolean {
  return usePluginStore().visiblePlugin?.title === PANEL_TITLE;
}

/** Shows that panel. Only this button restores the width of a panel dragged to zero width. */
export function showPanel(): void {
  document
    .querySelector<HTMLButtonElement>(`.graphiql-sidebar [aria-label="Show ${PANEL_TITLE}"]`)
    ?.click();
}
