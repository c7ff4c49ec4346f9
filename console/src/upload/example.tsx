import { useState } from 'react';
import { announce } from '../announce';
import { feed } from '../ingestions/feed';
import { useStore } from '../store';
import { sendInTurn } from './queue';

/** A file of 2,000 synthetic trips. */
export const exampleUrl = `${import.meta.env.BASE_URL}example.csv`;

/** Downloads the example as a file, as if the user had chosen it. */
async function exampleFile(): Promise<File> {
  const answer = await fetch(exampleUrl);
  if (!answer.ok) throw new Error(`the server answered with status ${answer.status}`);
  return new File([await answer.blob()], 'trips.csv', { type: 'text/csv' });
}

/** Uploads or downloads the example. */
export function Example() {
  const { loaded, ingestions } = useStore(feed);
  const [fault, setFault] = useState<string | null>(null);
  const isFirst = loaded && ingestions.length === 0;

  const uploadExample = async (): Promise<void> => {
    setFault(null);
    try {
      sendInTurn([await exampleFile()]);
    } catch (error) {
      const message = `The example could not be loaded: ${error instanceof Error ? error.message : String(error)}.`;
      setFault(message);
      announce(message);
    }
  };

  return (
    <div className="example">
      {!isFirst && <span className="detail">Example with 2,000 synthetic trips:</span>}
      <p className="links">
        <button
          type="button"
          className={isFirst ? 'button primary' : 'button quiet'}
          onClick={() => void uploadExample()}
        >
          Upload the example
        </button>
        <a href={exampleUrl} download="trips.csv">
          Download it
        </a>
      </p>
      {fault && <p className="fault">{fault}</p>}
    </div>
  );
}
