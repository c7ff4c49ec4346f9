#!/usr/bin/env python3
"""Checks, without the network, that what the documentation refers to exists.

    docs/test/links.py

- Links and images of every Markdown file lead to a file of the project, and their anchors to a heading.
- Paths in `code` of Markdown files, such as `src/geo/cover.rs` or `store/claims.rs`, exist; they may
  start at the project's root, in src/, in tests/suite/, in tests/once/ or in console/src/.
- Names in `code` such as `Store::publish` occur in the source.
- Paths such as docs/guides/cloud.md that other files mention exist.
"""

import re
import sys
from urllib.parse import unquote

from markdown import ROOT, prose, slugs, tracked

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s+(\S+)")
CODE = re.compile(r"`([^`]+)`")
SOURCE = re.compile(r"^(?:[\w.-]+/)+[\w.-]+\.(?:rs|py|tsx?|mjs|sql|toml|ya?ml|tf|graphql|md|json)$|^(?:[\w.-]+/)+$")
NAME = re.compile(r"^[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+$")
MENTION = re.compile(r"(?<![\w/.-])docs/(?:[\w-]+/)*[\w-]+\.md")
# Made by a build or by the program itself.
ELSEWHERE = ("bench/work", "images/", "target/", "data/", "dist/", "spool/", "console/test/screenshots", "test/screenshots")
BINARY = {".png", ".ico", ".woff2"}


def exists(path):
    folders = [ROOT, ROOT / "src", ROOT / "tests/suite", ROOT / "tests/once", ROOT / "console/src"]
    return path.startswith(ELSEWHERE) or any((folder / path).exists() for folder in folders)


def broken_link(file, target, anchors):
    if re.match(r"^[a-z][a-z0-9+.-]*:", target):
        return None
    path, _, anchor = target.partition("#")
    place = (file.parent / unquote(path)).resolve() if path else file
    if not place.is_relative_to(ROOT) or not place.exists():
        return f"{target}: there is no such file"
    if anchor and place.suffix == ".md":
        if place not in anchors:
            anchors[place] = set(slugs(place.read_text()))
        if anchor not in anchors[place]:
            return f"{target}: there is no such heading"
    return None


def words():
    """Every word of the Rust source."""
    source = (file.read_text() for file in tracked("*.rs"))
    return {word for text in source for word in re.findall(r"\w+", text)}


def main():
    problems, anchors, links, known = [], {}, 0, words()
    for file in tracked("*.md"):
        name, text = file.relative_to(ROOT), file.read_text()
        for number, line in prose(text):
            bare = CODE.sub("", line)
            targets = LINK.findall(bare) + DEFINITION.findall(bare)
            # The text of a link may be code.
            targets += [target for target in LINK.findall(line) if target not in targets]
            links += len(targets)
            for target in targets:
                problem = broken_link(file, target, anchors)
                if problem:
                    problems.append(f"{name}:{number}: {problem}")
            for path in CODE.findall(line):
                if SOURCE.match(path) and not exists(path) and not (file.parent / path).exists():
                    problems.append(f"{name}:{number}: `{path}`: there is no such file")
                if NAME.match(path) and not set(path.split("::")) <= known:
                    problems.append(f"{name}:{number}: `{path}`: there is no such name")
    for file in tracked():
        if file.suffix in BINARY or file.suffix == ".md" or file.is_relative_to(ROOT / "docs/test"):
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            for path in MENTION.findall(line):
                if not (ROOT / path).exists():
                    problems.append(f"{file.relative_to(ROOT)}:{number}: {path}: there is no such file")
    print("\n".join(problems) if problems else f"{links} links lead somewhere")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
