"""Uploads a file and follows its ingestion to the end: python examples/ingest.py examples/trips.csv

Needs: pip install "gql[all]"
"""

import asyncio
import sys

from gql import Client, FileVar, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

ADDRESS = "127.0.0.1:8000/graphql"
# Where the server has tokens, give both transports headers={"Authorization": "Bearer …"}.

UPLOAD = """mutation ($file: Upload!) {
  ingestTrips(file: $file) { duplicate ingestion { id } }
}"""
STATUS = """subscription ($id: ID!) {
  ingestionStatus(id: $id) { state percent rowsIngested rowsRejected error { message } }
}"""


async def main(path):
    async with Client(transport=AIOHTTPTransport(url=f"http://{ADDRESS}")) as session:
        upload = gql(UPLOAD)
        upload.variable_values = {"file": FileVar(path, content_type="text/csv", streaming=True)}
        answer = await session.execute(upload, upload_files=True)
    async with Client(transport=WebsocketsTransport(url=f"ws://{ADDRESS}")) as session:
        status = gql(STATUS)
        status.variable_values = {"id": answer["ingestTrips"]["ingestion"]["id"]}
        async for change in session.subscribe(status):
            print(change["ingestionStatus"])


asyncio.run(main(sys.argv[1]))
