import { request } from '../request';

/** An ingestion whose trips another file may replace. */
export interface Replaceable {
  id: string;
  source: string;
  rowsIngested: number;
}

/** Number of ingestions that are read, the newest ones: the largest page of the API. */
export const MOST = 1000;

const QUERY = `{
  ingestions(state: SUCCEEDED, first: ${MOST}) {
    pageInfo { hasNextPage }
    nodes { id source rowsIngested }
  }
}`;

/** The ingestions that can be replaced, newest first, and whether there are older ones. */
export async function readReplaceable(
  signal: AbortSignal,
): Promise<{ list: readonly Replaceable[]; more: boolean } | null> {
  const { data } = await request({ query: QUERY }, {}, signal);
  if (!data) return null;
  const { pageInfo, nodes } = data['ingestions'] as {
    pageInfo: { hasNextPage: boolean };
    nodes: Replaceable[];
  };
  return { list: nodes, more: pageInfo.hasNextPage };
}

/** Those of the same name first, otherwise in their order. */
export function inOrderFor(name: string, list: readonly Replaceable[]): readonly Replaceable[] {
  const isSame = ({ source }: Replaceable): boolean => source === name;
  return [...list.filter(isSame), ...list.filter((one) => !isSame(one))];
}

/** For each file that has one, the newest ingestion of its name; each is replaced once. */
export function sameNames(
  files: readonly File[],
  list: readonly Replaceable[],
): ReadonlyMap<File, string> {
  const found = new Map<File, string>();
  const taken = new Set<string>();
  for (const file of files) {
    const match = list.find(({ id, source }) => source === file.name && !taken.has(id));
    if (!match) continue;
    taken.add(match.id);
    found.set(file, match.id);
  }
  return found;
}
