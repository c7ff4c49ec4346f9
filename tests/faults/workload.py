"""What the server is asked to do in each run, what must be there at the end, and at each moment.

The steps are carried out whatever happens to the server: it is started again where it has ended, and a
step whose answer was lost is asked for again, as a careful client would. Files and order are the same in
each run, so all runs end with the same trips.
"""

import hashlib
import json
import random
import threading
import time
from datetime import datetime, timedelta

from home import Down, Failure, Questions, until

HEADER = "region,origin_coord,destination_coord,datetime,datasource\n"
CITIES = [("Prague", 14.42, 50.08), ("Turin", 7.68, 45.07), ("Hamburg", 9.99, 53.55)]
BOX = {"west": 14.4, "south": 50.0, "east": 14.5, "north": 50.1}
# Too large to be ingested with others, which wait behind it, and to be packed anew with others: its patches
# are joined, alone and then with those of another large file.
LARGE = 9_000
SMALL = 6

INGEST = """mutation ($file: Upload!, $replaces: ID) {
    ingestTrips(file: $file, replaces: $replaces) { duplicate ingestion { id source } } }"""
STATES = "{ ingestions(first: 1000) { nodes { id source state rowsIngested error { code } } } }"
THERE = "{ ingestions(state: SUCCEEDED, first: 1000) { nodes { id source } } }"
SEEN = """query ($box: BoundingBox) { weeklyAverage { totalTrips } regions { trips }
    box: weeklyAverage(bbox: $box) { totalTrips }
    both: weeklyAverage(bbox: $box, tripEnd: BOTH) { totalTrips } }"""
ALL = """query ($box: BoundingBox) {
    weeklyAverage { average totalTrips weeks { week trips } }
    origin: weeklyAverage(bbox: $box) { weeks { week trips } }
    destination: weeklyAverage(bbox: $box, tripEnd: DESTINATION) { weeks { week trips } }
    both: weeklyAverage(bbox: $box, tripEnd: BOTH) { weeks { week trips } }
    either: weeklyAverage(bbox: $box, tripEnd: EITHER, daysOfWeek: [MONDAY, SUNDAY]) { totalTrips }
    regions { name trips firstDepartedAt lastDepartedAt datasources { name trips } }
    datasources { name trips regions { name trips } }
    coarse: groupedTrips(resolution: 5, first: 100) { totalCount nodes { id trips startTime } }
    members: groupedTrips(resolution: 7, first: 3) { nodes { members(first: 100) {
        totalCount nodes { departedAt line ingestion { source } origin { lon lat } } } } }
    fine: groupedTrips(resolution: 9, first: 200, filter: { bbox: $box }) {
        totalCount nodes { id trips startTime } }
    tripProfile { cells { dayOfWeek hour trips } }
    zoneSets { name zones { totalCount } } }"""

# Rows that belong to nothing in the answers.
LEFT_OVER = """SELECT (SELECT COUNT(*) FROM ingestion WHERE has_rows AND state <> 'SUCCEEDED')
    + (SELECT COUNT(*) FROM ingestion WHERE state IN ('QUEUED', 'RUNNING'))
    + (SELECT COUNT(*) FROM trip WHERE ingestion_id NOT IN
        (SELECT id FROM ingestion WHERE state = 'SUCCEEDED'))
    + (SELECT COUNT(*) FROM trip_patch WHERE segment_id NOT IN
        (SELECT id FROM segment WHERE state = 'LIVE'))
    + (SELECT COUNT(*) FROM segment WHERE state <> 'LIVE' OR NOT sql_complete)
    + (SELECT COUNT(*) FROM segment) / 6
    + (SELECT COUNT(*) FROM segment WHERE trips > 8192 AND NOT joined)
    + (SELECT COUNT(*) FROM segment WHERE trips > 8192) / 2
    + (SELECT COUNT(*) FROM trip_summary WHERE ingestion_id NOT IN
        (SELECT id FROM ingestion WHERE state = 'SUCCEEDED'))"""


class File:
    """A file of trips, and what an answer counts of it."""

    def __init__(self, name, rows, seed):
        self.name = name
        made = random.Random(seed)
        lines = []
        self.box = self.both = 0
        for _ in range(rows):
            region, lon, lat = made.choice(CITIES)
            ends = [(round(lon + made.gauss(0, 0.05), 6), round(lat + made.gauss(0, 0.05), 6))
                    for _ in range(2)]
            inside = [BOX["west"] <= x <= BOX["east"] and BOX["south"] <= y <= BOX["north"]
                      for x, y in ends]
            self.box += inside[0]
            self.both += all(inside)
            when = datetime(2020, 1, 6) + timedelta(seconds=made.randrange(8 * 7 * 86_400))
            points = ",".join(f"POINT ({x} {y})" for x, y in ends)
            lines.append(f"{region},{points},{when},{made.choice(['car', 'bike'])}")
        self.rows, self.lines = rows, lines
        self.text = HEADER + "\n".join(lines) + "\n"


