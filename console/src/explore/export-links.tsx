import { Download } from '../download';
import { useStore } from '../store';
import { EXPORTS, exportPath, type FileFormat, type Subject } from './exports';
import { resolutionAt } from './query';
import { features, selection, shown } from './state';

const SUBJECT_NAMES: Record<Subject, string> = {
  weeks: 'All weeks',
  groups: 'All flows',
  trips: 'All trips',
};

const FORMAT_NAMES: Record<FileFormat, string> = {
  csv: 'CSV',
  geojson: 'GeoJSON',
  parquet: 'Parquet',
};

/** Links to the files that the server writes, with the present filters. */
export function ExportLinks({ onFault }: { onFault(message: string | null): void }) {
  const chosen = useStore(selection);
  const map = useStore(shown);
  const { fixedPlaces } = useStore(features);
  if (!map || fixedPlaces) return null;
  const question = { selection: chosen, view: map.box, resolution: resolutionAt(map.zoom) };
  return (
    <ul className="exports" aria-label="Files with everything that the filters select">
      {(Object.keys(EXPORTS) as Subject[]).map((subject) => (
        <li key={subject}>
          {SUBJECT_NAMES[subject]}:
          {EXPORTS[subject].map((format) => {
            const path = exportPath(subject, format, question);
            const name = FORMAT_NAMES[format];
            const label = `${SUBJECT_NAMES[subject]} as ${name}`;
            return (
              <Download
                key={format}
                path={path}
                name={`${subject}.${format}`}
                label={label}
                onFault={onFault}
              >
                {name}
              </Download>
            );
          })}
        </li>
      ))}
    </ul>
  );
}
