import CodeMirror from 'codemirror';

/** Names of GraphiQL's editors, by the mode in which it creates them; headers are in JavaScript. */
const NAMES = new Map<unknown, string>([
  ['graphql', 'Query'],
  ['graphql-variables', 'Variables'],
  ['graphql-results', 'Result'],
]);

/** CodeMirror's own `on`, whose types lack the events of its add-ons. */
const on = CodeMirror.on as unknown as (
  target: unknown,
  event: string,
  handler: (target: unknown, subject: unknown) => void,
) => void;

/**
 * Sets up each of GraphiQL's editors while it is created, so that none is on the page without its
 * name for a moment.
 */
CodeMirror.defineInitHook((editor) => {
  const mode: unknown = editor.getOption('mode');
  const name = NAMES.get(mode) ?? 'Headers';
  // Comments and long arguments are readable without horizontal scrolling.
  if (mode === 'graphql') editor.setOption('lineWrapping', true);
  // The Tab key leaves an editor; otherwise keyboard users could not leave it.
  editor.addKeyMap({ Tab: false, 'Shift-Tab': false });
  editor.setOption('screenReaderLabel', name);
  // Long texts can be scrolled with the keyboard.
  const scroller = editor.getScrollerElement();
  scroller.tabIndex = 0;
  scroller.setAttribute('role', 'region');
  scroller.setAttribute('aria-label', `${name}, scrollable`);
  // So has the list of suggestions, which is a new one each time.
  on(editor, 'hasCompletion', (_, found) =>
    on(found, 'select', (_, suggestion) =>
      (suggestion as Element).parentElement?.setAttribute('aria-label', 'Suggestions'),
    ),
  );
});
