"""Reads the project's Markdown files: which there are, their fenced blocks, their prose."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\S*)\s*$")


def tracked(*patterns):
    """Files of the project, without what is built or installed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({ROOT / name for name in names.splitlines() if (ROOT / name).is_file()})


def blocks(text):
    """Fenced blocks: language, number of the first line inside, lines inside."""
    fence, language, start, inside = None, "", 0, []
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if fence is None and match:
            fence, language, start, inside = match[1], match[2], number + 1, []
        elif fence is not None and match and match[1].startswith(fence) and not match[2]:
            yield language, start, inside
            fence = None
        elif fence is not None:
            inside.append(line)


def prose(text):
    """Numbered lines outside fenced blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if match and fence is None:
            fence = match[1]
        elif match and match[1].startswith(fence) and not match[2]:
            fence = None
        elif fence is None:
            yield number, line


def slugs(text):
    """Anchors of a file's headings, as GitHub makes them."""
    seen = {}
    for _, line in prose(text):
        heading = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if not heading:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug
