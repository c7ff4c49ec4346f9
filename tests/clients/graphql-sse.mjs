// graphql-sse: the same over Server-Sent Events, distinct connections mode.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { STATUS, last, upload, withServer } from './server.mjs';

const READ = 'reader-0123456789';
const WRITE = 'writer-0123456789';

await withServer(['--token', `ann:read:${READ},bob:write:${WRITE}`], async (address) => {
  const connect = (token, options) =>
    createClient({
      url: `http://${address}/graphql`,
      headers: token ? { authorization: `Bearer ${token}` } : {},
      retryAttempts: 0,
      ...options,
    });
  const client = connect(READ);
  const id = await upload(address, WRITE);
  const expected = { state: 'SUCCEEDED', rowsIngested: 2000 };
  const subscription = { query: STATUS, variables: { id } };
  assert.deepEqual(await last(client.iterate(subscription)), expected);
  // A client that comes later gets the current state.
  assert.deepEqual(await last(client.iterate(subscription)), expected);
  const query = await client.iterate({ query: '{ __typename }' }).next();
  assert.deepEqual(query.value, { data: { __typename: 'Query' } });
  const invalid = await client.iterate({ query: '{ nonsense }' }).next();
  assert.equal(invalid.value.errors[0].extensions.code, 'BAD_USER_INPUT');
  const missing = await client.iterate({ query: STATUS, variables: { id: '77' } }).next();
  assert.equal(missing.value.errors[0].extensions.code, 'NOT_FOUND');
  client.dispose();
  const stranger = connect();
  const refused = stranger.iterate({ query: '{ __typename }' }).next();
  await assert.rejects(refused, (error) => error.response.status === 401);
  stranger.dispose();
});
