"""Many clients at once: some questions over and over, by `wrk` or `oha`, whichever is installed."""

import json
import re
import shutil
import subprocess
import tempfile
import urllib.parse

from machine import BenchError, cores

CONNECTIONS = 64
SECONDS = 10
MISSING = "neither wrk nor oha is installed (on Debian: apt-get install wrk)"
UNITS = {"us": 0.001, "ms": 1, "s": 1000}
# Each thread of wrk asks for one after the other.
SCRIPT = """\
local paths = {{ {paths} }}
local number = 0
request = function()
    number = number % #paths + 1
    return wrk.format("GET", paths[number])
end
"""


def tool():
    """The program that can be had, or `None`."""
    return next((name for name in ("wrk", "oha") if shutil.which(name)), None)


def rush(links):
    """Requests a second for some addresses of one server in turn, and the milliseconds that 99 % of
    them stay under; `None` without a tool.
    """
    name = tool()
    return {"wrk": wrk, "oha": oha}[name](links) if name else None


def wrk(links):
    paths = (urllib.parse.urlsplit(link)._replace(scheme="", netloc="").geturl() for link in links)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(paths=", ".join(map(json.dumps, paths))))
        script.flush()
        options = [f"-t{cores()}", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency"]
        text = printed(["wrk", *options, "--script", script.name, links[0]])
    if trouble := re.search(r"(Socket errors|Non-2xx).*", text):
        raise BenchError(f"wrk: {trouble[0]}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {"rate": rate, "p99": float(number) * UNITS[unit]}


def oha(links):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(links) + "\n")
        file.flush()
        options = ["-c", str(CONNECTIONS), "-z", f"{SECONDS}s", "--no-tui", "--output-format", "json"]
        answer = json.loads(printed(["oha", *options, "--urls-from-file", file.name]))
    if set(answer["statusCodeDistribution"]) != {"200"}:
        raise BenchError(f"oha: answers by status: {answer['statusCodeDistribution']}")
    rate = answer["summary"]["requestsPerSec"]
    return {"rate": rate, "p99": answer["latencyPercentiles"]["p99"] * 1000}


def printed(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout
