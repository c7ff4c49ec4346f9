// The audit of graphql-http: which of its requirements of GraphQL over HTTP the server meets.
import assert from 'node:assert/strict';
import { auditServer } from 'graphql-http';
import { withServer } from './server.mjs';

await withServer([], async (address) => {
  const results = await auditServer({ url: `http://${address}/graphql` });
  const missed = results.filter(({ status }) => status !== 'ok');
  const shown = missed.map(({ id, name, reason }) => `${id} ${name}: ${reason}`);
  assert.deepEqual(shown, []);
  assert.equal(results.length, 61);
});
