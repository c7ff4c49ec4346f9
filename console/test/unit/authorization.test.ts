import { afterEach, expect, test } from 'vitest';
import { setToken, token, withAuthorization } from '../../src/authorization';

afterEach(() => setToken(''));

test('a token may be pasted with its scheme, and an empty one is none', () => {
  setToken(' Bearer  secret ');
  expect(token.get()).toBe('secret');
  setToken('  ');
  expect(token.get()).toBeNull();
});

test('a tab without its own authorization takes the token of the page', () => {
  expect(withAuthorization({ 'X-A': 1, empty: null })).toEqual({ 'X-A': '1' });
  setToken('ours');
  expect(withAuthorization()).toEqual({ Authorization: 'Bearer ours' });
  expect(withAuthorization({ authorization: 'Bearer theirs' })).toEqual({
    authorization: 'Bearer theirs',
  });
});
