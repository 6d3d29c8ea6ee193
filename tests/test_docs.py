"""The documents keep their word: links lead somewhere, and what is shown can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from house import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORDS = re.compile(r"^sreconsole (?P<words>[a-z-]+(?: [a-z-]+)?)", re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        todo += [(page.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text())]
    assert set(PAGES) <= reached, set(PAGES) - reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_shown_exist(page: Path) -> None:
    """Every `sreconsole word …` in a code block is a command with help."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.M | re.S)
    shown = {match["words"] for block in blocks for match in WORDS.finditer(block)}
    for words in sorted(shown):
        first = shlex.split(words)[0]
        done = subprocess.run(
            [sys.executable, "-m", "sreconsole", first, "--help"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{page.name} shows `sreconsole {words}`: {done.stderr}"


def test_the_first_screen_of_the_readme_holds_both_commands() -> None:
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:24])
    assert "sreconsole demo" in first
    assert "python3 -m pytest" in first
