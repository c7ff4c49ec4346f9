// urql: queries, and subscriptions over Server-Sent Events with the client's own fetch.
import assert from 'node:assert/strict';
import { Client, fetchExchange } from '@urql/core';
import { STATUS, upload, withServer } from './server.mjs';

await withServer([], async (address) => {
  const client = new Client({
    url: `http://${address}/graphql`,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    preferGetMethod: false,
  });
  const id = await upload(address);
  const state = await new Promise((resolve, reject) => {
    client.subscription(STATUS, { id }).subscribe(({ data, error }) => {
      if (error) reject(error);
      else if (data?.ingestionStatus.state === 'SUCCEEDED') resolve(data.ingestionStatus);
    });
  });
  assert.equal(state.rowsIngested, 2000);
  const { data, error } = await client.query('{ weeklyAverage { totalTrips } }', {});
  assert.equal(error, undefined);
  assert.deepEqual(data, { weeklyAverage: { totalTrips: 2000 } });
  const wrong = await client.query('{ region(name: 1) { name } }', {});
  assert.equal(wrong.error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
});
