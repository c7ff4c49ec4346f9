import type { Client } from 'graphql-ws';
import { announce, quarters } from '../announce';
import { problemOf } from '../answer';
import { authorization, token } from '../authorization';
import { connect, refused, subscribe } from '../live';
import { request } from '../request';
import { Store } from '../store';
import { INGESTION_FIELDS, type Ingestion, STATE_NAMES, describe, isActive } from './ingestion';

export type Connection = 'connecting' | 'connected' | 'lost' | 'refused';

/** The state of the ingestions panel. */
export interface Feed {
  connection: Connection;
  /** Whether the list has been read at least once. */
  loaded: boolean;
  /** Why the list could not be read. */
  problem: string | null;
  /** Newest first. */
  ingestions: readonly Ingestion[];
}

export const feed = new Store<Feed>({
  connection: 'connecting',
  loaded: false,
  problem: null,
  ingestions: [],
});

/** How often a lost connection was restored: what failed in between is then read again. */
export const reconnections = new Store(0);

/** The id of the ingestion of this page's last upload. */
export const followed = new Store<string | null>(null);

/** Maximum number of ended ingestions in the list. */
const RECENT = 20;

const UPDATES = `subscription { ingestionUpdates { ${INGESTION_FIELDS} } }`;

const PRESENT = `{
  recent: ingestions(first: ${RECENT}) { nodes { ${INGESTION_FIELDS} } }
  running: ingestions(state: RUNNING, first: 100) { nodes { ${INGESTION_FIELDS} } }
  queued: ingestions(state: QUEUED, first: 100) { nodes { ${INGESTION_FIELDS} } }
}`;

/** Ids with an update since the list was last requested: the update is newer than the list. */
const updated = new Set<string>();

/** Follows all ingestions from now on, with the current token. */
export function startFeed(): void {
  let client = follow();
  token.subscribe(() => {
    // It may just be refused, which is no error any more.
    Promise.resolve(client.dispose()).catch(() => {});
    feed.update((value) => ({ ...value, connection: 'connecting', problem: null }));
    client = follow();
  });
}

function follow(): Client {
  const secret = token.get();
  const client = connect(authorization());
  const current = (): boolean => token.get() === secret;
  const connection = (state: Connection): void => {
    if (current()) feed.update((value) => ({ ...value, connection: state }));
  };
  let wasConnected = false;

  client.on('connected', () => {
    connection('connected');
    if (wasConnected) {
      announce('Reconnected.');
      reconnections.update((count) => count + 1);
    }
    wasConnected = true;
    // The subscription is sent before the list is requested, so no change is missed in between.
    void readPresent(current);
  });
  client.on('closed', (event) => {
    if (!current()) return;
    if (refused(event)) {
      connection('refused');
      feed.update((value) => ({ ...value, loaded: false, ingestions: [] }));
    } else {
      if (wasConnected && feed.get().connection === 'connected') announce('Connection lost.');
      connection('lost');
    }
  });
  subscribe(
    client,
    { query: UPDATES },
    {
      next(answer) {
        const ingestion = answer.data?.['ingestionUpdates'] as Ingestion | undefined;
        if (ingestion && current()) take(ingestion);
      },
      error: (cause) => connection(refused(cause) ? 'refused' : 'lost'),
      complete: () => connection('lost'),
    },
  );
  return client;
}

async function readPresent(current: () => boolean): Promise<void> {
  updated.clear();
  const answer = await request({ query: PRESENT });
  if (!current()) return;
  if (!answer.data) {
    feed.update((value) => ({ ...value, problem: problemOf(answer) }));
    return;
  }
  const present = new Map<string, Ingestion>();
  for (const list of Object.values(answer.data) as { nodes: Ingestion[] }[]) {
    for (const node of list.nodes) present.set(node.id, node);
  }
  feed.update((value) => {
    for (const known of value.ingestions) {
      if (updated.has(known.id)) present.set(known.id, known);
    }
    return { ...value, loaded: true, problem: null, ingestions: sorted(present.values()) };
  });
}

function take(ingestion: Ingestion): void {
  updated.add(ingestion.id);
  const before = feed.get().ingestions.find(({ id }) => id === ingestion.id);
  if (ingestion.state !== before?.state && !isActive(ingestion)) {
    const said = `${ingestion.source}: ${STATE_NAMES[ingestion.state]}. ${describe(ingestion)}.`;
    const more = [...ingestion.warnings, ...(ingestion.error ? [ingestion.error] : [])];
    announce([said, ...more.map(({ message }) => message)].join(' '));
  } else if (ingestion.id === followed.get() && ingestion.state === 'RUNNING') {
    const done = quarters(ingestion.percent ?? 0, 100);
    if (done > quarters(before?.percent ?? 0, 100)) {
      announce(`${ingestion.source}: ${25 * done} percent ingested.`);
    }
  }
  feed.update((value) => ({
    ...value,
    ingestions: sorted([
      ingestion,
      ...value.ingestions.filter((known) => known.id !== ingestion.id),
    ]),
  }));
}

/** Active ingestions first, in queue order; then the ended ones, newest first. */
function sorted(ingestions: Iterable<Ingestion>): Ingestion[] {
  const all = [...ingestions].sort((a, b) => Number(b.id) - Number(a.id));
  return [
    ...all.filter(isActive).reverse(),
    ...all.filter((one) => !isActive(one)).slice(0, RECENT),
  ];
}
