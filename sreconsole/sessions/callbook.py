"""Every call once: the same call stands in several lines, files and sessions, and must be counted from the right one."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .tokens import Tokens

FAST, EMBEDDED, SIDECHAIN = 1, 2, 4


Place = tuple[str, str, str, str, str]


class About(NamedTuple):
    """What a call's price and place depend on, beside its tokens. `day` is YYYY-MM-DD (UTC), "" where unknown; `agent`
    the subagent that made it ("" the main thread, or not asked for)."""

    client: str
    model: str
    day: str
    session: str
    agent: str = ""


NOTHING = About("", "", "", "")


class CallBook:
    """Calls by message id. Columns, not objects: a hundred thousand calls take 25 MB.

    Rules, each from an error measured on real logs: one call is written as several lines, the largest usage is the
    final one; a call's own line beats the copy a parent embeds in its progress; an id without a request is the same
    call as the id with one; a side chain that replays its parent under a new request is no new call.
    """

    def __init__(self) -> None:
        self.abouts: list[About] = []
        self._about_at: dict[Place, int] = {}
        self._row: dict[str, int] = {}
        self._again: dict[tuple[str, int], int] = {}
        self._request = array("q")
        self._tokens: tuple[array[int], ...] = tuple(array("q") for _ in Tokens._fields)
        self._about = array("l")
        self._flags = array("b")

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, key: str, request: str, about: Place, flags: int, tokens: tuple[int, ...]) -> None:
        """Counts a line's usage. `about` as in `About`; `tokens` as in `Tokens`; `key` "" is a call of its own."""
        asked = hash(request) if request else 0
        row = self._row.get(key) if key else None
        if row is None:
            if key:
                self._row[key] = len(self._flags)
            self._append(asked, about, flags, tokens)
            return
        known = self._request[row]
        if known != asked:
            if not known:
                self._request[row] = asked
            elif asked:
                if (self._flags[row] ^ flags) & SIDECHAIN:
                    if not flags & SIDECHAIN:
                        self._request[row] = asked
                        self._write(row, about, flags, tokens)
                    return
                other = self._again.get((key, asked))
                if other is None:
                    self._again[key, asked] = len(self._flags)
                    self._append(asked, about, flags, tokens)
                    return
                row = other
        self._merge(row, about, flags, tokens)

    def replace(self, key: str, about: Place, tokens: tuple[int, ...]) -> None:
        """Counts a message whose last version is the right one."""
        row = self._row.get(key)
        if row is None:
            self.add(key, "", about, 0, tokens)
        else:
            self._write(row, about, 0, tokens)

    def _merge(self, row: int, about: Place, flags: int, tokens: tuple[int, ...]) -> None:
        held = self._flags[row]
        if (held ^ flags) & EMBEDDED:
            if held & EMBEDDED:
                self._write(row, about, flags, tokens)
            return
        one, two, three, four, five = self._tokens
        if sum(tokens) > one[row] + two[row] + three[row] + four[row] + five[row]:
            self._write(row, about, flags, tokens)

    def _number(self, about: Place) -> int:
        at = self._about_at.get(about)
        if at is None:
            at = self._about_at[about] = len(self.abouts)
            self.abouts.append(About(*about))
        return at

    def _append(self, asked: int, about: Place, flags: int, tokens: tuple[int, ...]) -> None:
        one, two, three, four, five = self._tokens
        one.append(tokens[0])
        two.append(tokens[1])
        three.append(tokens[2])
        four.append(tokens[3])
        five.append(tokens[4])
        self._request.append(asked)
        self._about.append(self._number(about))
        self._flags.append(flags)

    def _write(self, row: int, about: Place, flags: int, tokens: tuple[int, ...]) -> None:
        """The session stays the one that was seen first: a fork or resume copies calls, it does not make them."""
        for column, value in zip(self._tokens, tokens, strict=True):
            column[row] = value
        held = self.abouts[self._about[row]]
        if held != about:
            self._about[row] = self._number((held.client, about[1], about[2], held.session, held.agent))
        self._flags[row] = flags

    def calls(self) -> Iterator[tuple[About, bool, Tokens]]:
        """Each call: what it is about, whether it was made in fast mode, its tokens."""
        abouts = self.abouts
        for about, flags, values in zip(self._about, self._flags, zip(*self._tokens, strict=True), strict=True):
            yield abouts[about], bool(flags & FAST), Tokens._make(values)

    def per_session(self) -> dict[str, Tokens]:
        """What each session used, all models together."""
        totals: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 5)
        for about, _, tokens in self.calls():
            held = totals[about.session]
            for at, value in enumerate(tokens):
                held[at] += value
        return {session: Tokens(*values) for session, values in totals.items()}

    def tokens_of(self, key: str) -> Tokens:
        """What is held of the call with this message id; none where it is not known."""
        row = self._row.get(key) if key else None
        return Tokens() if row is None else Tokens(*(column[row] for column in self._tokens))

    def sessions(self) -> int:
        return len({about.session for about in self.abouts} - {""})
