import { type UploadVariable, uploadVariables } from '../operation';
import { useStore } from '../store';
import { view } from '../view';
import { activeOperation, run } from '../workbench';
import { FileButton } from './file-button';
import { FileNames } from './file-names';
import { chooseFiles, chosenFiles } from './files';

/** GraphiQL's active operation if it takes files; null in the explorer. */
export function useFileOperation() {
  const operation = useStore(activeOperation);
  const shown = useStore(view);
  const variables = shown === 'graphql' ? uploadVariables(operation) : [];
  return variables.length > 0 ? { operation, variables } : null;
}

/** The Upload variables of the active operation, each with its files. */
export function ChosenVariables() {
  const taking = useFileOperation();
  const chosen = useStore(chosenFiles);
  if (!taking) return null;
  const name = taking.operation?.definition.name?.value ?? 'this operation';
  const ready = taking.variables.every(
    (variable) => !variable.required || chosen.get(variable.name)?.length,
  );
  return (
    <div className="variables">
      <h3>Files for {name}</h3>
      {taking.variables.map((variable) => (
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
