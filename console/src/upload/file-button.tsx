import { type ReactNode, useRef } from 'react';

/** A button that opens the browser's dialog for files, or for a folder. */
export function FileButton({
  name,
  label,
  children,
  multiple = false,
  folder = false,
  accept = '.csv,text/csv,text/plain',
  onFiles,
}: {
  /** Name of the input. */
  name: string;
  label?: string | undefined;
  children: ReactNode;
  multiple?: boolean;
  /** Whether a folder is chosen, with all files in it and below it. */
  folder?: boolean;
  /** The kinds of files that the dialog offers. */
  accept?: string;
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
        accept={accept}
        multiple={multiple}
        {...(folder ? { webkitdirectory: '' } : {})}
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
