"""Many clients at once: one question over and over, by `wrk` or `oha`, whichever is installed."""

import json
import re
import shutil
import subprocess

from machine import BenchError, cores

CONNECTIONS = 64
SECONDS = 10
MISSING = "neither wrk nor oha is installed (on Debian: apt-get install wrk)"
UNITS = {"us": 0.001, "ms": 1, "s": 1000}


def tool():
    """The program that can be had, or `None`."""
    return next((name for name in ("wrk", "oha") if shutil.which(name)), None)


def rush(link):
    """Requests a second, and the milliseconds that 99 % of them stay under; `None` without a tool."""
    name = tool()
    return {"wrk": wrk, "oha": oha}[name](link) if name else None


def wrk(link):
    text = printed(["wrk", f"-t{cores()}", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", link])
    if trouble := re.search(r"(Socket errors|Non-2xx).*", text):
        raise BenchError(f"wrk: {trouble[0]}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {"rate": rate, "p99": float(number) * UNITS[unit]}


def oha(link):
    length = ["-c", str(CONNECTIONS), "-z", f"{SECONDS}s"]
    answer = json.loads(printed(["oha", *length, "--no-tui", "--output-format", "json", link]))
    if set(answer["statusCodeDistribution"]) != {"200"}:
        raise BenchError(f"oha: answers by status: {answer['statusCodeDistribution']}")
    rate = answer["summary"]["requestsPerSec"]
    return {"rate": rate, "p99": answer["latencyPercentiles"]["p99"] * 1000}


def printed(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout
