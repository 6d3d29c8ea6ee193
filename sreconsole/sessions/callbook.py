"""Every call once: the same call stands in several lines, files and sessions, and must be counted from the right one."""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .tokens import Tokens

FAST, EMBEDDED, SIDECHAIN = 1, 2, 4


class Sum(NamedTuple):
    """Tokens of the calls that share a price, as `CallBook.sums` gives them."""

    model: str
    day: str
    fast: bool
    session: str
    client: str
    tokens: Tokens
    context: int


class Names:
    """Words kept once, known by their number."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._at: dict[str, int] = {}

    def number(self, word: str) -> int:
        at = self._at.get(word)
        if at is None:
            at = self._at[word] = len(self.words)
            self.words.append(word)
        return at


class CallBook:
    """Calls by message id. Columns, not objects: a hundred thousand calls take 25 MB.

    Rules, each from an error measured on real logs: one call is written as several lines, the largest usage is the
    final one; a call's own line beats the copy a parent embeds in its progress; an id without a request is the same
    call as the id with one; a side chain that replays its parent under a new request is no new call.
    """

    def __init__(self) -> None:
        self.models, self.days, self.sessions, self.clients = Names(), Names(), Names(), Names()
        self._row: dict[str, int] = {}
        self._again: dict[tuple[str, int], int] = {}
        self._request = array("q")
        self._columns = tuple(array("q") for _ in Tokens._fields)
        self._model, self._day, self._session = array("l"), array("l"), array("l")
        self._flags, self._client = array("b"), array("b")

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, key: str, request: str, about: tuple[str, str, str, str], flags: int, tokens: Tokens) -> None:
        """Counts a line's usage. `about` is client, model, day (YYYY-MM-DD) and session; `key` "" is a call of its own."""
        asked = hash(request) if request else 0
        row = self._row.get(key) if key else None
        if row is None:
            if key:
                self._row[key] = len(self)
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
                    self._again[key, asked] = len(self)
                    self._append(asked, about, flags, tokens)
                    return
                row = other
        self._merge(row, about, flags, tokens)

    def replace(self, key: str, about: tuple[str, str, str, str], tokens: Tokens) -> None:
        """Counts a message whose last version is the right one."""
        row = self._row.get(key)
        if row is None:
            self.add(key, "", about, 0, tokens)
        else:
            self._write(row, about, 0, tokens)

    def _merge(self, row: int, about: tuple[str, str, str, str], flags: int, tokens: Tokens) -> None:
        held = self._flags[row]
        if (held ^ flags) & EMBEDDED:
            if held & EMBEDDED:
                self._write(row, about, flags, tokens)
            return
        if sum(tokens) >= sum(column[row] for column in self._columns):
            self._write(row, about, flags, tokens)

    def _append(self, asked: int, about: tuple[str, str, str, str], flags: int, tokens: Tokens) -> None:
        client, model, day, session = about
        self._request.append(asked)
        for column, value in zip(self._columns, tokens, strict=True):
            column.append(value)
        self._client.append(self.clients.number(client))
        self._model.append(self.models.number(model))
        self._day.append(self.days.number(day))
        self._session.append(self.sessions.number(session))
        self._flags.append(flags)

    def _write(self, row: int, about: tuple[str, str, str, str], flags: int, tokens: Tokens) -> None:
        """The session stays the one that was seen first: a fork or resume copies calls, it does not make them."""
        for column, value in zip(self._columns, tokens, strict=True):
            column[row] = value
        self._model[row] = self.models.number(about[1])
        self._day[row] = self.days.number(about[2])
        self._flags[row] = flags

    def calls(self) -> Iterator[Sum]:
        """Each call, with the context its price depends on."""
        for row, values in enumerate(zip(*self._columns, strict=True)):
            tokens = Tokens(*values)
            yield Sum(
                self.models.words[self._model[row]],
                self.days.words[self._day[row]],
                bool(self._flags[row] & FAST),
                self.sessions.words[self._session[row]],
                self.clients.words[self._client[row]],
                tokens,
                tokens.context,
            )

    def per_session(self) -> dict[str, Tokens]:
        """What each session used, all models together."""
        totals: defaultdict[str, Tokens] = defaultdict(Tokens)
        for call in self.calls():
            totals[call.session] = totals[call.session].plus(call.tokens)
        return dict(totals)
