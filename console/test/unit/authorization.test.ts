import { afterEach, expect, test } from 'vitest';
import { authorization, authorizationIn, withAuthorization } from '../../src/authorization';

afterEach(() => authorization.set(null));

test('the authorization is read from the text of the Headers editor', () => {
  expect(authorizationIn('{"authorization": " Bearer x "}')).toBe('Bearer x');
  expect(authorizationIn('{"Authorization": ""}')).toBeNull();
  expect(authorizationIn('{"Author')).toBeNull();
  expect(authorizationIn('null')).toBeNull();
  expect(authorizationIn('')).toBeNull();
});

test('a tab without its own takes the one of the console', () => {
  expect(withAuthorization({ 'X-A': 1, empty: null })).toEqual({ 'X-A': '1' });
  authorization.set('Bearer ours');
  expect(withAuthorization()).toEqual({ Authorization: 'Bearer ours' });
  expect(withAuthorization({ authorization: 'Bearer theirs' })).toEqual({
    authorization: 'Bearer theirs',
  });
});
