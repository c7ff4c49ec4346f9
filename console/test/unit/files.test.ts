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
  expect(distribute(files.slice(0, 1), [single('x'), single('y')])).toBe(true);
  expect(distribute(files.slice(1, 2), [single('x'), single('y')])).toBe(true);
  expect(chosen()).toEqual({ x: ['a'], y: ['b'] });
  distribute(files.slice(2), [single('x'), single('y')]);
  expect(chosen()).toEqual({ x: ['c'], y: ['b'] });
});

test('a list takes what is left; files that the variables can not take change nothing', () => {
  distribute(files, [single('x'), { name: 'more', list: true, required: true }]);
  expect(chosen()).toEqual({ x: ['a'], more: ['b', 'c'] });
  expect(distribute(files, [single('x')])).toBe(false);
  expect(chosen()).toEqual({ x: ['a'], more: ['b', 'c'] });
});
