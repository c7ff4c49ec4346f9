"""The real program with a data directory and a database of its own, on SQLite or PostgreSQL."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/debug/tripgraph"))
TIMEOUT = 120
LISTENING = re.compile(r"http://([\d.]+):(\d+)/graphiql")


class Failure(Exception):
    """Something was lost, doubled, half seen, or did not come to its end."""


class Down(Exception):
    """The server has ended, or broke the connection."""


def until(what, condition, timeout=TIMEOUT):
    """Waits until a condition holds."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout:
            raise Failure(f"never, in {timeout} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    """A PostgreSQL server for this run."""

    def __init__(self, folder):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self.programs = programs[-1] if programs else Path(shutil.which("initdb")).parent
        self.folder, self.port = Path(folder) / "postgres", free_port()
        self.user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.folder.mkdir()
        os.chmod(folder, 0o755)
        if self.user:
            shutil.chown(self.folder, "postgres")
        self.call("initdb", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C",
                  "-D", self.folder / "data")
        self.start()

    def call(self, program, *arguments, **options):
        command = [*self.user, self.programs / program, *arguments]
        options = {"text": True, **options}
        # Apart: a server that is stopped while it answers sends a warning, too.
        done = subprocess.run(command, capture_output=True, cwd="/", **options)
        if done.returncode:
            raise Failure(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        options = f"-k {self.folder} -h 127.0.0.1 -p {self.port} -c fsync=off -c max_connections=300"
        # Its log keeps the pipe of the caller open otherwise.
        self.call("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o",
                  options, "start")

    def stop(self, mode="immediate"):
        self.call("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def psql(self, sql, database="postgres"):
        return self.call("psql", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-XAtqc",
                         sql, database).strip()


class SqliteDatabase:
    kind = "sqlite"

    def __init__(self, folder):
        self.file = Path(folder) / "data/tripgraph.db"
        self.url = f"sqlite://{self.file}"

    def number(self, sql):
        if not self.file.exists():
            return None
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=20)
        try:
            return connection.execute(sql).fetchone()[0]
        except sqlite3.OperationalError:
            return None
        finally:
            connection.close()

    def drop(self):
        pass


class PostgresDatabase:
    kind = "postgres"

    def __init__(self, server):
        self.server, self.name = server, f"t{uuid.uuid4().hex[:12]}"
        self.url = f"postgres://postgres@127.0.0.1:{server.port}/{self.name}?sslmode=disable"
        server.psql(f"CREATE DATABASE {self.name}")

    def number(self, sql):
        try:
            value = self.server.psql(sql, self.name)
        except Failure:
            return None
        return {"t": 1, "f": 0}.get(value) if value in "tf" else int(value)

    def drop(self):
        self.server.psql(f"DROP DATABASE {self.name} WITH (FORCE)")


class Home:
    """A folder for one test, and the server that runs in it."""

    def __init__(self, postgres=None, root=None):
        self.folder = Path(tempfile.mkdtemp(prefix="faults-", dir=root))
        self.database = PostgresDatabase(postgres) if postgres else SqliteDatabase(self.folder)
        self.url, self.arguments, self.wrapper = self.database.url, [], []
        self.server, self.log, self.starts = None, self.folder / "log", 0

    def environment(self, failpoints=""):
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("TRIPGRAPH_") and name not in ("DATABASE_URL", "FAILPOINTS")}
        clean |= {"TRIPGRAPH_DATA_DIR": str(self.folder / "data"), "TRIPGRAPH_DATABASE_URL": self.url,
                  "NO_COLOR": "1", "RUST_BACKTRACE": "1"}
        if self.database.kind == "postgres":
            # What a server had that was killed is taken over soon.
            clean["TRIPGRAPH_LEASE_SECONDS"] = "2"
        if failpoints:
            clean["FAILPOINTS"] = failpoints
        return clean

    def run(self, *arguments, **options):
        """Runs a command to its end."""
        return subprocess.run([BINARY, *arguments], env=self.environment(), cwd=self.folder,
                              capture_output=True, text=True, timeout=TIMEOUT, **options)

    def start(self, failpoints="", must=True):
        """Starts the server. Returns whether it listens; fails where it must and does not."""
        self.starts += 1
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as log:
            command = [*self.wrapper, BINARY, "serve", "--listen", "127.0.0.1:0", *self.arguments]
            self.server = subprocess.Popen(command, env=self.environment(failpoints), cwd=self.folder,
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        start = time.monotonic()
        while time.monotonic() - start < TIMEOUT:
            ended = self.server.poll() is not None
            with self.log.open(errors="replace") as log:
                log.seek(offset)
                if found := LISTENING.search(log.read()):
                    self.host, self.port = found[1], int(found[2])
                    return True
            if ended:
                break
            time.sleep(0.02)
        if must:
            raise Failure(f"the server does not start: {self.tail()}")
        return False

    def tail(self, lines=15):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def alive(self):
        return self.server is not None and self.server.poll() is None

    def kill(self):
        if self.server:
            self.server.kill()
            self.server.wait()

    def terminate(self):
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(timeout=TIMEOUT)

    def close(self):
        self.kill()
        self.database.drop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, method, path, body=None, headers=None, timeout=60):
        """A request; its status and body. Raises `Down` where there is no whole answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Down(repr(error)) from error
        finally:
            connection.close()

    def graphql(self, query, timeout=60, **variables):
        """The answer to an operation: data and errors."""
        body = json.dumps({"query": query, "variables": variables})
        headers = {"content-type": "application/json"}
        return json.loads(self.request("POST", "/graphql", body, headers, timeout)[1])

    def ask(self, query, **variables):
        """The data of an answer that has no errors."""
        answer = self.graphql(query, **variables)
        if answer.get("errors"):
            raise Failure(f"{query}: {answer['errors']}")
        return answer["data"]

    def upload(self, query, name, text, **variables):
        """The answer to an operation with one file, `$file`."""
        boundary = uuid.uuid4().hex
        operations = {"query": query, "variables": {"file": None, **variables}}
        parts = [('name="operations"', json.dumps(operations)),
                 ('name="map"', '{"0": ["variables.file"]}'), (f'name="0"; filename="{name}"', text)]
        body = "".join(f"--{boundary}\r\ncontent-disposition: form-data; {head}\r\n\r\n{value}\r\n"
                       for head, value in parts) + f"--{boundary}--\r\n"
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        return json.loads(self.request("POST", "/graphql", body.encode(), headers)[1])

    def spooled(self):
        folder = self.folder / "data/spool"
        return [path.name for path in folder.iterdir() if path.name != "spool.id"]


class Questions(threading.Thread):
    """Asks a home's server all the time, and keeps the first answer that was wrong."""

    def __init__(self, check):
        super().__init__(daemon=True)
        self.check, self.stopped, self.failure, self.asked = check, threading.Event(), None, 0
        self.start()

    def run(self):
        while not self.stopped.wait(0.2):
            try:
                self.asked += bool(self.check())
            except Down:
                pass
            except Exception as error:  # whatever it is, the main thread reports it
                self.failure = error
                return

    def stop(self):
        self.stopped.set()
        self.join()
        if self.failure:
            raise self.failure
