import { useEffect, useRef, useState } from 'react';
import { announce } from '../announce';
import { uploadVariables } from '../operation';
import { plural } from '../text';
import { showPanel, useOperation } from '../workbench';
import { distribute, looseFiles } from './files';

/** Assigns files to the active operation, or keeps them for one that takes files. */
export function useTakeFiles(): (files: readonly File[]) => void {
  const operation = useOperation();
  return (files) => {
    if (files.length === 0) return;
    const variables = uploadVariables(operation);
    const left = variables.length > 0 ? distribute(files, variables) : [...files];
    // If the operation can't take all files, they are kept together.
    looseFiles.set(left.length > 0 ? files : []);
    announce(
      `${plural(files.length, 'file')} chosen: ${files.map(({ name }) => name).join(', ')}.`,
    );
  };
}

/** Accepts files that are dropped anywhere on the page. */
export function DropTarget() {
  const takeFiles = useTakeFiles();
  const take = useRef(takeFiles);
  const [over, setOver] = useState(false);

  useEffect(() => {
    take.current = takeFiles;
  });

  useEffect(() => {
    const options = { capture: true };
    const hasFiles = (event: DragEvent): boolean =>
      event.dataTransfer?.types.includes('Files') ?? false;
    // Handled before the editors, which would insert the file's text into the query.
    const claim = (event: DragEvent): void => {
      event.preventDefault();
      event.stopPropagation();
    };
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      claim(event);
      event.dataTransfer!.dropEffect = 'copy';
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      setOver(false);
      if (!hasFiles(event)) return;
      claim(event);
      showPanel();
      take.current([...event.dataTransfer!.files]);
    };
    window.addEventListener('dragenter', onOver, options);
    window.addEventListener('dragover', onOver, options);
    window.addEventListener('dragleave', onLeave, options);
    window.addEventListener('drop', onDrop, options);
    return () => {
      window.removeEventListener('dragenter', onOver, options);
      window.removeEventListener('dragover', onOver, options);
      window.removeEventListener('dragleave', onLeave, options);
      window.removeEventListener('drop', onDrop, options);
    };
  }, []);

  return over ? <div className="drop-target">Drop CSV files to upload them</div> : null;
}
