import { expect, test } from 'vitest';
import { readAnswer } from '../../src/answer';

test('the answer of the API is shown as it is, whatever the status', () => {
  const body = '{"errors":[{"message":"too large","extensions":{"code":"TOO_LARGE"}}]}';
  expect(readAnswer(413, body)).toEqual(JSON.parse(body));
});

test('other answers are put into words', () => {
  expect(readAnswer(413, '<html>').errors?.[0]?.message).toContain('than the server accepts');
  expect(readAnswer(401, '').errors?.[0]?.message).toContain('at the top of the page');
  expect(readAnswer(502, 'Bad gateway').errors?.[0]?.message).toContain('or overloaded');
  expect(readAnswer(200, '[]').errors?.[0]?.message).toContain('status 200');
});
