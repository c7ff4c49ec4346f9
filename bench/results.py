"""Results of a run so far: a JSON file, and what tables and plots need of it."""

import json
import statistics

from report import percentile
from sizes import HOT

TRIPGRAPH = "tripgraph"
COPY = "psql \\copy"
# The same ingesting otherwise, and not asked.
WITH_SQL_ROWS = "tripgraph, with SQL rows"
ON_POSTGRES = "tripgraph on PostgreSQL"
ON_POSTGRES_WITH_SQL_ROWS = "tripgraph on PostgreSQL, with SQL rows"


class Results:
    """The head; a record for each size, from small to large, those of other shapes last; and what
    was measured of many small files.
    """

    def __init__(self, file, head, records=(), many=None):
        self.file = file
        self.head = head
        self.records = list(records)
        self.many = many

    def save(self):
        """Writes what there is, all samples included."""
        content = {"head": self.head, "sizes": self.records, "many": self.many}
        self.file.write_text(json.dumps(rounded(content), ensure_ascii=False) + "\n")

    def of(self, shape):
        """The records of sizes of a shape that have been begun."""
        return [each for each in self.records if each["shape"] == shape and each["programs"]]


def rounded(value):
    """The same with floats rounded to three digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


def ingest(record, title, what):
    """The median of `seconds`, `memory` or `bytes` of a program's ingests, `None` without any."""
    ingests = record["programs"].get(title, {}).get("ingests", [])
    values = [each[what] for each in ingests if each[what] is not None]
    return statistics.median(values) if values else None


def memory(record):
    """The most memory that tripgraph took to ingest and to merge."""
    settled = record["programs"].get(TRIPGRAPH, {}).get("settled") or {}
    taken = (ingest(record, TRIPGRAPH, "memory"), settled.get("memory"))
    return max((each for each in taken if each), default=None)


def rate(record, title):
    """Rows a second of a program's ingests."""
    seconds = ingest(record, title, "seconds")
    return record["rows"] / seconds if seconds else None


def time(record, title, kind="warm", question=HOT):
    """The median milliseconds of a program's answers to a question, `first` or `warm`."""
    for answer in record["programs"].get(title, {}).get("answers", []):
        if (answer["area"], answer["trip_end"]) == tuple(question) and answer[kind]:
            return statistics.median(answer[kind])
    return None


def grouped(record, title, resolution, kind="warm"):
    """The same for the largest groups of cells of a resolution."""
    groups = record["programs"].get(title, {}).get("groups", {}).get(str(resolution))
    return statistics.median(groups[kind]) if groups else None


def slowest(record, what):
    """The 99th percentile of `idle` or `busy`."""
    return percentile(record[what], 99) if record.get(what) else None
