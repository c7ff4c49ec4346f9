import { announce } from '../announce';
import { useStore } from '../store';
import { plural } from '../text';
import { FileButton } from './file-button';
import { FileNames } from './file-names';
import { looseFiles, replacing } from './files';
import { isTable } from './folder';
import { looseLocations, saidFormat } from './format';
import { Mapping } from './mapping';
import { sendInTurn } from './queue';
import { Replacing } from './replacing';

/** Chooses any number of files, or a folder. */
export function ChooseFiles() {
  return (
    <div className="choose">
      <FileButton name="files" multiple onFiles={(files) => looseFiles.set(files)}>
        Choose files…
      </FileButton>
      <FileButton
        name="folder"
        folder
        onFiles={(files) => {
          const tables = files.filter(isTable);
          if (tables.length === 0) announce('The folder has no files of trips.');
          looseFiles.set(tables);
        }}
      >
        Choose a folder…
      </FileButton>
      <span className="detail">or drop them on the page</span>
    </div>
  );
}

/** Files that are chosen and not yet uploaded. */
export function LooseFiles() {
  const files = useStore(looseFiles);
  if (files.length === 0) return null;
  const upload = (): void => {
    sendInTurn(files, saidFormat(), replacing.get(), looseLocations.get());
    looseFiles.set([]);
  };
  return (
    <div className="loose">
      <FileNames
        files={files}
        remove={(file) => looseFiles.update((all) => all.filter((other) => other !== file))}
      />
      <Mapping files={files} />
      <Replacing files={files} />
      <p className="row">
        <button type="button" className="button primary" onClick={upload}>
          Upload {plural(files.length, 'file')}
        </button>
        <button type="button" className="button quiet" onClick={() => looseFiles.set([])}>
          Cancel
        </button>
      </p>
    </div>
  );
}
