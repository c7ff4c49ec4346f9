import { useEffect, useRef, useState } from 'react';
import { announce } from '../announce';
import { plural } from '../text';
import { config } from '../config';
import { useStore } from '../store';
import { showPanel } from '../workbench';
import { distribute, looseFiles } from './files';
import { folderFiles } from './folder';
import { useFileOperation } from './variables';

/** Assigns files to the active operation, or keeps them for one that takes files. */
export function useTakeFiles(): (files: readonly File[]) => void {
  const taking = useFileOperation();
  return (files) => {
    if (files.length === 0) return;
    // If the operation can't take all files, they are kept together.
    if (!taking || !distribute(files, taking.variables)) looseFiles.set(files);
    const names = files.length <= 5 ? `: ${files.map(({ name }) => name).join(', ')}` : '';
    announce(`${plural(files.length, 'file')} chosen${names}.`);
  };
}

/** Accepts files and folders that are dropped anywhere on the page. */
export function DropTarget() {
  const { write } = useStore(config);
  const takeFiles = useTakeFiles();
  const take = useRef(takeFiles);
  const [over, setOver] = useState(false);

  useEffect(() => {
    take.current = takeFiles;
  });

  useEffect(() => {
    if (!write) return;
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
      void folderFiles(event.dataTransfer!).then((files) => take.current(files));
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
  }, [write]);

  return over ? <div className="drop-target">Drop CSV files to upload them</div> : null;
}
