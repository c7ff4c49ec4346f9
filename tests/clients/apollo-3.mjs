// Apollo Client 3: queries, and subscriptions by graphql-ws and by its own protocol over HTTP.
import assert from 'node:assert/strict';
import core from 'apollo-client-3/core/core.cjs';
import subscriptions from 'apollo-client-3/link/subscriptions/subscriptions.cjs';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { STATUS, upload, withServer } from './server.mjs';

const { ApolloClient, HttpLink, InMemoryCache, gql } = core;

await withServer([], async (address) => {
  const uri = `http://${address}/graphql`;
  const client = (link) => new ApolloClient({ link, cache: new InMemoryCache() });
  const variables = { id: await upload(address) };
  const socket = createClient({ url: `ws://${address}/graphql`, webSocketImpl: WebSocket });
  for (const link of [new subscriptions.GraphQLWsLink(socket), new HttpLink({ uri })]) {
    const final = await new Promise((resolve, reject) => {
      let state;
      client(link)
        .subscribe({ query: gql(STATUS), variables })
        .subscribe({
          next: (result) => (state = result.data.ingestionStatus),
          error: reject,
          complete: () => resolve(state),
        });
    });
    assert.equal(final.state, 'SUCCEEDED');
  }
  await socket.dispose();
  const { data } = await client(new HttpLink({ uri })).query({ query: gql`{ regions { name trips } }` });
  assert.equal(data.regions.length, 3);
});
