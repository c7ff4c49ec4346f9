import { problemOf } from '../answer';
import { token } from '../authorization';
import { config } from '../config';
import { feed, followed } from '../ingestions/feed';
import { request } from '../request';
import { findOperation } from '../operation';
import { findingsOf, type Flow, type WeekSeries } from '../results/findings';
import { Store, useStore } from '../store';
import { waitingFiles } from '../upload/queue';
import { keepExploreHash, show, view } from '../view';
import { exploreQuery, placesQuery, resolutionAt, type Subject } from './query';
import { type Features, NO_FEATURES, readFeatures } from './schema';
import { type Zone, type ZoneFigure, readZones } from './zones';
import {
  type Box,
  EVERYTHING,
  fromFragment,
  type MapView,
  type Selection,
  toFragment,
} from './selection';

/** A region or a datasource that can be chosen. */
export interface Choice {
  name: string;
  trips: number;
}

/** What can be chosen. */
export interface Choices {
  /** Whether they have been read. */
  loaded: boolean;
  regions: readonly Choice[];
  datasources: readonly Choice[];
  /** The names of the sets of zones. */
  zoneSets: readonly string[];
}

/** Trips on a day of the week in an hour. */
export interface ProfileCell {
  dayOfWeek: string;
  hour: number;
  trips: number;
}

/** The answers to the current selection. */
export interface Answers {
  /** Whether newer ones are on their way. */
  loading: boolean;
  /** Why there are none. */
  problem: string | null;
  /** The query that they answer; empty before the first. */
  query: string;
  average: number;
  averageOfActiveWeeks: number;
  total: number;
  series: WeekSeries;
  flows: readonly Flow[];
  /** Number of groups, of which the largest are drawn. */
  groups: number;
  /** Null if the server has no profile. */
  profile: readonly ProfileCell[] | null;
  /** The averages of the zones that are compared, the largest first; null if none are. */
  zones: readonly ZoneFigure[] | null;
}

const NO_CHOICES: Choices = { loaded: false, regions: [], datasources: [], zoneSets: [] };

const NOTHING: Answers = {
  loading: true,
  problem: null,
  query: '',
  average: 0,
  averageOfActiveWeeks: 0,
  total: 0,
  series: { weeks: [], average: 0, total: 0 },
  flows: [],
  groups: 0,
  profile: null,
  zones: null,
};

/** Milliseconds without another change after which a changed selection is sent. */
const QUIET = 200;

const first = fromFragment(view.get() === 'explore' ? window.location.hash : '');

export const selection = new Store<Selection>(first.selection);

/** The view of the map; null until there is one from the URL or from the data. */
export const mapView = new Store<MapView | null>(first.map);

/** What the map shows; null until it is drawn. */
export const shown = new Store<{ zoom: number; box: Box } | null>(null);

/** The element of the map, once it is on the page. */
export const mapElement = new Store<HTMLElement | null>(null);

export const features = new Store<Features>(NO_FEATURES);
export const choices = new Store<Choices>(NO_CHOICES);
export const answers = new Store<Answers>(NOTHING);

export function change(part: Partial<Selection>): void {
  selection.update((now) => ({ ...now, ...part }));
}

/** Takes the view of the map over. */
export function look(to: MapView, box: Box): void {
  shown.set({ zoom: to.zoom, box });
  // A link to an empty map would keep the map from looking at the first data.
  if (choices.get().regions.length > 0) mapView.set(to);
}

/** An ingestion whose trips the map is to show; null: it has been done. */
export const sought = new Store<{ id: string; evenIfInView: boolean } | null>(null);

/** Shows the trips of an ingestion on the map, among all others there. */
export function showOnMap(id: string): void {
  change({ area: { kind: 'view' }, region: null, datasource: null });
  sought.set({ id, evenIfInView: true });
  show('explore');
}

/** The largest flows of some trips, for the map to look at. */
export async function busiestFlows(subject: Subject): Promise<Flow[]> {
  const query = placesQuery(subject);
  const { data } = await request({ query });
  const operation = findOperation(query);
  if (!data || !operation) return [];
  const [finding] = findingsOf({ operation, data });
  return finding?.kind === 'flows' ? [...finding.flows] : [];
}

/** Number of requests on their way whose answers change the selection's surroundings. */
const preparing = new Store(0);

/** Whether the figures are about to change: another answer, or another view, is on its way. */
export function useBusy(): boolean {
  return [useStore(answers).loading, useStore(preparing) > 0].includes(true);
}

/** Counts as being busy until it is done. */
export async function prepare(work: Promise<unknown>): Promise<void> {
  preparing.update((count) => count + 1);
  try {
    await work;
  } finally {
    preparing.update((count) => count - 1);
  }
}

const send = debounced(() => void readAnswers());

function ask(): void {
  // The answer on its way is out of date already.
  running?.abort();
  answers.update((now) => ({ ...now, loading: true }));
  send();
}

/** Reads again everything that is shown, and what can be chosen. */
export function askAll(): void {
  const asked = readFeatures().then((found) => {
    if (found) features.set(found);
    restrict();
    ask();
    return readChoices();
  });
  void prepare(asked);
  void prepare(readZones(selection.get().zoneSet));
}

