#!/usr/bin/env python3
"""Runs the transcripts of the documentation and compares what they print.

    docs/test/transcripts.py                         # all Markdown files
    docs/test/transcripts.py docs/tutorial.md        # one
    docs/test/transcripts.py --update [FILE…]        # writes the answers into the files

A block fenced with ```console is a transcript: a line that begins with `$ ` is a command, which goes
on as long as the shell needs more of it; what follows is what it prints. The blocks of a file run one
after the other, in one shell, in an empty directory with the project's examples/, files_to_ingest/ and
queries.sql. `tripgraph` is $TRIPGRAPH_BIN, by default target/debug/tripgraph.

Where a file asks 127.0.0.1:8000, a server with its data in ./data runs meanwhile, on a free port. The
comment <!-- server: OPTIONS --> starts it anew with these options, <!-- server: off --> stops it.
Before each command the script waits until no ingestion waits or runs.

Times, rates and request ids are not compared: see REDACTIONS. Needs bash, curl, jq and sqlite3.
"""

import difflib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from markdown import FENCE, ROOT, blocks, tracked

REDACTIONS = [
    (re.compile(r"\d+\.\d s \([\d,]+ rows/s\)"), "0.0 s (0 rows/s)"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-01T00:00:00Z"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r'("(?:rowsPerSecond|etaSeconds)":)[\d.e-]+'), r"\g<1>0.0"),
    (re.compile(r"(_(?:sum|bucket\{[^}]*\}|count\{[^}]*\}|stage_seconds_total\{[^}]*\})) [\d.e-]+"), r"\1 0"),
]
ADDRESS = "127.0.0.1:8000"
SERVER = re.compile(r"^<!-- server: (.*) -->$")
END = "end-of-command"
# The longest that a command, or an ingestion, may take, in seconds.
PATIENCE = 120


def redacted(text):
    for pattern, replacement in REDACTIONS:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Stage:
    """A directory, a shell in it, and perhaps a server."""

    def __init__(self, binary):
        self.folder = Path(tempfile.mkdtemp(prefix="tripgraph-docs-"))
        for name in ("examples", "files_to_ingest", "queries.sql"):
            place = ROOT / name
            (shutil.copytree if place.is_dir() else shutil.copy)(place, self.folder / name)
        (self.folder / "bin").mkdir()
        (self.folder / "bin/tripgraph").symlink_to(binary)
        keep = {name: value for name, value in os.environ.items() if name in ("TMPDIR", "USER")}
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        self.environment = {**keep, "PATH": path, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        self.port, self.server, self.secret = free_port(), None, None
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def serve(self, options):
        self.stop_server()
        options = shlex.split(options)
        tokens = [option.split(":", 2) for option in options if option.count(":") >= 2]
        self.secret = tokens[0][2] if tokens else None
        command = ["tripgraph", "serve", "--listen", f"127.0.0.1:{self.port}", *options]
        log = (self.folder / "server.log").open("a")
        self.server = subprocess.Popen(
            [str(self.folder / "bin/tripgraph"), *command[1:]], cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready"):
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"the server did not start:\n{(self.folder / 'server.log').read_text()}")

    def stop_server(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            self.server.wait(PATIENCE)
        self.server = None

    def settle(self):
        """Waits until no ingestion waits or runs."""
        if not self.server:
            return
        # One list: two, one of each state, are read at different moments, and an ingestion that starts
        # between them is in neither.
        query = "{ ingestions(first: 100) { nodes { state } } }"
        headers = {"Content-Type": "application/json"}
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        body = json.dumps({"query": query}).encode()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
            with urllib.request.urlopen(request) as answer:
                ingestions = json.load(answer)["data"]["ingestions"]["nodes"]
            if not any(ingestion["state"] in ("QUEUED", "RUNNING") for ingestion in ingestions):
                return
            time.sleep(0.05)
        raise SystemExit("an ingestion does not end")

    def run(self, command):
        self.settle()
        command = command.replace(ADDRESS, f"127.0.0.1:{self.port}")
        self.shell.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n{END}\\n'\n")
        self.shell.stdin.flush()
        printed = []
        for line in self.shell.stdout:
            if line == f"{END}\n":
                break
            printed.append(line)
        else:
            raise SystemExit(f"the shell ended: {command}")
        # The newline before the mark is the mark's.
        return "".join(printed)[:-1].replace(f"127.0.0.1:{self.port}", ADDRESS)

    def close(self):
        self.stop_server()
        self.shell.stdin.close()
        self.shell.wait(PATIENCE)
        shutil.rmtree(self.folder)


def is_whole(command):
    check = subprocess.run(["bash", "-n"], input=command, text=True, capture_output=True)
    return check.returncode == 0 and not command.endswith("\\")


def commands(start, lines):
    """Commands of a block: their line, themselves, the lines printed."""
    found = []
    for number, line in enumerate(lines, start):
        if found and not is_whole(found[-1][1]):
            found[-1][1] += "\n" + line
        elif line.startswith("$ "):
            found.append([number, line[2:], []])
        elif found:
            found[-1][2].append(line)
        else:
            raise SystemExit(f"line {number}: a transcript begins with a command, `$ `")
    return found


def play(file, binary, update):
    text = file.read_text()
    if not any(language == "console" for language, _, _ in blocks(text)):
        return 0, 0
    stage, count, problems, answers = Stage(binary), 0, 0, {}
    lines = text.splitlines()
    directives = {number: match[1] for number, line in enumerate(lines, 1) if (match := SERVER.match(line))}
    asks = any(
        ADDRESS in line for language, _, inside in blocks(text) if language == "console" for line in inside
    )
    try:
        if asks and not directives:
            stage.serve("")
        for language, start, inside in blocks(text):
            for number in [number for number in directives if number < start]:
                options = directives.pop(number)
                stage.stop_server() if options == "off" else stage.serve(options)
            if language != "console":
                continue
            printed = []
            for number, command, expected in commands(start, inside):
                count += 1
                answer = stage.run(command).splitlines()
                printed += [*f"$ {command}".split("\n"), *(line.rstrip() for line in answer)]
                wanted, got = redacted("\n".join(expected)), redacted("\n".join(answer))
                if wanted != got and not update:
                    problems += 1
                    print(f"{file.relative_to(ROOT)}:{number}: $ {command}")
                    difference = difflib.unified_diff(
                        wanted.splitlines(), got.splitlines(), "documented", "printed", lineterm=""
                    )
                    print("\n".join(f"    {line}" for line in difference))
                elif wanted == got:
                    # Times stay as they are.
                    printed[len(printed) - len(answer) :] = expected
            answers[start] = (len(inside), printed)
    finally:
        stage.close()
    if update:
        for start, (length, printed) in sorted(answers.items(), reverse=True):
            lines[start - 1 : start - 1 + length] = printed
        file.write_text("\n".join(lines) + "\n")
    return count, problems


def main():
    arguments = sys.argv[1:]
    update = "--update" in arguments
    names = [argument for argument in arguments if argument != "--update"]
    files = [Path(name).resolve() for name in names] or tracked("*.md")
    binary = Path(os.environ.get("TRIPGRAPH_BIN", ROOT / "target/debug/tripgraph")).resolve()
    if not binary.exists():
        raise SystemExit(f"{binary} is missing: cargo build")
    missing = [name for name in ("bash", "curl", "jq", "sqlite3") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    total = wrong = 0
    for file in files:
        count, problems = play(file, binary, update)
        total, wrong = total + count, wrong + problems
    print(f"{total} commands, {wrong} printed something else")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
