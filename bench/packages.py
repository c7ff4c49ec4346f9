"""Packages from PyPI, in a virtual environment beside the results."""

import subprocess
import sys
import venv

from machine import BenchError


class Packages:
    """A virtual environment; where none can be made, the Python of the run."""

    def __init__(self, work):
        folder = work / "venv"
        self.python = folder / "bin" / "python"
        try:
            if not self.python.exists():
                venv.create(folder, with_pip=True)
        except (OSError, subprocess.CalledProcessError):
            self.python = sys.executable

    def version(self, name):
        """The version of a package, which is installed where it is missing."""
        command = [self.python, "-c", f"import {name}; print({name}.__version__)"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            options = ["--quiet", "--disable-pip-version-check", "--retries", "1"]
            pip = [self.python, "-m", "pip", "install", *options, name]
            installed = subprocess.run(pip, capture_output=True, text=True)
            if installed.returncode != 0:
                reason = (installed.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise BenchError(f"pip cannot install {name} ({reason})")
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()
