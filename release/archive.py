#!/usr/bin/env python3
"""Builds the program and packs it, for the system that this runs on.

    release/archive.py

Writes target/release-files/tripgraph-VERSION-TARGET.tar.gz; on Windows, a .zip. The same program at
the same commit gives the same .tar.gz. TRIPGRAPH_RELEASE_PROFILE names another profile than `dist`.
"""

import gzip
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import files

DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.md", "examples/trips.csv", "schema.graphql"]


def pack(folder, archive, when):
    members = sorted(path for path in folder.rglob("*") if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
            for path in members:
                into.write(path, path.relative_to(folder.parent))
        return

    def anonymous(member):
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = when
        return member

    # The head of a gzip file has a name and a time, too.
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=when) as compressed,
        tarfile.open(mode="w", fileobj=compressed) as into,
    ):
        for path in members:
            into.add(path, path.relative_to(folder.parent), filter=anonymous)


def main():
    files.run(
        "cargo", "build", "--locked", "--profile", files.PROFILE, "--package", "tripgraph", "--bin", "tripgraph",
        "--features", "cloud,otel",
    )  # fmt: skip
    name = f"tripgraph-{files.version()}-{files.target()}"
    archive = files.output() / (name + (".zip" if os.name == "nt" else ".tar.gz"))
    when = int(files.printed("git", "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        for document in DOCUMENTS:
            copy = folder / document
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(files.ROOT / document, copy)
        shutil.copy(files.program(), folder)
        pack(folder, archive, when)
    print(archive)


if __name__ == "__main__":
    main()
