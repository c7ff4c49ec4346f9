"""The child process of a peer: answers requests until its input ends."""

import json
import resource
import sys
import time


def serve(peer):
    """Calls methods as requested, one JSON list of name and arguments per line."""
    for line in sys.stdin:
        call, *values = json.loads(line)
        print(json.dumps(getattr(peer, call)(*values)), flush=True)


def timed(function, *values):
    """The result of a function, and the seconds it took."""
    started = time.perf_counter()
    result = function(*values)
    return result, time.perf_counter() - started


def peak():
    """Peak memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
