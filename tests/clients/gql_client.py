"""gql: an upload over httpx, a subscription over websockets."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gql import Client, FileVar, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/debug/tripgraph"))
INGEST = "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id source } } }"
STATUS = "subscription ($id: ID!) { ingestionStatus(id: $id) { state rowsIngested } }"
AVERAGE = "query ($area: AreaInput) { weeklyAverage(area: $area) { totalTrips } }"


async def test(address):
    http = HTTPXAsyncTransport(url=f"http://{address}/graphql", timeout=30)
    async with Client(transport=http, fetch_schema_from_transport=True) as session:
        ingest = gql(INGEST)
        ingest.variable_values = {"file": FileVar(str(ROOT / "examples/trips.csv"))}
        answer = await session.execute(ingest, upload_files=True)
        ingestion = answer["ingestTrips"]["ingestion"]
        assert ingestion["source"] == "trips.csv", ingestion
        sockets = WebsocketsTransport(url=f"ws://{address}/graphql")
        async with Client(transport=sockets) as subscriber:
            status = gql(STATUS)
            status.variable_values = {"id": ingestion["id"]}
            states = [change["ingestionStatus"] async for change in subscriber.subscribe(status)]
        assert states[-1] == {"state": "SUCCEEDED", "rowsIngested": 2000}, states
        average = gql(AVERAGE)
        bbox = {"west": -180, "south": -90, "east": 180, "north": 90}
        average.variable_values = {"area": {"bbox": bbox}}
        answer = await session.execute(average)
        assert answer == {"weeklyAverage": {"totalTrips": 2000}}, answer
        average.variable_values = {"area": {"bbox": bbox | {"south": 91}}}
        try:
            raise AssertionError(await session.execute(average))
        except TransportQueryError as error:
            assert error.errors[0]["extensions"]["code"] == "BAD_USER_INPUT", error.errors


def main():
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0"], cwd=home, text=True,
            env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            for line in server.stdout:
                if found := re.search(r"http://([\d.]+:\d+)/graphiql", line):
                    asyncio.run(asyncio.wait_for(test(found[1]), 60))
                    return
            sys.exit("the server does not start")
        finally:
            server.kill()
            server.wait()


main()
