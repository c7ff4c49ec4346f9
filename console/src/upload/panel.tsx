import { type ReactNode, useRef, useState } from 'react';
import { announce } from '../announce';
import { authorization } from '../authorization';
import { config } from '../config';
import { feed } from '../ingestions/feed';
import { IngestionList } from '../ingestions/list';
import { type UploadVariable, uploadVariables } from '../operation';
import { useStore } from '../store';
import { UPLOAD } from '../tabs';
import { bytes, plural } from '../text';
import { useOperation, useWorkbench } from '../workbench';
import { useTakeFiles } from './drop';
import { exampleFile, exampleUrl } from './example';
import { chooseFiles, chosenFiles, looseFiles } from './files';
import { sendInTurn, waitingFiles } from './queue';
import { TransferRow } from './transfer-row';
import { transfers } from './transfers';

/** The panel of uploads and ingestions. */
export function Panel() {
  return (
    <div className="panel">
      <section aria-labelledby="upload-title">
        <h2 id="upload-title">Upload</h2>
        <TokenHint />
        <Start />
        <Picker />
        <Variables />
        <Loose />
        <Transfers />
        <Example />
      </section>
      <IngestionList />
    </div>
  );
}

function TokenHint() {
  const { beginAuthorization } = useWorkbench();
  const has = useStore(authorization) !== null;
  const { connection } = useStore(feed);
  if (has ? connection !== 'refused' : !config().tokens && connection !== 'refused') return null;
  return (
    <div className="hint" role="note">
      <p>
        {has ? 'The server refused this token.' : 'This server requires a token.'} Enter it in the
        Headers editor.
      </p>
      <button type="button" className="button" onClick={beginAuthorization}>
        Open the Headers editor
      </button>
    </div>
  );
}

/** Instructions while there are no ingestions yet. */
function Start() {
  const { loaded, ingestions } = useStore(feed);
  if (!loaded || ingestions.length > 0) return null;
  return (
    <div className="start">
      <p>
        <strong>Start here:</strong> there are no trips yet. Upload your own CSV file, or an example
        with 2,000 synthetic trips:
      </p>
      <ExampleLinks primary />
    </div>
  );
}

/** The example, once there are ingestions. */
function Example() {
  const { loaded, ingestions } = useStore(feed);
  if (loaded && ingestions.length === 0) return null;
  return (
    <div className="example">
      <span className="detail">Example with 2,000 synthetic trips:</span>
      <ExampleLinks />
    </div>
  );
}

function ExampleLinks({ primary = false }: { primary?: boolean }) {
  const { reuse } = useWorkbench();
  const [fault, setFault] = useState<string | null>(null);

  const uploadExample = async (): Promise<void> => {
    setFault(null);
    try {
      chooseFiles('file', [await exampleFile()]);
      reuse(UPLOAD);
    } catch (error) {
      const message = `The example could not be loaded: ${error instanceof Error ? error.message : String(error)}.`;
      setFault(message);
      announce(message);
    }
  };

  return (
    <>
      <p className="links">
        <button
          type="button"
          className={primary ? 'button primary' : 'button quiet'}
          onClick={() => void uploadExample()}
        >
          Upload the example
        </button>
        <a href={exampleUrl} download="trips.csv">
          Download it
        </a>
      </p>
      {fault && <p className="fault">{fault}</p>}
    </>
  );
}

/** A button that opens the browser's file dialog. */
function FileButton({
  name,
  label,
  children,
  multiple,
  onFiles,
}: {
  /** Name of the input. */
  name: string;
  label?: string | undefined;
  children: ReactNode;
  multiple: boolean;
  onFiles(files: File[]): void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        name={name}
        hidden
        type="file"
        accept=".csv,text/csv,text/plain"
        multiple={multiple}
        onChange={({ target }) => {
          if (target.files?.length) onFiles([...target.files]);
          // Allows the same file to be chosen again.
          target.value = '';
        }}
      />
      <button
        type="button"
        className="button"
        aria-label={label}
        onClick={() => input.current?.click()}
      >
        {children}
      </button>
    </>
  );
}

/** Takes files while the active operation has no Upload variables. */
function Picker() {
  const takeFiles = useTakeFiles();
  if (uploadVariables(useOperation()).length > 0) return null;
  return (
    <p className="row">
      <FileButton name="files" multiple onFiles={takeFiles}>
        Choose CSV files…
      </FileButton>
      <span className="detail">or drop them on the page</span>
    </p>
  );
}

/** The Upload variables of the active operation, each with its files. */
function Variables() {
  const { run } = useWorkbench();
  const operation = useOperation();
  const variables = uploadVariables(operation);
  const chosen = useStore(chosenFiles);
  if (variables.length === 0) return null;
  const name = operation?.definition.name?.value ?? 'this operation';
  const ready = variables.every(
    (variable) => !variable.required || chosen.get(variable.name)?.length,
  );
  return (
    <div className="variables">
      <h3>Files for {name}</h3>
      {variables.map((variable) => (
        <Variable key={variable.name} variable={variable} files={chosen.get(variable.name) ?? []} />
      ))}
      <button type="button" className="button primary" disabled={!ready} onClick={run}>
        Upload
      </button>
    </div>
  );
}

function Variable({ variable, files }: { variable: UploadVariable; files: readonly File[] }) {
  const { name, list } = variable;
  return (
    <div className="variable">
      <div className="row">
        <code>${name}</code>
        <FileButton
          name={name}
          label={`Choose ${list ? 'files' : 'a file'} for $${name}`}
          multiple={list}
          onFiles={(chosen) => chooseFiles(name, chosen)}
        >
          Choose {list ? 'files' : 'a file'}…
        </FileButton>
      </div>
      {files.length === 0 && (
        <p className="detail">No file chosen. You can also drop files on the page.</p>
      )}
      <FileNames
        files={files}
        remove={(file) =>
          chooseFiles(
            name,
            files.filter((other) => other !== file),
          )
        }
      />
    </div>
  );
}

function FileNames({ files, remove }: { files: readonly File[]; remove?: (file: File) => void }) {
  if (files.length === 0) return null;
  return (
    <ul className="files">
      {files.map((file, index) => (
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
    </ul>
  );
}

/** Files that the active operation could not take. */
function Loose() {
  const { reuse } = useWorkbench();
  const files = useStore(looseFiles);
  if (files.length === 0) return null;
  const ingest = (): void => {
    if (files.length === 1) {
      chooseFiles('file', files);
      reuse(UPLOAD);
    } else {
      sendInTurn(files);
    }
    looseFiles.set([]);
  };
  return (
    <div className="loose">
      <FileNames files={files} />
      <p className="row">
        <button type="button" className="button primary" onClick={ingest}>
          Ingest {files.length === 1 ? 'it' : plural(files.length, 'file')}
        </button>
        <button type="button" className="button quiet" onClick={() => looseFiles.set([])}>
          Discard
        </button>
      </p>
    </div>
  );
}

function Transfers() {
  const all = useStore(transfers);
  const waiting = useStore(waitingFiles);
  if (all.length === 0 && waiting.length === 0) return null;
  return (
    <div className="transfers">
      {waiting.length > 0 && (
        <p className="row">
          <span>{plural(waiting.length, 'file')} waiting to be sent</span>
          <button type="button" className="button quiet" onClick={() => waitingFiles.set([])}>
            Do not send {waiting.length === 1 ? 'it' : 'them'}
          </button>
        </p>
      )}
      {all.map((transfer) => (
        <TransferRow key={transfer.id} transfer={transfer} />
      ))}
    </div>
  );
}
