"""One question repeated without pause: on an idle server, while a file is ingested, and while
ingestions of medium size are merged.
"""

from machine import BenchError

SAMPLES = 300
# More than that only where answers are so slow that fewer samples have to do.
UPLOADS = 5
# Files and their trips: the most that are merged at once, see `ingest/merging.rs`.
MERGED_FILES, MERGED_ROWS = 6, 625_000
MERGED = "tripgraph_segments_merged_total"


def busy(server, file, box, trip_end):
    """The milliseconds of the answers while idle, those while ingesting, and how many uploads those
    took.
    """
    server.weeks(box, trip_end)
    idle = [server.weeks(box, trip_end)[1] for _ in range(SAMPLES)]
    working, uploads = [], 0
    while len(working) < SAMPLES and uploads < UPLOADS:
        working += while_ingesting(server, server.upload(file), box, trip_end)
        uploads += 1
    return idle, working, uploads


def while_ingesting(server, ingestion, box, trip_end):
    """The milliseconds of the answers until an ingestion has ended."""
    took = []
    while True:
        milliseconds = server.weeks(box, trip_end)[1]
        state = server.state(ingestion)
        if state == "SUCCEEDED":
            return took
        if state not in ("QUEUED", "RUNNING"):
            raise BenchError(f"the ingestion that should run during the queries is {state}")
        took.append(milliseconds)


def while_merging(server, file, box, trip_end):
    """The milliseconds of the answers while the ingestions of a file, sent repeatedly, are merged."""
    before = server.metric(MERGED)
    sent = [server.upload(file) for _ in range(MERGED_FILES)]
    for ingestion in sent:
        while_ingesting(server, ingestion, box, trip_end)
    took = []
    while server.metric(MERGED) < before + MERGED_FILES:
        took.append(server.weeks(box, trip_end)[1])
    return took
