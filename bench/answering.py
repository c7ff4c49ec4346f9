"""The side of a peer's program: answers requests until there are no more."""

import json
import resource
import sys
import time


def serve(peer):
    """Calls the methods that are asked for, one JSON list of name and values a line."""
    for line in sys.stdin:
        call, *values = json.loads(line)
        print(json.dumps(getattr(peer, call)(*values)), flush=True)


def timed(function, *values):
    """What a function returns, and its seconds."""
    started = time.perf_counter()
    result = function(*values)
    return result, time.perf_counter() - started


def peak():
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
