import type { UploadVariable } from '../operation';
import type { Request } from '../request';
import type { ChosenFiles } from './files';

/** The parts of a request, in the order that the GraphQL multipart specification requires. */
export interface Parts {
  operations: string;
  map: string;
  /** The files, each with the name of its part. */
  files: [name: string, file: File][];
}

/** The problem with the files chosen for an operation; null if it can be sent. */
export function missingFiles(
  variables: readonly UploadVariable[],
  chosen: ChosenFiles,
): string | null {
  for (const { name, list, required } of variables) {
    const files = chosen.get(name) ?? [];
    if (files.length === 0 && required) return `Choose a file for $${name} in the Upload panel.`;
    if (files.length > 1 && !list) {
      return `$${name} takes one file and ${files.length} are chosen. Choose one in the Upload panel.`;
    }
  }
  return null;
}

/** Puts null in place of each file, and maps the file's part to that variable. */
export function multipart(
  request: Request,
  variables: readonly UploadVariable[],
  chosen: ChosenFiles,
): Parts {
  const values: Record<string, unknown> = { ...request.variables };
  const map: Record<string, string[]> = {};
  const files: Parts['files'] = [];
  const add = (file: File, path: string): null => {
    const name = String(files.length);
    map[name] = [`variables.${path}`];
    files.push([name, file]);
    return null;
  };
  for (const { name, list } of variables) {
    const ours = chosen.get(name) ?? [];
    if (list) {
      values[name] = ours.map((file, index) => add(file, `${name}.${index}`));
    } else {
      values[name] = ours[0] ? add(ours[0], name) : null;
    }
  }
  const { query, operationName } = request;
  return {
    operations: JSON.stringify({ query, operationName, variables: values }),
    map: JSON.stringify(map),
    files,
  };
}

export function formData({ operations, map, files }: Parts): FormData {
  const form = new FormData();
  form.append('operations', operations);
  form.append('map', map);
  for (const [name, file] of files) form.append(name, file, file.name);
  return form;
}