/** Selects everything again. */
export function reset(): void {
  selection.set(EVERYTHING);
  restrict();
}

/** Leaves out of the selection what the token does not allow. */
function restrict(): void {
  const { area } = selection.get();
  if (!features.get().fixedPlaces) return;
  change({
    area: area.kind === 'zone' ? area : { kind: 'everywhere' },
    days: [],
    hours: null,
  });
}

let started = false;

/** Reads what can be chosen, and from then on keeps the answers up to date. */
export function startExploring(): void {
  if (started) return;
  started = true;
  askAll();
  token.subscribe(() => {
    // What one token may see, another one may not.
    choices.set(NO_CHOICES);
    answers.set(NOTHING);
    void readZones(null);
  });
  // They are read again for another token, and when the server is back.
  config.subscribe(askAll);
  selection.subscribe(() => {
    writeUrl();
    ask();
    void prepare(readZones(selection.get().zoneSet));
  });
  mapView.subscribe(writeUrl);
  shown.subscribe(ask);
  // Published and removed ingestions change the answers.
  let published = publishedIds();
  feed.subscribe(() => {
    const now = publishedIds();
    if (now === published) return;
    published = now;
    seekUpload();
    void prepare(readChoices());
    ask();
  });
  window.addEventListener('hashchange', () => {
    if (view.get() !== 'explore') return;
    const { selection: chosen, map } = fromFragment(window.location.hash);
    selection.set(chosen);
    restrict();
    if (map) mapView.set(map);
  });
}

/** Whether filters choose trips by more than the view of the map. */
function isChosen(): boolean {
  const { area, region, datasource } = selection.get();
  return area.kind !== 'view' || region !== null || datasource !== null;
}

/** Has the map look for this page's last upload, unless it shows a choice of trips. */
function seekUpload(): void {
  const id = followed.get();
  if (id === null || id === soughtUpload || isChosen() || waitingFiles.get().length > 0) return;
  if (!publishedIds().split(' ').includes(id)) return;
  soughtUpload = id;
  sought.set({ id, evenIfInView: false });
}

let soughtUpload: string | null = null;

function publishedIds(): string {
  const { ingestions } = feed.get();
  return ingestions
    .filter(({ state }) => state === 'SUCCEEDED')
    .map(({ id }) => id)
    .join(' ');
}

function writeUrl(): void {
  const hash = toFragment(selection.get(), mapView.get());
  keepExploreHash(hash);
  if (view.get() === 'explore') window.history.replaceState(null, '', hash);
}

async function readChoices(): Promise<void> {
  const { data } = await request({
    query: `{
      regions { name trips }
      datasources { name trips }
      ${features.get().zones ? 'zoneSets { name }' : ''}
    }`,
  });
  if (!data) return;
  const { regions, datasources } = data as Record<'regions' | 'datasources', Choice[]>;
  const { zoneSets = [] } = data as { zoneSets?: { name: string }[] };
  choices.set({
    loaded: true,
    regions,
    datasources,
    zoneSets: zoneSets.map(({ name }) => name),
  });
}

let running: AbortController | null = null;

/** Reads the answers to the current selection; an earlier request is given up. */
async function readAnswers(): Promise<void> {
  const map = shown.get();
  if (!map || view.get() !== 'explore') return;
  running?.abort();
  const abort = new AbortController();
  running = abort;
  const question = {
    selection: selection.get(),
    view: map.box,
    resolution: resolutionAt(map.zoom),
  };
  const query = exploreQuery(question, features.get());
  const answer = await request({ query }, {}, abort.signal);
  if (abort.signal.aborted) return;
  const operation = findOperation(query);
  const { data } = answer;
  if (!data || !operation) {
    answers.set({ ...NOTHING, loading: false, problem: problemOf(answer), query });
    return;
  }
  const found = findingsOf({ operation, data });
  const weeks = found.find((finding) => finding.kind === 'weeks');
  const flows = found.find((finding) => finding.kind === 'flows');
  const { weeklyAverage, groupedTrips, tripProfile, zoneSet } = data as unknown as {
    weeklyAverage: { average: number; averageOfActiveWeeks: number; totalTrips: number };
    groupedTrips: { totalCount: number };
    tripProfile?: { cells: ProfileCell[] };
    zoneSet?: { weeklyAverages: ZoneAverage[] } | null;
  };
  answers.set({
    loading: false,
    problem: null,
    query,
    average: weeklyAverage.average,
    averageOfActiveWeeks: weeklyAverage.averageOfActiveWeeks,
    total: weeklyAverage.totalTrips,
    series: weeks?.series ?? NOTHING.series,
    flows: flows?.flows ?? [],
    groups: groupedTrips.totalCount,
    profile: tripProfile?.cells ?? null,
    zones: zoneSet?.weeklyAverages.map(figureOf) ?? null,
  });
}

interface ZoneAverage {
  zone: Pick<Zone, 'id' | 'name'>;
  weeklyAverage: { average: number; totalTrips: number };
}

function figureOf({ zone: { id, name }, weeklyAverage }: ZoneAverage): ZoneFigure {
  return { id, name, average: weeklyAverage.average, trips: weeklyAverage.totalTrips };
}

function debounced(action: () => void): () => void {
  let timer: number | undefined;
  return () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, QUIET);
  };
}
