import { useEffect, useState } from 'react';
import { feed, reconnections } from '../ingestions/feed';
import { useStore } from '../store';
import { count, plural } from '../text';
import { replacing } from './files';
import { inOrderFor, MOST, readReplaceable, type Replaceable, sameNames } from './replaceable';

/** Chooses the ingestions that the chosen files replace. */
export function Replacing({ files }: { files: readonly File[] }) {
  const chosen = useStore(replacing);
  const [list, setList] = useState<readonly Replaceable[]>([]);
  const [more, setMore] = useState(false);
  const reconnected = useStore(reconnections);
  // An ingestion that succeeds or is removed changes what can be replaced.
  const ended = useStore(feed)
    .ingestions.map(({ id, state }) => `${id} ${state}`)
    .join();
  useEffect(() => {
    const abort = new AbortController();
    void readReplaceable(abort.signal).then((found) => {
      if (abort.signal.aborted || !found) return;
      setList(found.list);
      setMore(found.more);
      const known = new Set(found.list.map(({ id }) => id));
      replacing.update((now) => new Map([...now].filter(([, id]) => known.has(id))));
    });
    return () => abort.abort();
  }, [ended, reconnected]);
  useEffect(() => {
    replacing.set(new Map());
    return () => replacing.set(new Map());
  }, [files]);

  if (list.length === 0) return null;
  const [file, ...others] = files;
  if (others.length === 0) {
    return <ReplacedIngestion file={file!} list={list} more={more} chosen={chosen.get(file!)} />;
  }
  const matches = sameNames(files, list);
  if (matches.size === 0) return null;
  return (
    <label className="choice">
      <input
        type="checkbox"
        checked={chosen.size > 0}
        onChange={({ target }) => replacing.set(target.checked ? matches : new Map())}
      />
      Replace the {plural(matches.size, 'ingestion')} of the same name
    </label>
  );
}

function ReplacedIngestion({
  file,
  list,
  more,
  chosen,
}: {
  file: File;
  list: readonly Replaceable[];
  more: boolean;
  chosen: string | undefined;
}) {
  return (
    <label className="field">
      <span>Replaces</span>
      <select
        value={chosen ?? ''}
        onChange={({ target: { value } }) =>
          replacing.set(value === '' ? new Map() : new Map([[file, value]]))
        }
      >
        <option value="">No ingestion</option>
        {inOrderFor(file.name, list).map(({ id, source, rowsIngested }) => (
          <option key={id} value={id}>
            {source} ({id}, {plural(rowsIngested, 'trip')})
          </option>
        ))}
      </select>
      {more && <span className="detail">The newest {count(MOST)} ingestions are listed.</span>}
    </label>
  );
}
