/** Names of files in a folder that may be files of trips. */
const TABLES = /\.(csv|tsv|tab|txt|json|parquet|gz|zst|zip)$/i;

export function isTable({ name }: { name: string }): boolean {
  return TABLES.test(name);
}

/** The files of a drop; folders are replaced by the files of trips in and below them. */
export async function folderFiles(data: DataTransfer): Promise<File[]> {
  // The entries can only be taken while the event is handled, so before the first wait.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return [...data.files];
  const files: File[] = [];
  for (const entry of entries) {
    if (entry) await collect(entry, files, false);
  }
  return files;
}

async function collect(entry: FileSystemEntry, files: File[], nested: boolean): Promise<void> {
  if (entry.isFile) {
    if (nested && !isTable(entry)) return;
    files.push(
      await new Promise<File>((found, failed) =>
        (entry as FileSystemFileEntry).file(found, failed),
      ),
    );
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader returns a folder in parts, and an empty part at its end.
    const part = await new Promise<FileSystemEntry[]>((found, failed) =>
      reader.readEntries(found, failed),
    );
    if (part.length === 0) return;
    for (const inner of part) await collect(inner, files, true);
  }
}
