import { Component, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/console.css';
import { App } from './app';
import { loadConfig } from './config';
import { startFeed } from './ingestions/feed';
import { applyTheme } from './theme';
import { followUrl } from './view';

/** Shows an error message instead of an empty page if the console fails. */
class Failure extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <p className="note" role="alert">
        The console failed: {error.message}. Reload the page; the API itself is at{' '}
        <code>/graphql</code>.
      </p>
    );
  }
}

applyTheme();
followUrl();
await loadConfig();
startFeed();
createRoot(document.getElementById('console')!).render(
  <Failure>
    <App />
  </Failure>,
);
