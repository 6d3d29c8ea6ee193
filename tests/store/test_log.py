"""Reading the fleet log: the same rows as a plain scan would give, by plans that stay cheap at any size."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.store import agents, database, escalations, grants, heads, log, outbox, retention, sessions
from sreconsole.store.event import Entry, Event
from sreconsole.store.log import Filter, Tip
from sreconsole.store.writer import Tx

WORDS = (
    "bash",
    "passed",
    "password",
    "approved",
    "approve",
    "esc-04f2",
    "esc-04f3",
    "terraform",
    "café",
    "1234",
    "12345",
    "été",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    connection = database.open_writer(tmp_path_factory.mktemp("log") / "fleet.db")
    rng, head = random.Random(7), log.tip(connection)
    connection.execute("BEGIN IMMEDIATE")
    for n in range(600):
        event = Event(
            rng.choice(("tool.passed", "tool.refused", "page.sent")), n, session=rng.choice(("", "s-1", "s-2")),
            agent=rng.choice(("", "a-1", "a-2", "x' OR 1")), subject=rng.choice(("", "esc-1", "esc-2")),
            severity=rng.randrange(4), summary=" ".join(rng.choices(WORDS, k=3)),
        )  # fmt: skip
        log.append(connection, head, event)
    connection.execute("COMMIT")
    yield connection
    connection.close()


filters = st.builds(
    Filter,
    kind=st.sampled_from(("", "tool.passed", "page.sent", "none.such")),
    session=st.sampled_from(("", "s-1", "s-2", "s-9")),
    agent=st.sampled_from(("", "a-1", "x' OR 1", "A-1")),
    subject=st.sampled_from(("", "esc-1", "esc-9")),
    severe=st.booleans(),
    words=st.sampled_from(
        (
            "",
            "bash",
            "pass",
            "passw",
            "app approved",
            "approv",
            "esc-04f2",
            "esc-04",
            "terra",
            "cafe",
            "CAFÉ",
            "ete",
            "12",
            "123",
            "1234 bash",
            "bash  bash",
            "zzz",
            "--",
            "' OR",
            '"bash"',
            "b",
        )
    ),
)


def tokens(text: str) -> list[str]:
    plain = text.lower().translate(str.maketrans("éà", "ea"))
    return re.findall(r"[^\W_]+", plain)


def holds(entry: Entry, where: Filter) -> bool:
    if any(getattr(where, name) not in ("", getattr(entry, name)) for name in ("kind", "session", "agent", "subject")):
        return False
    if where.severe and entry.severity < 2:
        return False
    said, words = " ".join(tokens(entry.summary)), [w for w in where.words.split() if tokens(w)]
    for word in words[:-1]:
        if f" {' '.join(tokens(word))} " not in f" {said} ":
            return False
    if words:
        last = " ".join(tokens(words[-1]))
        end = "" if len(words[-1]) >= log.BEGINNING else " "
        return f" {last}{end}" in f" {said} "
    return True


@settings(max_examples=300, deadline=None)
@given(where=filters, seq=st.none() | st.integers(0, 650), limit=st.sampled_from((1, 7, 200)))
def test_a_page_is_what_a_scan_would_find(
    store: sqlite3.Connection, where: Filter, seq: int | None, limit: int
) -> None:
    matching = [entry for entry in log.every(store) if holds(entry, where)]
    older = [entry for entry in reversed(matching) if seq is None or entry.seq < seq]
    assert log.before(store, seq, where, limit) == older[:limit]
    newer = [entry for entry in matching if entry.seq > (seq or 0)]
    assert log.after(store, seq or 0, where, limit) == newer[:limit]


def test_pages_go_on_beyond_any_number_of_hits(store: sqlite3.Connection) -> None:
    where, seq, found = Filter(words="bash"), None, list[int]()
    while page := log.before(store, seq, where, 9):
        found += [entry.seq for entry in page]
        seq = page[-1].seq
    assert found == sorted(found, reverse=True) and len(found) == len(set(found))
    assert len(found) == sum("bash" in entry.summary for entry in log.every(store))


@pytest.mark.parametrize(
    "words", ["\x00", "a\x00b", '"', "*", "NEAR(", "a AND", "{summary}: x", "\ue0007465", "-", "^a", "é" * 500]
)
def test_nothing_typed_breaks_the_search(store: sqlite3.Connection, words: str) -> None:
    assert len(log.before(store, None, Filter(words=words))) <= 200
    assert len(log.before(store, None, Filter(words=f"{words} bash", agent="a-1"))) <= 200


def test_no_typed_word_reaches_what_events_are_filed_under(store: sqlite3.Connection) -> None:
    filed = "\ue000" + b"tool.passed".hex().upper()
    assert log.before(store, None, Filter(words=filed)) == []


def test_an_estimate_costs_no_count(store: sqlite3.Connection) -> None:
    assert log.count_estimate(store) == 600
    assert log.bounds(store) == (1, 600)


def test_a_uid_is_appended_once(tmp_path: Path) -> None:
    connection = database.open_writer(tmp_path / "fleet.db")
    head = log.tip(connection)
    seqs = [log.append(connection, head, Event("x", 1, uid=uid)) for uid in ("a", "b", "a", None, None)]
    assert seqs == [1, 2, 1, 3, 4]
    connection.close()


GROWING = ("events", "escalations", "outbox", "grants", "heads", "words", "floor")
Seen = list[tuple[str, list[str]]]


def plans(connection: sqlite3.Connection, act: Callable[[], object]) -> Seen:
    """Every statement that ran, with its query plan."""
    ran: list[str] = []
    connection.set_trace_callback(ran.append)
    act()
    connection.set_trace_callback(None)
    found = []
    for sql in ran:
        # What the triggers and the full-text index do inside is reported as a comment.
        if not sql.lstrip().startswith(("--", "PRAGMA", "SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")):
            found.append((sql, [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]))
    return found


QUESTIONS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "log.tip": log.tip,
    "log.bounds": log.bounds,
    "log.one": lambda c: log.one(c, 5),
    "log.every": lambda c: list(log.every(c)),
    **{
        f"log.before {name}": lambda c, where=where: (
            log.before(c, None, where),
            log.before(c, 400, where),
            log.after(c, 4, where),
        )
        for name, where in {
            "all": Filter(),
            "kind": Filter(kind="page.sent"),
            "session": Filter(session="s-1"),
            "agent": Filter(agent="a-1"),
            "subject": Filter(subject="esc-1"),
            "severe": Filter(severe=True),
            "words": Filter(words="bash passed"),
            "beginning": Filter(words="appr"),
            "number": Filter(words="1234"),
            "subject and severe": Filter(subject="esc-1", severe=True),
            "subject and kind": Filter(subject="esc-1", kind="page.sent"),
            "subject and words": Filter(subject="esc-1", words="bash"),
            "session and kind": Filter(session="s-1", kind="page.sent"),
            "agent and severe": Filter(agent="a-1", severe=True),
            "all of them": Filter("page.sent", "s-1", "a-1", "", True, "bash"),
        }.items()
    },
    "escalations.number": escalations.number,
    "escalations.get": lambda c: escalations.get(c, "esc-0001"),
    "escalations.same_call": lambda c: escalations.same_call(c, "s", "", "call", "asked"),
    "escalations.of_session": lambda c: escalations.of_session(c, "s"),
    "escalations.of_call": lambda c: escalations.of_call(c, "s", "", "c"),
    "escalations.due": lambda c: escalations.due(c, 5),
    "escalations.newest": lambda c: (escalations.newest(c), escalations.newest(c, 50)),
    "grants.number": grants.number,
    "grants.get": lambda c: grants.get(c, "gr-1"),
    "grants.newest": grants.newest,
    "outbox.put": lambda c: outbox.put(c, "key", "webhook", "esc-1", "{}", 5),
    "outbox.due": lambda c: outbox.due(c, 5),
    "outbox.of_subject": lambda c: outbox.of_subject(c, "esc-1"),
    "outbox.newest": outbox.newest,
    "sessions.get": lambda c: sessions.get(c, "s"),
    "sessions.newest": sessions.newest,
    "heads.last": lambda c: heads.last(c, "file:/x"),
    "heads.record": lambda c: heads.record(c, "file:/x", Tip(7, "h"), 1),
    "heads.forget": lambda c: heads.forget(c, 3),
    "retention.horizon": lambda c: retention.horizon(c, 50),
    "retention.cut": lambda c: retention.cut(Tx(c, log.tip(c))),
}

SMALL = {
    "escalations.waiting": escalations.waiting, "escalations.to_page": lambda c: escalations.to_page(c, 5),
    "agents.every": agents.every, "sessions.live": sessions.live, "sessions.scopes": sessions.scopes,
    "heads.home": heads.home, "grants.live": lambda c: grants.live(c, "s", 5),
}  # fmt: skip
"""Queries over what is small by its nature: open questions, agents, live sessions, one session's live grants."""


