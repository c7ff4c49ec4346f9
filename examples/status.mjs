// Follows an ingestion to its end: node examples/status.mjs 1
// Needs: npm install graphql graphql-ws ws
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const client = createClient({
  url: process.env.TRIPGRAPH_WS ?? 'ws://127.0.0.1:8000/graphql',
  webSocketImpl: WebSocket,
  // Where the server has tokens: connectionParams: { Authorization: 'Bearer …' },
});
const query = `subscription ($id: ID!) {
  ingestionStatus(id: $id) { state percent rowsRead rowsRejected etaSeconds error { message } }
}`;
const variables = { id: process.argv[2] };
for await (const { data, errors } of client.iterate({ query, variables })) {
  console.log(errors?.[0].message ?? data.ingestionStatus);
}
await client.dispose();
