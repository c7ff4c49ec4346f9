"""Puts the results of a run into the project's documentation."""

import json
import shutil

from machine import BenchError

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def page(docs):
    """The page that has the results."""
    return docs / "SCALABILITY.md"


def check(docs):
    """Fails where the page has no place for results."""
    text = page(docs).read_text() if page(docs).exists() else ""
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise BenchError(
            f"{page(docs)} must have the lines {BEGIN} and {END}; the results go between them"
        )


def publish(docs, results, images, markdown):
    """Writes the tables into the page, and all samples and the plots beside it."""
    before, rest = page(docs).read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page(docs).write_text(f"{before}{BEGIN}\n\n{markdown}\n\n{END}{after}")
    compact = json.dumps(json.loads(results.read_text()), ensure_ascii=False, separators=(",", ":"))
    (docs / "scalability.json").write_text(compact + "\n")
    (docs / "images").mkdir(exist_ok=True)
    for image in images.glob("scalability-*.svg"):
        shutil.copy(image, docs / "images")