def scanned(plan: list[str]) -> list[str]:
    """The lines of a plan that read a growing table from end to end without a bound, or sort."""
    bad = [line for line in plan if "TEMP B-TREE" in line]
    for line in plan:
        scan = re.match(r"SCAN (\w+)(?! VIRTUAL)", line)
        if scan and scan[1] in GROWING and "USING" not in line:
            bad.append(line)
    return bad


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_query_scans_or_sorts_what_grows(store: sqlite3.Connection, name: str) -> None:
    store.execute("SAVEPOINT look")
    try:
        seen = plans(store, lambda: QUESTIONS[name](store))
    finally:
        store.execute("ROLLBACK TO look")
        store.execute("RELEASE look")
    assert seen
    for sql, plan in seen:
        # The newest rows of a table are a scan of its key from the end, which LIMIT stops.
        limited = "LIMIT" in sql or "max(" in sql or "min(" in sql
        assert [line for line in scanned(plan) if "TEMP B-TREE" in line or not limited] == [], (sql, plan)


@pytest.mark.parametrize("name", SMALL)
def test_what_is_small_is_read_by_its_own_index(store: sqlite3.Connection, name: str) -> None:
    for sql, plan in plans(store, lambda: SMALL[name](store)):
        assert not any(re.match(r"SCAN (events|escalations|outbox)$", line) for line in plan), (sql, plan)


