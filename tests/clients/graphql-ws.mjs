// graphql-ws: subscriptions, queries and tokens over a WebSocket.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { STATUS, last, upload, withServer } from './server.mjs';

const READ = 'reader-0123456789';
const WRITE = 'writer-0123456789';

await withServer(['--token', `ann:read:${READ},bob:write:${WRITE}`], async (address) => {
  const connect = (token) =>
    createClient({
      url: `ws://${address}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: token && { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
    });
  const client = connect(READ);
  const id = await upload(address, WRITE);
  const final = await last(client.iterate({ query: STATUS, variables: { id } }));
  assert.deepEqual(final, { state: 'SUCCEEDED', rowsIngested: 2000 });
  const results = [];
  for await (const result of client.iterate({ query: '{ __typename }' })) results.push(result);
  assert.deepEqual(results, [{ data: { __typename: 'Query' } }]);
  const mutation = client.iterate({ query: 'mutation { removeIngestion(id: 1) { id } }' });
  await assert.rejects(mutation.next(), (errors) => errors[0].extensions.code === 'FORBIDDEN');
  await client.dispose();
  const stranger = connect();
  const refused = stranger.iterate({ query: '{ __typename }' }).next();
  await assert.rejects(refused, { code: 4403 });
  await stranger.dispose();
});
