import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import type { GraphiQLPlugin } from '@graphiql/react';
import { useLayoutEffect, useRef } from 'react';

/** GraphiQL's history, whose entries are all named "Set active"; here their text is their name. */
export const HISTORY: GraphiQLPlugin = { ...HISTORY_PLUGIN, content: NamedHistory };

const History = HISTORY_PLUGIN.content;

function NamedHistory() {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const change = (): void => {
      for (const entry of list.current!.querySelectorAll('.graphiql-history-item-label')) {
        entry.removeAttribute('aria-label');
      }
    };
    change();
    const observer = new MutationObserver(change);
    observer.observe(list.current!, { subtree: true, childList: true });
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={list}>
      <History />
    </div>
  );
}