EXPECTED = {
    "all": ["SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"],
    "kind": ["SEARCH events USING INDEX events_kind (kind=? AND seq<?)"],
    "session": ["SEARCH events USING INDEX events_session (session=? AND seq<?)"],
    "agent": ["SEARCH events USING INDEX events_agent (agent=? AND seq<?)"],
    "subject": ["SEARCH events USING INDEX events_subject (subject=? AND seq<?)"],
    "severe": ["SEARCH events USING INDEX events_severe (seq<?)"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_filter_uses_its_index_from_the_end(store: sqlite3.Connection, name: str) -> None:
    where = {"all": Filter(), "severe": Filter(severe=True)}.get(name) or Filter(**{name: "x"})
    sql, values = log.query(store, where, "<", 99, 50)
    assert [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}", values)] == EXPECTED[name]


@pytest.mark.parametrize(
    "where", [Filter(words="bash"), Filter(words="pass", agent="a-1"), Filter(kind="x", severe=True)]
)
def test_words_and_several_filters_are_met_in_the_index_in_order(store: sqlite3.Connection, where: Filter) -> None:
    sql, values = log.query(store, where, "<", 99, 50)
    plan = [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert len(plan) == 2 and plan[0].startswith("SCAN events_fts VIRTUAL TABLE INDEX")
    assert plan[1] == "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"
