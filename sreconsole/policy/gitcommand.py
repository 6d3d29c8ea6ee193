"""The git commands a command line spells out plainly: folder, verb and words. What hides one is not guessed at."""

from __future__ import annotations

import os.path
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 64 * 1024
"""Characters of a command that are read."""

VALUED = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--exec-path")

PLAIN_BEFORE = ("command", "time", "env", "nice", "nohup", "sudo")
"""Words in front of git that change nothing about which repository it works in."""


@dataclass(frozen=True, slots=True)
class GitCommand:
    """One `git VERB WORDS…` in `folder` (absolute; "" when it is not known before it runs)."""

    folder: str
    verb: str
    words: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of the options is given; short ones (one letter) also within a cluster."""
        for word in self.options:
            bare = word.partition("=")[0]
            if any(bare == f"--{name}" for name in names if len(name) > 1):
                return True
            cluster = word[1:] if not word.startswith("--") else ""
            if any(name in cluster for name in names if len(name) == 1):
                return True
        return False

    @property
    def options(self) -> tuple[str, ...]:
        """Words that begin with a dash, before `--`."""
        return tuple(word for word in self._before if word.startswith("-") and word != "-")

    @property
    def operands(self) -> tuple[str, ...]:
        """The other words before `--`."""
        return tuple(word for word in self._before if not word.startswith("-"))

    @property
    def paths(self) -> tuple[str, ...]:
        """What follows `--`."""
        return self.words[self.words.index("--") + 1 :] if "--" in self.words else ()

    @property
    def _before(self) -> tuple[str, ...]:
        return self.words[: self.words.index("--")] if "--" in self.words else self.words


def commands(text: str, cwd: str) -> list[GitCommand] | None:
    """The git commands in a command line, in order; None when it cannot be read as plain words."""
    if len(text) > LONGEST or any(mark in text for mark in ("$(", "`", "<<")):
        return None
    found: list[GitCommand] = []
    folder = cwd
    for part in _parts(text) or []:
        words = _bare(part)
        if not words:
            continue
        if words[0] in ("cd", "pushd") and len(words) > 1:
            folder = _into(folder, words[1])
        elif Path(words[0]).name == "git" and (one := _git(words[1:], folder)):
            found.append(one)
    return found or None


def _parts(text: str) -> list[list[str]] | None:
    """The simple commands: words between `;`, `&`, `|`, brackets and line ends. None when quotes do not close."""
    lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    parts: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and set(word) <= set("();|&"):
                parts.append([])
            else:
                parts[-1].append(word)
    except ValueError:
        return None
    return parts


def _bare(words: list[str]) -> list[str]:
    """The words from the program on: assignments and words like `sudo` go."""
    at = 0
    while at < len(words) and (
        words[at] in PLAIN_BEFORE or ("=" in words[at] and words[at].split("=", 1)[0].isidentifier())
    ):
        at += 1
    return words[at:]


def _git(words: Sequence[str], folder: str) -> GitCommand | None:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        name = words[at]
        if name.startswith(("--git-dir", "--work-tree")):
            # Another repository than the folder's own: nothing that is found here would be about it.
            return None
        if name == "-C" and at + 1 < len(words):
            folder = _into(folder, words[at + 1])
        at += 2 if name in VALUED else 1
    if at >= len(words):
        return None
    rest = [word for word in words[at + 1 :] if word not in (">", "2>", "2>&1", ">&2")]
    return GitCommand(folder, words[at], tuple(rest))


def _into(folder: str, name: str) -> str:
    """A folder named from another; "" when it is not known before it runs."""
    return "" if not folder or name[:1] in ("~", "-") or "$" in name else os.path.normpath(Path(folder) / name)
