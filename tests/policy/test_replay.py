"""The fleet log against a changed policy."""

from __future__ import annotations

import datetime
import json
import sqlite3
from pathlib import Path

import pytest

from sreconsole.policy import replay
from sreconsole.policy.action import Action, asked
from sreconsole.policy.policy import load
from sreconsole.store import database, log
from sreconsole.store.event import Entry, Event

TODAY = datetime.date(2026, 6, 1)
ASKS = load(["rules:\n- {id: t.push, tier: 3, match: {effect: git.push}, why: leaves}\n"], TODAY, starter=True)
REFUSES = load(["rules:\n- {id: t.push, tier: 4, match: {effect: git.push}, why: leaves}\n"], TODAY, starter=True)
PLAIN = load([], TODAY, starter=True)


def entry(seq: int, kind: str, command: str = "", tier: int = 2, at: int = 0, subject: str = "", **data) -> Entry:
    given = {"command": command} if command else {}
    facts = {"tool": "Bash", "input": given, "cwd": "/home/test/repo", "rule": "was", **data}
    source = "gate" if kind.startswith("escalation.") else "claude-code"
    return Entry(seq, at, kind, source, "s1", "bot", "", subject, tier, 0, "", json.dumps(facts), None, "", "")


def test_newly_asked_by_rule_and_asks_per_hundred():
    calls = [entry(1, "tool.passed", "git push origin x"), *(entry(n, "tool.passed", "ls") for n in range(2, 11))]
    found = replay.document(replay.again(calls, [PLAIN, ASKS]))
    assert found["calls"] == 10
    assert found["asks_per_100"] == {"before": 0.0, "after": 10.0}
    assert (found["newly_asked"], found["newly_free"], found["newly_refused"]) == (1, 0, 0)
    assert found["rules"] == {"t.push": {"before": 0, "after": 1}}
    (change,) = found["changes"]
    assert (change["before"]["tier"], change["after"]["tier"], change["after"]["rule"]) == (2, 3, "t.push")


def test_newly_free_says_what_humans_had_decided():
    calls = []
    for n, state in enumerate(["approved", "approved", "denied", "expired", None], 1):
        calls.append(entry(10 * n, "escalation.opened", "git push origin x", 3, subject=f"esc-{n}"))
        if state:
            calls.append(entry(10 * n + 1, f"escalation.{state}", subject=f"esc-{n}", state=state))
    calls.append(entry(99, "tool.asked", "git push origin x", 3))
    found = replay.document(replay.again(calls, [ASKS, PLAIN]))
    assert found["newly_free"] == 6
    assert found["humans_decided"] == {"approved": 2, "denied": 1, "expired": 1, "no question": 1, "open": 1}
    assert [one["decided"] for one in found["changes"]] == [
        "approved",
        "approved",
        "denied",
        "expired",
        "open",
        "no question",
    ]


def test_the_last_word_on_a_question_counts():
    calls = [
        entry(1, "escalation.opened", "git push origin x", 3, subject="esc-1"),
        entry(2, "escalation.held", subject="esc-1", state="held"),
        entry(3, "escalation.approved", subject="esc-1", state="approved"),
    ]
    assert replay.again(calls, [ASKS, PLAIN]).decided == {"approved": 1}


def test_newly_refused():
    found = replay.again([entry(1, "escalation.opened", "git push origin x", 3, subject="e")], [ASKS, REFUSES])
    assert found.counts == {"newly_refused": 1}
    assert (found.asks(found.before), found.asks(found.after)) == (100.0, 0.0)


def test_with_one_policy_before_is_what_the_log_says():
    found = replay.again([entry(1, "tool.refused", "git push origin x", 4)], [PLAIN])
    assert found.counts == {"newly_free": 1}
    assert found.rules == {"was": [1, 0]}


def test_questions_of_agents_and_lost_arguments_are_left_out_and_said():
    known = asked(Action("c", "mcp__x__list", {}, ""))
    calls = [
        entry(1, "escalation.opened", "x", 3, rule="agent.question"),
        entry(2, "tool.refused", "", 3, asked="0" * 64),
        entry(3, "tool.passed", "", 1, tool="mcp__x__list", asked=known),
    ]
    found = replay.again(calls, [PLAIN, PLAIN])
    assert (found.calls, found.questions, found.unread) == (1, 1, 1)


def test_changes_are_counted_whole_and_kept_in_part():
    calls = [entry(n, "tool.passed", "git push origin x") for n in range(1, replay.KEPT + 11)]
    found = replay.again(calls, [PLAIN, ASKS])
    assert found.counts["newly_asked"] == replay.KEPT + 10
    assert len(found.changes) == replay.KEPT


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(1, 2, ""), (2, 2, ""), (4, 4, ""), (2, 3, "newly_asked"), (4, 3, "newly_asked"), (3, 4, "newly_refused"),
     (1, 4, "newly_refused"), (3, 2, "newly_free"), (4, 1, "newly_free")],
)  # fmt: skip
def test_kinds_of_change(before, after, kind):
    assert replay.kind_of(before, after) == kind


@pytest.fixture
def store(tmp_path: Path):
    connection = database.open_writer(tmp_path / "fleet.db")
    connection.execute("BEGIN")
    head = log.tip(connection)
    for n in range(50):
        log.append(connection, head, Event("tool.passed" if n % 2 else "hook.stop", n * 1_000_000, "claude-code"))
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.mark.parametrize("since", [0, 1, 20_000_000, 49_000_000, 60_000_000])
def test_the_log_is_read_from_a_time_on(store: sqlite3.Connection, since: int):
    assert [one.at for one in replay.entries(store, since)] == [
        n * 1_000_000 for n in range(1, 50, 2) if n * 1_000_000 >= since
    ]


def test_an_empty_log(tmp_path: Path):
    connection = database.open_writer(tmp_path / "empty.db")
    assert list(replay.entries(connection, 0)) == []
    connection.close()
