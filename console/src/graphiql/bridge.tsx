import { useEditorContext, useExecutionContext, useSchemaStore } from '@graphiql/react';
import { formatResult } from '@graphiql/toolkit';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { token } from '../authorization';
import { findOperation } from '../operation';
import { keepLateAnswer, lateAnswers } from '../results/runs';
import { useStore } from '../store';
import { activeOperation, activeTab, task } from '../workbench';

/** Connects GraphiQL's contexts with the rest of the page. */
export function Bridge({ children }: { children: ReactNode }) {
  useActiveTab();
  useTasks();
  useEditorTexts();
  useLateAnswer();
  useIntrospectionRetry();
  return children;
}

/** Publishes the active tab and its operation. */
function useActiveTab(): void {
  const { tabs, activeTabIndex } = useEditorContext({ nonNull: true });
  const tab = tabs[activeTabIndex];
  useLayoutEffect(() => {
    if (tab) activeTab.set(tab.id);
    activeOperation.set(findOperation(tab?.query ?? '', tab?.operationName));
  }, [tab]);
}

/** Does what the page asks of GraphiQL. */
function useTasks(): void {
  const editor = useEditorContext({ nonNull: true });
  const execution = useExecutionContext({ nonNull: true });
  const { tabs, activeTabIndex, queryEditor } = editor;
  const asked = useStore(task);
  const [pending, setPending] = useState<string | null>(null);

  useEffect(() => {
    if (!asked || !queryEditor) return;
    task.set(null);
    execution.stop();
    if (asked.kind === 'run') {
      setPending(queryEditor.getValue());
      return;
    }
    const { query } = asked;
    const headers = tabs[activeTabIndex]?.headers ?? null;
    editor.addTab();
    editor.updateActiveTabValues({ query, variables: '', headers, response: '' });
    // Activates the tab again, so that the editors show its new content.
    editor.changeTab(tabs.length);
    setPending(query);
  });

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

/** Reads the schema again once the missing token has been entered. */
function useIntrospectionRetry(): void {
  const { introspect, schema } = useSchemaStore();
  const missing = !schema;
  useEffect(() => {
    if (!missing) return;
    return token.subscribe(() => void introspect());
  }, [introspect, missing]);
}
