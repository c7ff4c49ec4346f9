import { beforeEach, expect, test } from 'vitest';
import type { UploadVariable } from '../../src/operation';
import { chosenFiles, distribute } from '../../src/upload/files';

const single = (name: string): UploadVariable => ({ name, list: false, required: true });
const files = ['a', 'b', 'c'].map((name) => new File(['x'], name));
const chosen = (): Record<string, string[]> =>
  Object.fromEntries(
    [...chosenFiles.get()].map(([name, list]) => [name, list.map((file) => file.name)]),
  );

beforeEach(() => chosenFiles.set(new Map()));

test('each variable takes one file, those without a file first', () => {
  expect(distribute(files.slice(0, 1), [single('x'), single('y')])).toEqual([]);
  expect(distribute(files.slice(1, 2), [single('x'), single('y')])).toEqual([]);
  expect(chosen()).toEqual({ x: ['a'], y: ['b'] });
  distribute(files.slice(2), [single('x'), single('y')]);
  expect(chosen()).toEqual({ x: ['c'], y: ['b'] });
});

test('a list takes what is left, and what nobody takes comes back', () => {
  distribute(files, [single('x'), { name: 'more', list: true, required: true }]);
  expect(chosen()).toEqual({ x: ['a'], more: ['b', 'c'] });
  expect(distribute(files, [single('x')]).map((file) => file.name)).toEqual(['b', 'c']);
});
