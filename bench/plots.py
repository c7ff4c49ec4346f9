"""Plots of cost against size: run by a Python that has matplotlib.

`plots.py RESULTS FOLDER` reads the JSON of a run and writes an SVG for each plot.
"""

import json
import sys
from pathlib import Path

import results

MARKERS = "osD^vX"


def main(file, folder):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {
        # Text stays text, and the same results make the same file.
        "svg.fonttype": "none",
        "svg.hashsalt": "tripgraph",
        "font.family": "sans-serif",
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    records = [each for each in json.loads(file.read_text())["sizes"] if each["shape"] == "cities"]
    plot(
        records, folder / "scalability-question.svg",
        "weeklyAverage of 47 km² by ORIGIN, warm", "milliseconds", results.time,
    )  # fmt: skip
    plot(
        records, folder / "scalability-ingest.svg",
        "ingest, from the file to the answers", "rows/s", results.rate,
    )  # fmt: skip
    plot(
        records, folder / "scalability-memory.svg", "peak memory of an ingest", "MB",
        lambda record, title: (results.ingest(record, title, "memory") or 0) / 1e6 or None,
    )  # fmt: skip


def plot(records, file, title, unit, value):
    """A line for each program, on logarithmic axes."""
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    lines = {}
    for record in records:
        for name in record["programs"]:
            if (cost := value(record, name)) is not None:
                lines.setdefault(name, []).append((record["rows"], cost))
    if not lines:
        return
    figure, axes = pyplot.subplots(figsize=(7.5, 4.5), layout="constrained")
    for marker, (name, points) in zip(MARKERS, lines.items()):
        width = 2.5 if name == results.TRIPGRAPH else 1.5
        axes.plot(*zip(*points), marker=marker, linewidth=width, label=name)
    axes.set(xscale="log", yscale="log", title=title, xlabel="trips", ylabel=unit)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([record["rows"] for record in records])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda number, _: short(number)))
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, facecolor="white", metadata={"Date": None})
    pyplot.close(figure)


def short(number):
    """A number as an axis shows it, such as 10M."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:g}{letter}"
    return f"{number:g}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
