"""Uploads a file and follows its ingestion to the end: python examples/ingest.py examples/trips.csv

Needs: pip install "gql[all]"
"""

import asyncio
import os
import sys

from gql import Client, FileVar, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

ADDRESS = os.environ.get("TRIPGRAPH_ADDRESS", "127.0.0.1:8000") + "/graphql"
# Where the server has tokens, give both transports headers={"Authorization": "Bearer …"}.

UPLOAD = """mutation ($file: Upload!) {
  ingestTrips(file: $file) { duplicate ingestion { id source warnings { message } } }
}"""
STATUS = """subscription ($id: ID!) {
  ingestionStatus(id: $id) { state phase percent rowsIngested rowsRejected error { message } }
}"""


async def main(path):
    async with Client(transport=AIOHTTPTransport(url=f"http://{ADDRESS}")) as session:
        upload = gql(UPLOAD)
        # A file that is streamed has no name unless it is given.
        file = FileVar(
            path, filename=os.path.basename(path), content_type="text/csv", streaming=True
        )
        upload.variable_values = {"file": file}
        answer = await session.execute(upload, upload_files=True)
        print(answer["ingestTrips"])
    async with Client(transport=WebsocketsTransport(url=f"ws://{ADDRESS}")) as session:
        status = gql(STATUS)
        status.variable_values = {"id": answer["ingestTrips"]["ingestion"]["id"]}
        async for change in session.subscribe(status):
            print(change["ingestionStatus"])


if len(sys.argv) != 2:
    print("usage: python examples/ingest.py FILE", file=sys.stderr)
    sys.exit(2)
asyncio.run(main(sys.argv[1]))
