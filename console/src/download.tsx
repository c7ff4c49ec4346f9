import type { ReactNode } from 'react';
import { withAuthorization } from './authorization';
import { config } from './config';
import { save } from './save';
import { useStore } from './store';

interface Props {
  path: string;
  /** Name of the saved file. */
  name: string;
  /** What the file is, for those who don't see where the link stands. */
  label: string;
  className?: string;
  /** Takes what went wrong, or null. */
  onFault(message: string | null): void;
  children: ReactNode;
}

/** A link to a file of the server; with tokens, a button, since a link can't send one. */
export function Download({ path, name, label, className = 'link', onFault, children }: Props) {
  const { tokens } = useStore(config);
  return tokens ? (
    <button
      type="button"
      className={className}
      aria-label={label}
      onClick={() => void download(path, name).then(onFault)}
    >
      {children}
    </button>
  ) : (
    <a className={className} href={path} download={name} aria-label={label}>
      {children}
    </a>
  );
}

/** Downloads a file with the token; returns what went wrong. */
async function download(path: string, name: string): Promise<string | null> {
  try {
    const answer = await fetch(path, { headers: withAuthorization() });
    if (answer.ok) {
      save(name, await answer.blob());
      return null;
    }
    const { errors } = (await answer.json()) as { errors?: { message: string }[] };
    return errors?.[0]?.message ?? `The server answered with status ${answer.status}.`;
  } catch {
    return 'The file could not be downloaded. Is the server running?';
  }
}
