import { expect, test } from 'vitest';
import { missingFiles, multipart } from '../../src/upload/multipart';
import type { UploadVariable } from '../../src/operation';

const one: UploadVariable = { name: 'file', list: false, required: true };
const list: UploadVariable = { name: 'others', list: true, required: true };
const [a, b, c] = ['a', 'b', 'c'].map((name) => new File(['x'], `${name}.csv`)) as [
  File,
  File,
  File,
];

test('files are null in the variables, and the map leads to them', () => {
  const parts = multipart(
    { query: 'mutation …', operationName: 'M', variables: { allowDuplicate: true, file: 'typed' } },
    [one, list],
    new Map([
      ['file', [a]],
      ['others', [b, c]],
    ]),
  );
  expect(JSON.parse(parts.operations)).toEqual({
    query: 'mutation …',
    operationName: 'M',
    variables: { allowDuplicate: true, file: null, others: [null, null] },
  });
  expect(JSON.parse(parts.map)).toEqual({
    0: ['variables.file'],
    1: ['variables.others.0'],
    2: ['variables.others.1'],
  });
  expect(parts.files).toEqual([
    ['0', a],
    ['1', b],
    ['2', c],
  ]);
});

test('what is missing is said with the name of its variable', () => {
  expect(missingFiles([one], new Map())).toBe('Choose a file for $file in the Upload panel.');
  expect(missingFiles([one], new Map([['file', []]]))).toContain('$file');
  expect(missingFiles([one], new Map([['file', [a, b]]]))).toContain('takes one file and 2');
  expect(missingFiles([one, list], new Map([['file', [a]]]))).toContain('$others');
  expect(missingFiles([{ ...one, required: false }], new Map())).toBeNull();
  expect(missingFiles([one], new Map([['file', [a]]]))).toBeNull();
});
