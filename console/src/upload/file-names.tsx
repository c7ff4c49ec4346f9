import { bytes, count } from '../text';

/** Maximum number of files listed by name. */
const MOST = 8;

/** Chosen files by name and size; the rest of a long list as a number. */
export function FileNames({
  files,
  remove,
}: {
  files: readonly File[];
  remove?: (file: File) => void;
}) {
  if (files.length === 0) return null;
  const hidden = files.length - MOST;
  return (
    <ul className="files">
      {files.slice(0, MOST).map((file, index) => (
        <li key={`${index} ${file.name}`} className="row">
          <span className="file-name">
            {file.name} <span className="detail">{bytes(file.size)}</span>
          </span>
          {remove && (
            <button
              type="button"
              className="button quiet"
              aria-label={`Do not upload ${file.name}`}
              onClick={() => remove(file)}
            >
              ×
            </button>
          )}
        </li>
      ))}
      {hidden > 0 && <li className="detail">and {count(hidden)} more</li>}
    </ul>
  );
}
