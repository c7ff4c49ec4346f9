// Uses the generated types as an application does. It is compiled, not run.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { graphql } from './generated';

declare function execute<Result, Variables>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result>;

const AVERAGE = graphql(`
  query Average($area: AreaInput, $filter: TripFilter) {
    weeklyAverage(area: $area) { average firstWeek weeks { week trips } }
    groupedTrips(filter: $filter, first: 5) { nodes { startTime trips origin { index } } }
  }
`);
const INGEST = graphql(`
  mutation Ingest($file: Upload!) {
    ingestTrips(file: $file) { duplicate ingestion { id state error { code } } }
  }
`);
const STATUS = graphql(`
  subscription Status($id: ID!) { ingestionStatus(id: $id) { state percent } }
`);

export async function program(file: File): Promise<string> {
  const box = { west: 14, south: 50, east: 15, north: 51 };
  const { weeklyAverage, groupedTrips } = await execute(AVERAGE, {
    area: { bbox: box },
    filter: { region: 'Prague', daysOfWeek: ['MONDAY'] },
  });
  const trips: number = weeklyAverage.weeks.reduce((sum, week) => sum + week.trips, 0);
  const first: string | null | undefined = weeklyAverage.firstWeek;
  const group = groupedTrips.nodes[0];
  const { ingestTrips } = await execute(INGEST, { file });
  const { ingestionStatus } = await execute(STATUS, { id: ingestTrips.ingestion.id });
  // @ts-expect-error: an area is exactly one of its kinds
  await execute(AVERAGE, { area: { bbox: box, zone: 'sides/west' } });
  // @ts-expect-error: there is no such state
  if (ingestionStatus.state === 'DONE') return '';
  return `${trips} ${first ?? 'never'} ${group?.origin.index ?? ''} ${ingestionStatus.state}`;
}
