"""The fleet log from the command line: read, narrowed, followed, and written to."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from hand import Hand
from house import wait_for

from sreconsole.cli.exits import Usage
from sreconsole.cli.log import parsed
from sreconsole.store.log import Filter


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Filter()),
        ("   ", Filter()),
        ("drop table", Filter(words="drop table")),
        ("kind:tool.passed", Filter(kind="tool.passed")),
        ("kind:a.b session:s-1 agent:x subject:esc-1 severe rest", Filter("a.b", "s-1", "x", "esc-1", True, "rest")),
        ("http://x severe", Filter(severe=True, words="http://x")),
        ("kind:a:b", Filter(kind="a:b")),
    ],
)
def test_a_query_is_fields_and_words(typed: str, meant: Filter) -> None:
    assert parsed(typed) == meant


@pytest.mark.parametrize("typed", ["kind:", "session: x", "agent:", "subject:"])
def test_a_field_needs_a_value(typed: str) -> None:
    with pytest.raises(Usage):
        parsed(typed)


def test_log_is_chronological_and_paged(hand: Hand) -> None:
    for n in range(5):
        assert hand("emit", "test.paged", "--summary", f"page {n}").code == 0
    found = hand("log", "kind:test.paged", "--json").json
    assert [one["summary"] for one in found] == [f"page {n}" for n in range(5)]
    newest = hand("log", "--kind", "test.paged", "--limit", 2, "--json").json
    assert [one["summary"] for one in newest] == ["page 3", "page 4"]
    older = hand("log", "--kind", "test.paged", "--before", newest[0]["seq"], "--limit", 2, "--json").json
    assert [one["summary"] for one in older] == ["page 1", "page 2"]
    assert hand("log", "--limit", 0, "--json").json == []
    lines = hand("log", "kind:test.paged").out.splitlines()
    assert [line.split(" page ")[1] for line in lines] == ["0", "1", "2", "3", "4"]


def test_log_narrows(hand: Hand) -> None:
    hand.ran("0123456789-long-session")
    hand(
        "emit",
        "test.narrow",
        '{"a": 1}',
        "--summary",
        "zebra crossing",
        "--session",
        "0123456789-long-session",
        "--agent",
        "digger",
    )
    hand("emit", "test.narrow", "--summary", "zebra finch")
    for words in (
        ["session:01234567"],
        ["--session", "0123456789-long-session"],
        ["--agent", "digger"],
        ["zebra cross"],
        ["zebra", "crossing"],
    ):
        found = hand("log", *words, "--json").json
        assert [one["summary"] for one in found] == ["zebra crossing"], words
    assert found[0]["data"] == {"a": 1}
    assert len(hand("log", "zebra", "--json").json) == 2
    assert hand("log", "zebra", "severe").out == "No such event.\n"
    assert hand("log", "--severe", "--session", "none").code == 0


@pytest.mark.parametrize(
    "words", ['"', "' OR 1=1 --", "NEAR(", "*", "a*b", "\x00", "\udcff", "(", "-", "x" * 100_000, "🙂", "\x1b[2J"]
)
def test_any_words_can_be_searched(hand: Hand, words: str) -> None:
    done = hand("log", "--", words)
    assert done.code in (0, 2)
    assert "\x1b" not in done.out + done.err
    assert len(done.err) < 400


@pytest.mark.parametrize(
    "words", [["--limit", "-1"], ["--before", "x"], ["kind:"], ["--session"], ["--nonsense"], ["--limit", "1e3"]]
)
def test_log_refuses_what_makes_no_sense(hand: Hand, words: list[str]) -> None:
    done = hand("log", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_follow_prints_what_comes_until_interrupted(hand: Hand) -> None:
    reader = hand.spawn("log", "--follow", "--json", "--kind", "test.followed", "--limit", "1")
    assert reader.stdout is not None
    os.set_blocking(reader.stdout.fileno(), False)
    seen = b""

    def more(count: int) -> list[dict[str, object]] | None:
        nonlocal seen
        seen += reader.stdout.read() or b""  # type: ignore[union-attr]
        lines = [json.loads(line) for line in seen.splitlines(keepends=True) if line.endswith(b"\n")]
        return lines if len(lines) >= count else None

    try:
        hand("emit", "test.followed", "--summary", "first")
        wait_for(lambda: more(1), 15, "the first event")
        hand("emit", "test.other", "--summary", "not asked for")
        hand("emit", "test.followed", "--summary", "second")
        lines = wait_for(lambda: more(2), 15, "the second event")
        assert [one["summary"] for one in lines] == ["first", "second"]
    finally:
        reader.send_signal(signal.SIGINT)
    _, err = reader.communicate(timeout=10)
    assert (reader.returncode, err) == (130, b"")


def test_a_follower_says_when_serve_goes_and_comes(empty: Hand) -> None:
    house = empty.house.start()
    reader = empty.spawn("log", "--follow")
    assert reader.stdout is not None and reader.stderr is not None
    assert b"serve.started" in reader.stdout.readline()
    time.sleep(0.5)
    house.stop()
    assert b"serve is down; nothing new will come" in reader.stderr.readline()
    house.start()
    assert b"serve is back" in reader.stderr.readline()
    reader.send_signal(signal.SIGINT)
    out, _ = reader.communicate(timeout=10)
    assert out.count(b"serve.started") == 1


def test_a_reader_that_leaves_ends_it_quietly(hand: Hand) -> None:
    for n in range(20):
        hand("emit", "test.pipe", json.dumps({"n": n, "fill": "x" * 5000}))
    reader = hand.spawn("log", "--json", "--limit", "1000")
    assert reader.stdout is not None and reader.stderr is not None
    reader.stdout.read(10)
    reader.stdout.close()
    assert (reader.wait(15), reader.stderr.read()) == (0, b"")


def test_a_follower_whose_reader_leaves_ends(hand: Hand) -> None:
    reader = hand.spawn("log", "--follow", "--limit", "0")
    assert reader.stdout is not None and reader.stderr is not None
    reader.stdout.close()
    for _ in range(100):
        hand("emit", "test.pipe")
        if reader.poll() is not None:
            break
        time.sleep(0.1)
    assert (reader.wait(15), reader.stderr.read()) == (0, b"")


def test_emit_stores_what_was_said(hand: Hand) -> None:
    done = hand(
        "emit", "shop.opened", '{"till": 3}', "--summary", "open", "--agent", "clerk", "--uid", "once", "--json"
    )
    again = hand("emit", "shop.opened", '{"till": 3}', "--uid", "once", "--json")
    assert done.json == again.json
    stored = hand("log", "kind:shop.opened", "--json").json
    assert [(one["seq"], one["data"], one["summary"], one["agent"]) for one in stored] == [
        (done.json["seq"], {"till": 3}, "open", "clerk")
    ]
    assert hand("emit", "shop.closed").out == f"event {done.json['seq'] + 1}\n"


@pytest.mark.parametrize(
    "words", [['{"a": "\\ud800"}'], ["--summary", "\udcff"], ["--session", "\u202e"], ["{}"], [" "]]
)
def test_emit_stores_odd_text_harmlessly(hand: Hand, words: list[str]) -> None:
    assert hand("emit", "shop.odd", *words).code == 0
    for look in (["log", "kind:shop.odd"], ["log", "kind:shop.odd", "--json"]):
        assert hand(*look).out.replace("\n", "").isprintable()


def test_emit_reads_standard_input(hand: Hand) -> None:
    assert hand("emit", "shop.counted", "-", stdin='{"n": 7}').code == 0
    assert hand("log", "kind:shop.counted", "--json").json[0]["data"] == {"n": 7}
    assert hand("emit", "shop.counted", "-", stdin="").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x.y", "{"], 2),
        (["x.y", "[1]"], 2),
        (["x.y", "null"], 2),
        (["x.y", '"text"'], 2),
        (["x.y", "{'a': 1}"], 2),
        (["x.y", '{"a": NaN}'], 2),
        (["x.y", '{"a": 1e400}'], 2),
        (["x.y", "[" * 100_000], 2),
        (["x.y", json.dumps({"a": "x" * 5_000_000})], 2),
        (["x.y", "--summary", "x" * 501], 2),
        (["bad kind"], 2),
        (["x..y"], 2),
        ([""], 2),
        (["x" * 100], 2),
        ([], 2),
        (["escalation.approved"], 4),
        (["tool.passed"], 4),
        (["deploy.finished"], 4),
    ],
    ids=lambda value: str(value)[:40],
)
def test_emit_refuses(hand: Hand, words: list[str], code: int) -> None:
    done = hand("emit", *words)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1), done.err[:300]
    assert len(done.err) < 600


def test_emitted_escapes_are_shown_not_obeyed(hand: Hand) -> None:
    hand("emit", "shop.hostile", '{"a": "\\u001b[2J\\u009b"}', "--summary", "\x1b]0;owned\x07 \u202e")
    text, document = hand("log", "kind:shop.hostile"), hand("log", "kind:shop.hostile", "--json")
    assert text.out.replace("\n", "").isprintable()
    assert "\u202e" not in text.out
    assert document.out.isascii()
    assert document.json[0]["data"]["a"] == "\x1b[2J\x9b"
