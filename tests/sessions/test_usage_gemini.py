"""Gemini's logs: lines that replace lines, whole documents, messages taken back; and all three clients together."""

import json
from pathlib import Path

import pytest
from logs import GEMINI_HEAD, assistant, counted, gemini, put, rollout, totals, usage

from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.tokens import Tokens, of_gemini
from sreconsole.sessions.usage import measure

MODEL = "gemini-3.1-pro-preview"
FULL = {"input": 1000, "output": 20, "cached": 400, "thoughts": 30, "tool": 5, "total": 1055}


def cells(paths: list[Path]) -> tuple[int, ...]:
    use = measure(paths, PriceList()).models[MODEL]
    return (*use.tokens, use.calls)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (FULL, Tokens(605, 50, 400)),
        ({**FULL, "total": 1455}, Tokens(1005, 50, 400)),  # cached stands beside input
        ({**FULL, "total": 1025}, Tokens(605, 20, 400)),  # thoughts inside output
        ({**FULL, "total": 1050}, Tokens(600, 50, 400)),  # tool inside input
        ({**FULL, "total": 1020}, Tokens(600, 20, 400)),  # both
        ({"input": 7, "output": 2}, Tokens(7, 2)),
        ({"input": 5, "cached": 9, "output": None}, Tokens(0, 0, 5)),
    ],
)
def test_what_is_inside_what_follows_the_total(tokens: dict[str, int], expected: Tokens) -> None:
    assert of_gemini(tokens) == expected


def test_a_message_written_again_replaces_itself(tmp_path: Path) -> None:
    again = gemini("a" * 32, {**FULL, "output": 25, "total": 1060}, toolCalls=[{"id": "t", "name": "write_file"}])
    log = put(
        tmp_path / "chats/session-1.jsonl", GEMINI_HEAD, gemini("a" * 32, FULL), {"$set": {"lastUpdated": "x"}}, again
    )
    assert cells([log]) == (605, 55, 400, 0, 0, 1)


def test_what_was_taken_back_was_paid_for(tmp_path: Path) -> None:
    first, second = gemini("a" * 32, FULL), gemini("b" * 32, FULL)
    log = put(
        tmp_path / "chats/session-1.jsonl",
        GEMINI_HEAD,
        first,
        second,
        {"$rewindTo": "a" * 32},
        {"$set": {"messages": [first, gemini("c" * 32, FULL)]}},
    )
    assert cells([log]) == (1815, 150, 1200, 0, 0, 3)


def test_a_legacy_document_and_its_copy_in_lines(tmp_path: Path) -> None:
    document = {
        **GEMINI_HEAD,
        "messages": [{"id": "u", "type": "user", "content": "hi"}, gemini("a" * 32, FULL), gemini("b" * 32, FULL)],
    }
    put(tmp_path / "tmp/x/chats/session-1.json", json.dumps(document, indent=2))
    put(tmp_path / "tmp/x/chats/session-1.jsonl", GEMINI_HEAD, gemini("a" * 32, FULL))
    put(tmp_path / "tmp/x/logs.json", '[{"sessionId":"g-1","messageId":0,"type":"user","message":"hi"}]')
    assert cells([tmp_path]) == (1210, 100, 800, 0, 0, 2)


def test_short_ids_are_a_sessions_own(tmp_path: Path) -> None:
    put(tmp_path / "chats/session-1.jsonl", GEMINI_HEAD, gemini("1", FULL))
    put(tmp_path / "chats/session-2.jsonl", {**GEMINI_HEAD, "sessionId": "g-2"}, gemini("1", FULL))
    assert cells([tmp_path]) == (1210, 100, 800, 0, 0, 2)


def test_joined_lines(tmp_path: Path) -> None:
    log = put(
        tmp_path / "chats/session-1.jsonl",
        GEMINI_HEAD,
        json.dumps(gemini("a" * 32, FULL)) + json.dumps(gemini("b" * 32, FULL)),
    )
    assert cells([log]) == (1210, 100, 800, 0, 0, 2)


def test_three_clients_in_one_folder_whatever_their_files_are_called(tmp_path: Path) -> None:
    put(tmp_path / "one.jsonl", GEMINI_HEAD, gemini("a" * 32, FULL))
    meta = rollout("session_meta", "2026-03-01T10:00:00.000Z", id="c-1", timestamp="2026-03-01T10:00:00.000Z", cwd="/w")
    put(
        tmp_path / ".hidden/two.jsonl",
        meta,
        rollout("turn_context", "2026-03-01T10:00:00.000Z", model="gpt-5.2-codex"),
        counted("2026-03-01T10:01:00.000Z", totals(10, 4, 2)),
    )
    put(tmp_path / "three.jsonl", {"type": "atis-latch", "sessionId": "s1"}, assistant("m1", usage(1, 5)))
    document = measure([tmp_path], PriceList()).as_json()
    assert {name: entry["calls"] for name, entry in document["models"].items()} == {
        MODEL: 1,
        "gpt-5.2-codex": 1,
        "claude-opus-4-6": 1,
    }
    assert document["clients"].keys() == {"claude-code", "codex", "gemini"}
    assert document["models"]["gpt-5.2-codex"].keys() == {
        "input",
        "output",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "calls",
        "usd",
    }


def test_samples_of_the_three_real_clients_agree_with_their_own_totals() -> None:
    report = measure([Path(__file__).parent / "captured"], PriceList())
    assert {name: use.calls for name, use in report.models.items()} == {
        "claude-opus-5-5": 15,
        MODEL: 3,
        "gpt-5.2-codex": 2,
    }
    (row,) = report.own_totals
    assert not any(row["difference"].values())
    assert float(report.models["claude-opus-5-5"].usd or 0) == pytest.approx(row["own_usd"])
