import { Component, type ReactNode } from 'react';

/** Shows an error in place of a part of the page that fails, or whose code can't be loaded. */
export class LoadFailure extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <p className="fault" role="alert">
        This part of the page could not be shown: {error.message}. If the server was updated, reload
        the page.
      </p>
    );
  }
}
