"""Following a file through appends, tears, rotation, truncation and replacement: nothing lost, nothing twice."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sreconsole.sessions import tail as tailing
from sreconsole.sessions.tail import Cursor, Lines, Tail, tail


def all_of(path: Path, cursor: Cursor) -> tuple[list[bytes], Cursor, str]:
    found: list[bytes] = []
    why = ""
    while True:
        lines, cursor = tail(path, cursor)
        found += lines.lines
        why = why or lines.restarted
        if not lines.more:
            return found, cursor, why


def test_a_line_is_told_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n{"n":')
    found, cursor, _ = all_of(log, Cursor())
    assert found == [b'{"n":1}']
    with log.open("ab") as out:
        out.write(b"2}")
    found, cursor, _ = all_of(log, cursor)
    assert found == [b'{"n":2}'], "a whole object needs no newline"
    with log.open("ab") as out:
        out.write(b'\n{"n":3}\n')
    found, cursor, why = all_of(log, cursor)
    assert (found, why) == ([b'{"n":3}'], "")
    assert all_of(log, cursor)[0] == []


def test_a_file_that_vanished_keeps_its_cursor(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n')
    _, cursor, _ = all_of(log, Cursor())
    log.unlink()
    lines, after = tail(log, cursor)
    assert lines.gone and after == cursor
    log.write_bytes(b'{"n":1}\n{"n":2}\n')
    assert all_of(log, after)[0] == [b'{"n":2}'], "the same beginning came back: it goes on"


@pytest.mark.parametrize("after", [b'{"n":9}\n', b'{"n":9}\n{"n":8}\n{"n":7}\n{"n":6}\n'])
def test_a_truncated_file_begins_anew_even_when_it_has_grown_past_the_cursor(tmp_path: Path, after: bytes) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n{"n":2}\n')
    _, cursor, _ = all_of(log, Cursor())
    with log.open("r+b") as out:
        out.truncate(0)
        out.write(after)
    found, _, why = all_of(log, cursor)
    assert b"\n".join(found) + b"\n" == after
    assert why in ("truncated", "rewritten")


def test_a_rotated_file_is_read_to_its_end_first(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n')
    _, cursor, _ = all_of(log, Cursor())
    with log.open("ab") as out:
        out.write(b'{"n":2}\n')
    log.rename(tmp_path / "a.1.jsonl")
    log.write_bytes(b'{"n":3}\n{"n":4}\n')
    found, _, _ = all_of(log, cursor)
    assert found == [b'{"n":2}', b'{"n":3}', b'{"n":4}']


def test_a_rewrite_that_keeps_what_was_read_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n')
    _, cursor, _ = all_of(log, Cursor())
    (tmp_path / "new").write_bytes(b'{"n":1}\n{"n":2}\n')
    os.replace(tmp_path / "new", log)
    assert all_of(log, cursor)[0] == [b'{"n":2}']


def test_a_line_too_long_is_passed_over_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "LONGEST_LINE", 1000)
    monkeypatch.setattr(tailing, "BLOCK", 256)
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n{"s":"' + b"x" * 3000 + b'"}\n{"n":2}\n')
    lines, cursor = tail(log, Cursor())
    assert (lines.lines, lines.too_long) == ((b'{"n":1}', b'{"n":2}'), 1)
    with log.open("ab") as out:
        out.write(b'{"s":"' + b"y" * 1500)
    lines, cursor = tail(log, cursor)
    assert (lines.lines, lines.too_long, cursor.skipping) == ((), 1, True)
    with log.open("ab") as out:
        out.write(b'"}\n{"n":3}\n')
    lines, cursor = tail(log, cursor)
    assert (lines.lines, lines.too_long, cursor.skipping) == ((b'{"n":3}',), 0, False)


def test_a_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"{}\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError):
            tail(tmp_path / name, Cursor())


class Histories(RuleBasedStateMachine):
    """A file lives through anything; a follower, restarted now and then, must have told exactly what was written.

    `told` is what a consumer holds: a restart of the history empties it. `written` is what the file's history is.
    """

    @initialize()
    def begin(self) -> None:
        self.folder = Path(os.environ["SRECONSOLE_TAIL_TEST"]) / str(id(self))
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            old.unlink()
        self.path = self.folder / "log.jsonl"
        self.path.touch()
        self.tail = Tail(self.path)
        self.number = 0
        self.torn = b""
        self.written: list[int] = []
        self.told: list[int] = []
        self.rotations = 0
        self.look()

    def line(self) -> bytes:
        self.number += 1
        return json.dumps({"n": self.number, "s": "x" * (self.number * 7 % 40)}).encode()

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as out:
            out.write(data)

    @rule(count=st.integers(1, 4), joined=st.booleans())
    def write_lines(self, count: int, joined: bool) -> None:
        data = self.torn_end()
        for _ in range(count):
            data += self.line() + b"\n"
            self.written.append(self.number)
        self.append(data + (b"\n" if joined else b""))

    def torn_end(self) -> bytes:
        """Completes a torn line first, as a client's next write does."""
        rest, self.torn = self.torn, b""
        if rest:
            self.written.append(self.pending)
            return rest + b"\n"
        return b""

    @precondition(lambda self: not self.torn)
    @rule(cut=st.integers(1, 60))
    def tear(self, cut: int) -> None:
        line = self.line()
        at = min(cut, len(line) - 1)
        self.append(line[:at])
        self.torn, self.pending = line[at:], self.number

    @precondition(lambda self: self.torn)
    @rule()
    def mend(self) -> None:
        self.append(self.torn_end())

    @precondition(lambda self: not self.torn)
    @rule()
    def rotate(self) -> None:
        """A file that came and went between two looks under a name nobody follows is another file: one at a time."""
        if self.changed_unseen:
            self.look()
        self.changed_unseen = True
        self.rotations += 1
        self.path.rename(self.folder / f"log.{self.rotations}.jsonl")
        self.path.touch()

    @precondition(lambda self: not self.torn)
    @rule(keep=st.booleans())
    def replace(self, keep: bool) -> None:
        """An atomic rewrite: with the whole history, or with another one. The old file is deleted."""
        self.look()
        new = self.folder / "new"
        if keep:
            new.write_bytes(self.path.read_bytes())
            self.changed_unseen = True
        else:
            line = self.line()
            self.written = [self.number]
            new.write_bytes(line + b"\n")
        os.replace(new, self.path)
        if not keep:
            self.look(began_anew=True)

    @precondition(lambda self: not self.torn)
    @rule()
    def truncate(self) -> None:
        """What was not read before a truncation is gone from the disk: the follower looks before it."""
        self.look()
        os.truncate(self.path, 0)
        line = self.line()
        self.written = [self.number]
        self.append(line + b"\n")
        self.look(began_anew=True)

    @rule()
    def crash(self) -> None:
        """The follower starts again from its stored cursor."""
        cursor = self.tail.cursor
        self.tail.close()
        self.tail = Tail(self.path, cursor)

    @rule()
    def look(self, began_anew: bool = False) -> None:
        self.changed_unseen = False
        if began_anew:
            self.told = []
        while True:
            lines: Lines = self.tail.look()
            if lines.restarted:
                self.told = []
            self.told += [json.loads(line)["n"] for line in lines.lines]
            if not lines.more:
                break

    @invariant()
    def nothing_twice(self) -> None:
        if hasattr(self, "told"):
            assert len(set(self.told)) == len(self.told)
            assert self.told == self.written[: len(self.told)]

    def teardown(self) -> None:
        if hasattr(self, "tail"):
            self.look()
            assert self.told == self.written, "nothing lost"
            self.tail.close()


HISTORIES = int(os.environ.get("SRECONSOLE_HISTORIES", "400"))


def test_random_histories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SRECONSOLE_HISTORIES=10000` for the full count."""
    from hypothesis.stateful import run_state_machine_as_test

    monkeypatch.setenv("SRECONSOLE_TAIL_TEST", str(tmp_path))
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=HISTORIES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
