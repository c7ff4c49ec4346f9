// Apollo Client 4: uploads with apollo-upload-client, subscriptions with graphql-ws, and automatic
// persisted queries, which it gives up when the server says that it does not support them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import UploadHttpLink from 'apollo-upload-client/UploadHttpLink.mjs';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { STATUS, trips, withServer } from './server.mjs';

await withServer([], async (address) => {
  const uri = `http://${address}/graphql`;
  const client = (link) => new ApolloClient({ link, cache: new InMemoryCache() });

  const uploader = client(new UploadHttpLink({ uri }));
  const { data } = await uploader.mutate({
    mutation: gql`mutation ($file: Upload!) {
      ingestTrips(file: $file) { duplicate ingestion { id source } }
    }`,
    variables: { file: new File([trips], 'trips.csv') },
  });
  assert.equal(data.ingestTrips.ingestion.source, 'trips.csv');

  const socket = createClient({ url: `ws://${address}/graphql`, webSocketImpl: WebSocket });
  const subscriber = client(new GraphQLWsLink(socket));
  const variables = { id: data.ingestTrips.ingestion.id };
  const final = await new Promise((resolve, reject) => {
    let state;
    subscriber.subscribe({ query: gql(STATUS), variables }).subscribe({
      next: (result) => (state = result.data.ingestionStatus),
      error: reject,
      complete: () => resolve(state),
    });
  });
  assert.equal(final.state, 'SUCCEEDED');
  await socket.dispose();

  // Its own protocol for subscriptions over HTTP.
  const updates = client(new HttpLink({ uri }));
  const again = await new Promise((resolve, reject) => {
    let state;
    updates.subscribe({ query: gql(STATUS), variables }).subscribe({
      next: (result) => (state = result.data.ingestionStatus),
      error: reject,
      complete: () => resolve(state),
    });
  });
  assert.equal(again.state, 'SUCCEEDED');

  for (const useGETForHashedQueries of [false, true]) {
    const bodies = [];
    const counting = (url, options) => {
      bodies.push(options.body);
      return fetch(url, options);
    };
    const sha256 = (text) => createHash('sha256').update(text).digest('hex');
    const persisted = client(
      ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries }),
        new HttpLink({ uri, fetch: counting }),
      ]),
    );
    const query = gql`{ regions { name trips } }`;
    const first = await persisted.query({ query });
    assert.equal(first.data.regions.length, 3);
    // The hash alone, then the document; from then on without the hash alone.
    assert.equal(bodies.length, 2);
    await persisted.query({ query, fetchPolicy: 'network-only' });
    assert.equal(bodies.length, 3);
  }
});
