import { expect, test } from 'vitest';
import { ingestionsIn } from '../../src/ingestions/ingestion';
import { findOperation } from '../../src/operation';
import { findingsOf } from '../../src/results/findings';

function findings(query: string, data: Record<string, unknown>) {
  return findingsOf({ operation: findOperation(query)!, data });
}

test('weeks are found under any alias, several at once', () => {
  const found = findings(
    `query {
      a: weeklyAverage { weeks { week trips } }
      b: weeklyAverage { ...W }
      weeklyAverage: regions { name }
    }
    fragment W on WeeklyAverage { series: weeks { monday: week n: trips } }`,
    {
      a: {
        weeks: [
          { week: '2018-01-01', trips: 2 },
          { week: '2018-01-08', trips: 0 },
        ],
      },
      b: { series: [{ monday: '2018-01-01', n: 5 }] },
      weeklyAverage: [{ name: 'Prague' }],
    },
  );
  expect(found).toEqual([
    {
      kind: 'weeks',
      key: 'a',
      series: {
        weeks: [
          { week: '2018-01-01', trips: 2 },
          { week: '2018-01-08', trips: 0 },
        ],
        average: 1,
        total: 2,
      },
    },
    {
      kind: 'weeks',
      key: 'b',
      series: { weeks: [{ week: '2018-01-01', trips: 5 }], average: 5, total: 5 },
    },
  ]);
});

test('a hint says which fields a drawing needs', () => {
  const weeks = findings('{ weeklyAverage { average } }', { weeklyAverage: { average: 1 } });
  expect(weeks).toMatchObject([
    { kind: 'hint', hint: expect.stringContaining('weeks { week trips }') },
  ]);
  const partial = findings('{ weeklyAverage { weeks { week } } }', {
    weeklyAverage: { weeks: [] },
  });
  expect(partial).toMatchObject([
    { kind: 'hint', hint: expect.stringContaining('trips to weeks') },
  ]);
  const groups = findings('{ groupedTrips { totalCount } }', { groupedTrips: { totalCount: 1 } });
  expect(groups).toMatchObject([{ kind: 'hint', hint: expect.stringContaining('nodes {') }]);
  const ends = findings('{ groupedTrips { nodes { trips origin { center { lon lat } } } } }', {
    groupedTrips: { nodes: [] },
  });
  expect(ends).toMatchObject([{ kind: 'hint', hint: expect.stringContaining('destination {') }]);
  expect(findings('{ weeklyAverage { average } }', { weeklyAverage: null })).toEqual([]);
});

test('flows are read from nodes or edges, through aliases and fragments', () => {
  const end = (lon: number) => ({ at: { lon, lat: 50 }, boundary: [{ lon, lat: 50 }] });
  const group = { n: 3, startTime: '08:00', endTime: '09:00', origin: end(14), to: end(15) };
  const fields = `n: trips startTime endTime origin { ...C } to: destination { ...C }`;
  const fragment = `fragment C on Cell { at: center { lon lat } boundary { lon lat } }`;
  const expected = {
    trips: 3,
    time: '08:00–09:00',
    origin: { index: '', center: { lon: 14, lat: 50 }, boundary: [{ lon: 14, lat: 50 }] },
    destination: { index: '', center: { lon: 15, lat: 50 }, boundary: [{ lon: 15, lat: 50 }] },
  };
  for (const [selection, value] of [
    [`nodes { ${fields} }`, { nodes: [group] }],
    [`edges { it: node { ${fields} } }`, { edges: [{ it: group }] }],
  ] as const) {
    const found = findings(`{ g: groupedTrips { ${selection} } } ${fragment}`, { g: value });
    expect(found).toEqual([{ kind: 'flows', key: 'g', flows: [expected], hint: null }]);
  }
});

test('the ingestions of an upload are found, and whether they are new', () => {
  const operation = findOperation(`mutation ($x: Upload!, $y: Upload!) {
    a: ingestTrips(file: $x) { again: duplicate job: ingestion { number: id } }
    ingestTrips(file: $y) { ingestion { id } }
  }`)!;
  const data = {
    a: { again: true, job: { number: '4' } },
    ingestTrips: { ingestion: { id: '5' } },
  };
  expect(ingestionsIn(operation, { data })).toEqual([
    { id: '4', duplicate: true, formatDiffers: false },
    { id: '5', duplicate: false, formatDiffers: false },
  ]);
  expect(ingestionsIn(operation, { data: null })).toEqual([]);
});
