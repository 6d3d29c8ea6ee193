"""A command line's options and operands, read by the usual getopt conventions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .shell import Word

NOTHING: frozenset[str] = frozenset()


class Options:
    """`flags`: options seen, clusters taken apart (`-rf` is r and f). `values`: option to its last value.
    `rest`: operands in order."""

    __slots__ = ("flags", "rest", "values")

    def __init__(self, args: Sequence[Word], valued: Collection[str] = NOTHING, *, clusters: bool = True) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, Word] = {}
        self.rest: list[Word] = []
        index, total = 0, len(args)
        while index < total:
            word = args[index]
            index += 1
            if word[:1] != "-" or len(word) == 1:
                self.rest.append(word)
                continue
            if word == "--":
                self.rest.extend(args[index:])
                break
            index += self._option(word, args[index] if index < total else None, valued, clusters)

    def _option(self, word: Word, following: Word | None, valued: Collection[str], clusters: bool) -> int:
        if word.startswith("--") or not clusters:
            name, equals, value = word.partition("=")
            name = name.lstrip("-")
            self.flags.add(name)
            if equals:
                self.values[name] = word.like(value)
            elif name in valued and following is not None:
                self.values[name] = following
                return 1
            return 0
        for at in range(1, len(word)):
            letter = word[at]
            self.flags.add(letter)
            if letter in valued:
                if at + 1 < len(word):
                    self.values[letter] = word.like(word[at + 1 :])
                    return 0
                if following is not None:
                    self.values[letter] = following
                    return 1
                return 0
        return 0

    def has(self, *names: str) -> bool:
        """Whether any of these options was given."""
        return not self.flags.isdisjoint(names)

    def value(self, *names: str) -> Word:
        """The value of the first of these options that has one, or an empty word."""
        for name in names:
            if name in self.values:
                return self.values[name]
        return Word("")
