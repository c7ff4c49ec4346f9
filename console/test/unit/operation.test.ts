import { expect, test } from 'vitest';
import { findOperation, selectionOf, uploadVariables } from '../../src/operation';

test('variables that take files are found by their type, whatever their name', () => {
  const operation = findOperation(`
    mutation Many($a: Upload!, $note: String, $b: [Upload!]!, $c: Upload, $d: [Upload!]! = []) { x }
  `);
  expect(uploadVariables(operation)).toEqual([
    { name: 'a', list: false, required: true },
    { name: 'b', list: true, required: true },
    { name: 'c', list: false, required: false },
    { name: 'd', list: true, required: false },
  ]);
  expect(uploadVariables(findOperation('{ x }'))).toEqual([]);
  expect(uploadVariables(null)).toEqual([]);
});

test('the operation that is run is the one of that name, or the first', () => {
  const query = 'query A { a } mutation B($f: Upload!) { b }';
  expect(findOperation(query, 'B')?.definition.operation).toBe('mutation');
  expect(findOperation(query)?.definition.operation).toBe('query');
  expect(findOperation(query, 'C')?.definition.operation).toBe('query');
  expect(findOperation('query {')).toBeNull();
  expect(findOperation('fragment F on Query { a }')).toBeNull();
});

test('aliases and fragments are resolved', () => {
  const operation = findOperation(`
    query {
      mine: weeklyAverage { ...Weeks }
      ... on Query { mine: weeklyAverage { average } }
    }
    fragment Weeks on WeeklyAverage { w: weeks { week } }
  `)!;
  const mine = selectionOf(operation).get('mine')!;
  expect(mine.name).toBe('weeklyAverage');
  expect([...mine.selection.keys()]).toEqual(['w', 'average']);
  expect(mine.selection.get('w')!.name).toBe('weeks');
  expect(mine.selection.get('w')!.selection.has('week')).toBe(true);
});

test('a fragment may be used at several depths, and one that contains itself ends', () => {
  const nested = findOperation(`
    { regions { ...R datasources { regions { ...R } } } }
    fragment R on Region { name }
  `)!;
  const regions = selectionOf(nested).get('regions')!.selection;
  expect(regions.has('name')).toBe(true);
  expect(regions.get('datasources')!.selection.get('regions')!.selection.has('name')).toBe(true);
  const endless = findOperation('{ a { ...F } } fragment F on A { a { ...F } }')!;
  expect(selectionOf(endless).has('a')).toBe(true);
});
