import { expect, test } from 'vitest';
import { parameters } from '../../src/upload/inspection';
import { inOrderFor, sameNames } from '../../src/upload/replaceable';

test('an inspection names the file, its size and each column', () => {
  const said = parameters(
    { name: 'a&b.csv', size: 12 },
    { origin: ['x', 'y,z'], timeZone: 'Europe/Prague', nullValues: ['-', 'n/a'] },
    null,
  );
  expect([...said]).toEqual([
    ['name', 'a&b.csv'],
    ['bytesTotal', '12'],
    ['origin', 'x'],
    ['origin', 'y,z'],
    ['timeZone', 'Europe/Prague'],
    ['nullValues', '-'],
    ['nullValues', 'n/a'],
  ]);
});

test('a list of locations is in front of the file, and its size is said', () => {
  const said = parameters({ name: 'a.csv', size: 12 }, { originId: 'from' }, { size: 30 });
  expect([...said]).toEqual([
    ['name', 'a.csv'],
    ['bytesTotal', '12'],
    ['locationsBytes', '30'],
    ['originId', 'from'],
  ]);
});

test('ingestions of the same name come first, and each is replaced once', () => {
  const list = ['b', 'a', 'b', 'c', 'a'].map((source, at) => ({
    id: String(9 - at),
    source,
    rowsIngested: 1,
  }));
  expect(inOrderFor('a', list).map(({ id }) => id)).toEqual(['8', '5', '9', '7', '6']);
  const files = ['a', 'a', 'a', 'x', 'c'].map((name) => new File([], name));
  expect([...sameNames(files, list)]).toEqual([
    [files[0], '8'],
    [files[1], '5'],
    [files[4], '6'],
  ]);
});
