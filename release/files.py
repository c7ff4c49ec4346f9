"""What the release scripts have in common."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Another profile builds sooner; `dist` is what is distributed.
PROFILE = os.environ.get("TRIPGRAPH_RELEASE_PROFILE", "dist")


def run(*command):
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True)


def printed(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def metadata():
    return json.loads(printed("cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"))


def version():
    return next(package["version"] for package in metadata()["packages"] if package["name"] == "tripgraph")


def target():
    """The host's target triple."""
    lines = printed("rustc", "--version", "--verbose").splitlines()
    return next(line.removeprefix("host: ") for line in lines if line.startswith("host: "))


def target_directory():
    return Path(metadata()["target_directory"])


def program():
    """Where cargo puts the program."""
    folder = "debug" if PROFILE == "dev" else PROFILE
    return target_directory() / folder / ("tripgraph.exe" if os.name == "nt" else "tripgraph")


def output():
    """The folder of what is released."""
    folder = target_directory() / "release-files"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
