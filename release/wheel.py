#!/usr/bin/env python3
"""Builds the Python wheel that carries the program, for the system that this runs on.

    release/wheel.py

Writes into target/release-files/. The wheel contains an SBOM in the CycloneDX format. Needs Python with venv
and pip: maturin is installed from PyPI into target/. TRIPGRAPH_RELEASE_PROFILE names another profile than
`dist`.
"""

import os
import subprocess
import sys
import venv

import files

MATURIN = "maturin==1.16.0"


def maturin():
    """Installs maturin, and says where it is."""
    folder = files.target_directory() / "release-tools"
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    suffix = ".exe" if os.name == "nt" else ""
    if not (scripts / f"python{suffix}").exists():
        venv.create(folder, with_pip=True)
    files.run(
        scripts / f"python{suffix}", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--only-binary", ":all:", MATURIN,
    )  # fmt: skip
    return scripts / f"maturin{suffix}"


def main():
    files.run(maturin(), "build", "--locked", "--profile", files.PROFILE, "--out", files.output(), *sys.argv[1:])


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
