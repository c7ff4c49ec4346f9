#!/usr/bin/env python3
"""Puts the results of a run into the project's documentation.

    bench/publish.py            # writes the tables again, from docs/scalability.json
    bench/publish.py --check    # fails where the page differs from them
"""

import json
import shutil
import sys
from pathlib import Path

import tables
from machine import BenchError
from results import Results

BEGIN, END = "<!-- results -->", "<!-- /results -->"
DOCS = Path(__file__).resolve().parents[1] / "docs"


def page(docs):
    """The page that has the results."""
    return docs / "reference" / "measurements.md"


def check(docs):
    """Fails where the page has no place for results."""
    text = page(docs).read_text() if page(docs).exists() else ""
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise BenchError(
            f"{page(docs)} must have the lines {BEGIN} and {END}; the results go between them"
        )


def publish(docs, results, images):
    """Writes all samples and the plots into `docs`, and the tables that they give into the page."""
    compact = json.dumps(json.loads(results.read_text()), ensure_ascii=False, separators=(",", ":"))
    (docs / "scalability.json").write_text(compact + "\n")
    (docs / "images").mkdir(exist_ok=True)
    for image in images.glob("scalability-*.svg"):
        shutil.copy(image, docs / "images")
    page(docs).write_text(rendered(docs))


def rendered(docs):
    """The page with the tables of the samples that were published last."""
    content = json.loads((docs / "scalability.json").read_text())
    results = Results(None, content["head"], content["sizes"], content["many"])
    drawn = [name for name in tables.PLOTS if (docs / f"images/scalability-{name}.svg").exists()]
    return with_results(docs, tables.markdown(results, drawn, None))


def with_results(docs, markdown):
    """The page with these tables. Plots are in a folder beside that of the page."""
    markdown = markdown.replace("](images/", "](../images/")
    before, rest = page(docs).read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}\n\n{markdown}\n\n{END}{after}"


def main():
    text = rendered(DOCS)
    if text == page(DOCS).read_text():
        print("the measurements are up to date")
    elif "--check" in sys.argv[1:]:
        sys.exit(f"{page(DOCS)} is out of date: bench/publish.py")
    else:
        page(DOCS).write_text(text)


if __name__ == "__main__":
    main()
