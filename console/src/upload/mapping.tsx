import { useEffect, useState } from 'react';
import { reconnections } from '../ingestions/feed';
import { useStore } from '../store';
import { count, plural } from '../text';
import { looseFormat, looseLocations, sayNothing } from './format';
import { InspectedFile } from './inspected-file';
import { inspect, type Inspection } from './inspection';
import { MappingForm } from './mapping-form';

/** Milliseconds without another change after which a changed format is sent. */
const QUIET = 200;

/** What the server reads in the first of the chosen files, and which columns are what. */
export function Mapping({ files }: { files: readonly File[] }) {
  const file = files[0]!;
  // What was said of another file may not hold for this one.
  useEffect(() => {
    sayNothing();
    return sayNothing;
  }, [file]);
  const { inspection, fault, busy } = useInspection(file);
  if (!inspection) {
    return fault === null ? (
      <p className="detail">Reading {file.name}…</p>
    ) : (
      <p className="detail">
        {file.name} has no preview. {fault}
      </p>
    );
  }
  return (
    <div className="preview" aria-busy={busy}>
      <Outcome name={file.name} inspection={inspection} fault={fault} />
      <Preview files={files} inspection={inspection} />
    </div>
  );
}

/** What to choose in the form, by the code of the error. */
const ADVICE: Record<string, string> = {
  MISSING_COLUMNS:
    'Choose the columns here. If they have ids of places, choose the list of their locations under More',
  AMBIGUOUS_COLUMNS: 'Choose the columns that are meant',
  AMBIGUOUS_DATES: 'Choose the format of times under More',
  NOT_TEXT: 'If the file is text, choose its character encoding under More',
};

/** What is in a file, and the form that says how to read it; open if something is wrong. */
function Preview({ files, inspection }: { files: readonly File[]; inspection: Inspection }) {
  const { header, error } = inspection;
  const advice = error && ADVICE[error.code];
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (advice) setOpen(true);
  }, [advice]);
  return (
    <details
      className="behind mapping"
      open={open}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>Preview and columns</summary>
      {header.length > 0 && <InspectedFile name={files[0]!.name} inspection={inspection} />}
      <p className="detail">
        {advice ?? 'Say here what is to be read otherwise'}
        {files.length > 1 && `; that holds for all ${plural(files.length, 'file')}`}.
      </p>
      <MappingForm columns={[...new Set(header)].filter((name) => name !== '')} />
    </details>
  );
}

/** In short, what an ingestion would read. */
function Outcome({
  name,
  inspection: { error, found },
  fault,
}: {
  name: string;
  inspection: Inspection;
  fault: string | null;
}) {
  if (fault !== null) return <p className="fault">{fault}</p>;
  if (error) {
    const isShort = error.code === 'MORE_BYTES_NEEDED';
    return (
      <p className={isShort ? 'detail' : 'fault'} role="status">
        {isShort
          ? `${name} has no preview: only a smaller file of its kind can be previewed.`
          : error.message}{' '}
        {!isShort && <span className="detail">{error.code}</span>}
      </p>
    );
  }
  if (!found) return null;
  const { complete, rowsRead, rowsIngested, rowsRejected } = found;
  return (
    <p className={rowsIngested > 0 ? 'detail' : 'fault'} role="status">
      {name}: {complete ? plural(rowsRead, 'row') : `of the first ${plural(rowsRead, 'row')}`},{' '}
      {plural(rowsIngested, 'trip')}, {count(rowsRejected)} rejected
    </p>
  );
}

interface Asked {
  file: File;
  inspection: Inspection | null;
  fault: string | null;
}

/** Inspects a file, and again whenever the format for it changes. */
function useInspection(file: File): Omit<Asked, 'file'> & { busy: boolean } {
  const format = useStore(looseFormat);
  const locations = useStore(looseLocations);
  const [asked, setAsked] = useState<Asked>({ file, inspection: null, fault: null });
  const [busy, setBusy] = useState(true);
  const reconnected = useStore(reconnections);
  useEffect(() => {
    const abort = new AbortController();
    setBusy(true);
    const timer = window.setTimeout(() => {
      inspect(file, format, locations, abort.signal).then(
        (inspection) => {
          if (abort.signal.aborted) return;
          setAsked({ file, inspection, fault: null });
          setBusy(false);
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          const fault =
            error instanceof TypeError ? 'The server can’t be reached.' : (error as Error).message;
          // The columns remain, so that what was said can be corrected.
          setAsked((before) => ({
            file,
            inspection: before.file === file ? before.inspection : null,
            fault,
          }));
          setBusy(false);
        },
      );
    }, QUIET);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [file, format, locations, reconnected]);
  if (asked.file !== file) return { inspection: null, fault: null, busy: true };
  return { inspection: asked.inspection, fault: asked.fault, busy };
}
