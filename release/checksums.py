#!/usr/bin/env python3
"""Writes SHA256SUMS beside the files of a release; `sha256sum --check SHA256SUMS` compares them.

    release/checksums.py [FOLDER]     # by default, target/release-files
"""

import hashlib
import sys
from pathlib import Path

import files


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else files.output()
    sums = folder / "SHA256SUMS"
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.is_file() and path != sums
    ]
    sums.write_text("".join(lines), newline="\n")
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
