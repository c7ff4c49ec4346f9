// Follows an ingestion to its end: node examples/status.mjs 1
// Needs: npm install graphql graphql-ws ws
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [id] = process.argv.slice(2);
if (id === undefined) {
  console.error('usage: node examples/status.mjs INGESTION-ID');
  process.exit(2);
}

const client = createClient({
  url: process.env.TRIPGRAPH_WS ?? 'ws://127.0.0.1:8000/graphql',
  webSocketImpl: WebSocket,
  // Where the server has tokens: connectionParams: { Authorization: 'Bearer …' },
});
const query = `subscription ($id: ID!) {
  ingestionStatus(id: $id) {
    state phase percent rowsRead rowsRejected etaSeconds error { message }
  }
}`;
try {
  for await (const { data, errors } of client.iterate({ query, variables: { id } })) {
    if (errors) throw errors;
    console.log(data.ingestionStatus);
  }
} catch (error) {
  // No such ingestion, no valid token, or no server.
  console.error(error[0]?.message ?? error.reason ?? error.message ?? String(error));
  process.exitCode = 1;
}
await client.dispose();
