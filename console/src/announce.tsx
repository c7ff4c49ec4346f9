import { Store, useStore } from './store';

const announcement = new Store('');

/** Announces a message to screen readers; for outcomes, not for every step. */
export function announce(message: string): void {
  announcement.set(message);
}

/** Completed quarters of a whole: 0 to 4. */
export function quarters(done: number, whole: number): number {
  return whole > 0 ? Math.floor((4 * done) / whole) : 0;
}

export function Announcer() {
  return (
    <div className="unseen" role="status" aria-live="polite">
      {useStore(announcement)}
    </div>
  );
}
