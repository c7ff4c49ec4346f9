#!/usr/bin/env python3
"""Installs what was built as a user would, and runs the transcripts of README and tutorial with it.

    release/try.py                 # archive and wheel of this system
    release/try.py archive         # one of them

Needs what docs/test/transcripts.py needs. Elsewhere than on Linux, the program only prints its
version and schema.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

import files

TRANSCRIPTS = ["README.md", "docs/tutorial.md"]
PROGRAM = "tripgraph.exe" if os.name == "nt" else "tripgraph"


def from_archive(folder):
    name = f"tripgraph-{files.version()}-{files.target()}"
    if os.name == "nt":
        with zipfile.ZipFile(files.output() / f"{name}.zip") as archive:
            archive.extractall(folder)
    else:
        with tarfile.open(files.output() / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return folder / name / PROGRAM


def from_wheel(folder):
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    files.run(
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index",
        "--find-links", files.output(), f"tripgraph=={files.version()}",
    )  # fmt: skip
    return scripts / PROGRAM


def check(program):
    printed = files.printed(program, "--version").strip()
    if printed != f"tripgraph {files.version()}":
        raise SystemExit(f"{program} --version prints {printed}")
    schema = files.printed(program, "schema")
    if schema != (files.ROOT / "schema.graphql").read_text():
        raise SystemExit(f"{program} schema prints another schema than schema.graphql")
    check_cloud(program)
    if sys.platform != "linux":
        return
    environment = {**os.environ, "TRIPGRAPH_BIN": str(program)}
    command = [sys.executable, "docs/test/transcripts.py", *TRANSCRIPTS]
    subprocess.run(command, cwd=files.ROOT, env=environment, check=True)


def check_cloud(program):
    """Object stores are a feature that not every build has. This one is refused before anything is sent."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ALLOW_HTTP": "false",
        }
        command = [program, "ingest", "--data-dir", folder, "s3://trips/x.csv"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "AWS_ALLOW_HTTP=true" not in ran.stderr:
        raise SystemExit(f"{program} cannot read object stores: {ran.stderr}")


def main():
    kinds = {"archive": from_archive, "wheel": from_wheel}
    for kind in sys.argv[1:] or kinds:
        with tempfile.TemporaryDirectory() as folder:
            program = kinds[kind](Path(folder))
            check(program)
            print(f"{kind}: works", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
