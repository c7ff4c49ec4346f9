"""Output: numbers, tables, progress."""

import math
import sys


def trips(text):
    """A number of trips, such as 10M."""
    factors = {"k": 1_000, "M": 1_000_000}
    return int(text.rstrip("kM")) * factors.get(text[-1], 1)


def shown(milliseconds):
    return f"{milliseconds:.1f}"


def tall(rows):
    """A number of trips in short form, such as 10M."""
    for factor, letter in ((1_000_000, "M"), (1_000, "k")):
        if rows % factor == 0:
            return f"{rows // factor:,}{letter}"
    return f"{rows:,}"


def percentile(values, percent):
    """The value that the given percentage of values do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def facts(pairs):
    """A Markdown list of names and values."""
    return "\n".join(f"- {what}: {which}" for what, which in pairs)


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def say(text):
    print(text, file=sys.stderr, flush=True)
