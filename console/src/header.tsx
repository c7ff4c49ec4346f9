import { TokenField } from './token-field';
import { useStore } from './store';
import { hashOf, show, type View, view } from './view';

const VIEWS: [View, string][] = [
  ['explore', 'Explore'],
  ['graphql', 'GraphQL'],
];

/** The bar at the top of the page: the views, and the token if the server requires one. */
export function Header() {
  const shown = useStore(view);
  return (
    <header className="header">
      <h1 className="logo">tripgraph</h1>
      <nav aria-label="Views">
        {VIEWS.map(([target, name]) => (
          <a
            key={target}
            href={hashOf(target)}
            aria-current={shown === target ? 'page' : undefined}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              show(target);
            }}
          >
            {name}
          </a>
        ))}
      </nav>
      <TokenField />
    </header>
  );
}