def files():
    made = {"large.csv": File("large.csv", LARGE, 1), "cancelled.csv": File("cancelled.csv", 3_000, 2),
            "second.csv": File("second.csv", LARGE, 3)}
    for number in range(SMALL):
        for version in ("", "b"):
            name = f"small-{number}{version}.csv"
            made[name] = File(name, 300, 100 + number * 2 + len(version))
    for number in range(3):
        made[f"late-{number}.csv"] = File(f"late-{number}.csv", 300, 200 + number)
    # One is ingested with others, and one alone, which keeps its rejected rows by a block of its own.
    made["broken.csv"] = File("broken.csv", 0, 0)
    made["large-broken.csv"] = File("large-broken.csv", 0, 0)
    made["large-broken.csv"].text += "x,y,z,t,d\n" * 40_000
    return made


FILES = files()
# What the steps below leave.
FINAL = ["large.csv", "small-0b.csv", "small-3b.csv", "small-4.csv", "small-5.csv", "late-0.csv",
         "late-1.csv", "late-2.csv"]


def zones(name):
    x, y = BOX["west"], BOX["south"]
    ring = [[x, y], [x + 0.05, y], [x + 0.05, y + 0.1], [x, y + 0.1], [x, y]]
    feature = {"type": "Feature", "properties": {"name": name},
               "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


class Workload:
    """The steps, on one home."""

    def __init__(self, home, failpoints=()):
        # `failpoints` are those of each start in turn; later starts have none.
        self.home, self.failpoints, self.acknowledged = home, list(failpoints), {}
        self.deaths, self.lock = 0, threading.Lock()

    # The server.

    def up(self):
        """Starts the server where it does not run."""
        with self.lock:
            if self.home.alive():
                return
            if self.home.server is not None:
                self.deaths += 1
            # It may also die at its start.
            for _ in range(20):
                set_now = self.failpoints.pop(0) if self.failpoints else ""
                if self.home.start(set_now, must=False):
                    return
                self.deaths += 1
                time.sleep(0.2)
            raise Failure(f"the server does not start: {self.home.tail()}")

    def call(self, ask):
        """An answer, whatever becomes of the server meanwhile. Returns also whether an earlier attempt
        may have been carried out."""
        start, again = time.monotonic(), False
        while time.monotonic() - start < 100:
            self.up()
            try:
                answer = ask()
            except Down:
                again = True
                time.sleep(0.05)
                continue
            codes = [error["extensions"]["code"] for error in answer.get("errors") or []]
            if codes and codes[0] in ("UNAVAILABLE", "TIMEOUT"):
                again = True
                time.sleep(0.2)
                continue
            if codes and codes[0] == "INTERNAL":
                raise Failure(f"{answer['errors']}\n{self.home.tail()}")
            return answer, again
        raise Failure(f"no answer: {self.home.tail()}")

    def ask(self, query, **variables):
        answer, _ = self.call(lambda: self.home.graphql(query, **variables))
        if answer.get("errors"):
            raise Failure(f"{query}: {answer['errors']}")
        return answer["data"]

    # Steps.

    def upload(self, name, replaces=None):
        file = FILES[name]
        answer, again = self.call(lambda: self.home.upload(INGEST, name, file.text, replaces=replaces))
        if answer.get("errors"):
            raise Failure(f"upload of {name}: {answer['errors']}")
        got = answer["data"]["ingestTrips"]
        if got["duplicate"] and not again:
            raise Failure(f"{name} is a duplicate at its first upload")
        self.acknowledged[got["ingestion"]["id"]] = name
        return got["ingestion"]["id"]

    def change(self, mutation, ingestion, done):
        """Cancels or removes; where an answer was lost, that it was done already is right, too."""
        query = f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ state }} }}"
        answer, again = self.call(lambda: self.home.graphql(query, id=ingestion))
        if answer.get("errors"):
            text = answer["errors"][0]["message"]
            if not (again and done in text):
                raise Failure(f"{mutation} {ingestion}: {answer['errors']}")
        elif answer["data"][mutation]["state"] != done:
            raise Failure(f"{mutation} {ingestion}: {answer['data']}")

    def state(self, ingestion):
        query = "query ($id: ID!) { ingestion(id: $id) { state source rowsIngested error { code } } }"
        found = self.ask(query, id=ingestion)["ingestion"]
        if found is None:
            raise Failure(f"ingestion {ingestion}, which was acknowledged, is not there")
        return found

    def ended(self, ingestion, state="SUCCEEDED"):
        until(f"the end of {ingestion}", lambda: self.state(ingestion)["state"] not in
              ("QUEUED", "RUNNING"))
        found = self.state(ingestion)
        if found["state"] != state:
            raise Failure(f"ingestion {ingestion} should be {state}: {found}")
        if state == "SUCCEEDED" and found["rowsIngested"] != FILES[found["source"]].rows:
            raise Failure(f"rows of {found}")

    def import_zones(self, name):
        query = "mutation ($file: Upload!, $set: String!) { importZones(file: $file, set: $set) { name } }"
        answer, _ = self.call(lambda: self.home.upload(query, "zones.json", zones(name), set=name))
        if answer.get("errors"):
            raise Failure(f"{answer['errors']}")

    def remove_zones(self, name):
        removed = "mutation ($set: String!) { removeZones(set: $set) }"
        self.call(lambda: self.home.graphql(removed, set=name))

    def settled(self):
        """Waits until SQL rows are there, segments are merged, and nothing is left over."""
        def tidy():
            self.up()
            return self.home.database.number(LEFT_OVER) == 0 and not self.home.spooled()
        until("nothing is left over", tidy)

    def run(self):
        """All steps."""
        self.up()
        questions = Questions(self.whole)
        try:
            self.steps()
        finally:
            questions.stop()

    def steps(self):
        self.import_zones("first")
        large = self.upload("large.csv")
        # They wait in line meanwhile, and are claimed together.
        small = [self.upload(f"small-{number}.csv") for number in range(SMALL)]
        broken = [self.upload("broken.csv"), self.upload("large-broken.csv")]
        cancelled = self.upload("cancelled.csv")
        self.change("cancelIngestion", cancelled, "CANCELLED")
        for ingestion in [large, *small]:
            self.ended(ingestion)
        for ingestion in broken:
            self.ended(ingestion, "FAILED")
        self.ended(cancelled, "CANCELLED")
        self.ended(self.upload("small-0b.csv", replaces=small[0]))
        self.change("removeIngestion", small[1], "REMOVED")
        for number in range(3):
            self.ended(self.upload(f"late-{number}.csv"))
        self.settled()
        second = self.upload("second.csv")
        # Of merged segments.
        self.change("removeIngestion", small[2], "REMOVED")
        self.ended(self.upload("small-3b.csv", replaces=small[3]))
        self.remove_zones("first")
        self.import_zones("second")
        self.ended(second)
        self.settled()
        self.change("removeIngestion", second, "REMOVED")
        self.settled()

    def end(self):
        """Asks the server to end; it may die on the way."""
        self.up()
        self.home.terminate()

    # What must hold.

    def whole(self):
        """Every answer counts each ingestion wholly or not at all. Returns whether it could be told."""
        home = self.home
        if not home.alive() or not hasattr(home, "port"):
            return False
        states = [home.graphql(THERE), home.graphql(SEEN, box=BOX), home.graphql(THERE)]
        if any(answer.get("errors") for answer in states):
            return False
        before, seen, after = (answer["data"] for answer in states)
        names = [[(node["id"], node["source"]) for node in data["ingestions"]["nodes"]]
                 for data in (before, after)]
        if names[0] != names[1]:
            return False
        there = [FILES[source] for _, source in names[0]]
        rows = sum(file.rows for file in there)
        expected = (rows, rows, sum(file.box for file in there), sum(file.both for file in there))
        found = (seen["weeklyAverage"]["totalTrips"], sum(region["trips"] for region in seen["regions"]),
                 seen["box"]["totalTrips"], seen["both"]["totalTrips"])
        if found != expected:
            raise Failure(f"half seen: {found} instead of {expected} of {names[0]}")
        return True

    def check(self, reference):
        """What is there at the end, after a start without faults."""
        self.up()
        nodes = self.ask(STATES)["ingestions"]["nodes"]
        for ingestion, name in self.acknowledged.items():
            if [node["source"] for node in nodes if node["id"] == ingestion] != [name]:
                raise Failure(f"{name}, acknowledged as {ingestion}, is not there: {nodes}")
        there = sorted(node["source"] for node in nodes if node["state"] == "SUCCEEDED")
        if there != sorted(FINAL):
            raise Failure(f"there are {there}")
        if not self.whole():
            raise Failure("the server does not answer")
        found = answers(self.home)
        for name, value in reference.items():
            if found[name] != value:
                raise Failure(f"{name}: {str(found[name])[:500]} instead of {str(value)[:500]}")
        self.home.kill()
        rows = sum(FILES[name].rows for name in FINAL)
        verified = self.home.run("verify")
        if verified.returncode or not verified.stdout.startswith(f"{rows:,} trips read"):
            raise Failure(f"verify: {verified.stdout}{verified.stderr}")
        for table in ("trip", "visible_trip"):
            if (number := self.home.database.number(f"SELECT COUNT(*) FROM {table}")) != rows:
                raise Failure(f"{number} rows of {table} instead of {rows}")


def answers(home):
    """All answers of a server."""
    found = home.ask(ALL, box=BOX)
    _, export = home.request("GET", "/export/trips.csv")
    lines = sorted(export.decode().replace("T", " ").splitlines())
    found["trips"] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    found["lines"] = len(lines)
    return found


def reference(root):
    """The answers of a database that nothing has happened to."""
    from home import Home

    home = Home(root=root)
    try:
        home.start()
        quiet = Workload(home)
        for name in FINAL:
            quiet.ended(quiet.upload(name))
        quiet.import_zones("second")
        quiet.settled()
        found = answers(home)
        # The untouched database itself is held against the files.
        lines = sorted(line for name in FINAL for line in FILES[name].lines)
        if found["lines"] != len(lines) + 1:
            raise Failure(f"{found['lines']} lines are exported")
        return found
    finally:
        home.close()
