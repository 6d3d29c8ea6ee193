"""Every field an agent or an operator can fill: no secret of it on disk, no control character in what a row shows."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from house import House

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


def say(
    house: House, payload: bytes, event: str = "PreToolUse", client: str = "claude-code", attended: str = "0"
) -> bytes:
    """One call by hand, as no client would send it; what came back ("" if it waits)."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(3)
    line.connect(str(house.home.hook_socket))
    line.sendall(f"sre/1 {client} {event} {len(payload)} {attended}\n".encode() + payload)
    said = b""
    try:
        while part := line.recv(65536):
            said += part
    except TimeoutError:
        pass
    line.close()
    return said


def on_disk(house: House, needle: str) -> list[str]:
    files = [one for one in house.folder.rglob("*") if one.is_file()]
    return [str(one) for one in files if needle.encode() in one.read_bytes()]


@pytest.mark.parametrize(
    "field",
    [
        "cwd",
        "session_id",
        "transcript_path",
        "tool_use_id",
        "tool_name",
        "permission_mode",
        "agent_id",
        "agent_type",
        "x",
    ],
)
@pytest.mark.parametrize("command", ["ls", "touch a", "mkfs /dev/sda"])
def test_no_field_of_a_call_carries_a_secret_to_disk(house: House, field: str, command: str) -> None:
    value = f"/srv/{TOKEN}" if field in ("cwd", "transcript_path") else TOKEN
    call = {**house.bash(command, "s-new"), field: value}
    say(house, json.dumps(call).encode())
    assert house.events()
    assert not on_disk(house, TOKEN)


def test_calls_that_differ_only_in_a_secret_stay_two(house: House) -> None:
    for other in (TOKEN, TOKEN[:-1] + "b"):
        say(house, json.dumps(house.bash("ls", session=other)).encode())
    assert len({one.session for one in house.events("session.started")}) == 2


@pytest.mark.parametrize(
    "words", [("\x1b[2J" + TOKEN, "claude-code"), (TOKEN, "claude-code"), ("Stop", "\x1b[2J"), ("Stop", TOKEN)]
)
def test_no_header_carries_a_secret_or_a_control_character_to_disk(house: House, words: tuple[str, str]) -> None:
    event, client = words
    payload = json.dumps({"session_id": "n1", "cwd": "/tmp", "hook_event_name": event}).encode()
    say(house, payload, event, client)
    assert not on_disk(house, TOKEN)
    for entry in house.events():
        assert (entry.kind + entry.summary + entry.source).isprintable(), entry


def test_a_hostile_folder_is_harmless_in_the_log(house: House) -> None:
    say(house, json.dumps({**house.bash("ls"), "cwd": "/srv/\x1b[2J\u202e"}).encode())
    assert all(entry.summary.isprintable() for entry in house.events())


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("emit", {"kind": "x.y", "session": TOKEN}),
        ("emit", {"kind": "x.y", "agent": TOKEN, "uid": TOKEN}),
        ("emit", {"kind": "x.y", "summary": TOKEN, "data": {TOKEN: [TOKEN]}}),
        ("enroll", {"name": "a", "owner": TOKEN, "role": TOKEN, "model": TOKEN, "scope": {"paths": [TOKEN]}}),
        ("deny", {"reason": TOKEN}),
        ("grant", {"target": f"*{TOKEN}"}),
        ("release", {"session": "s-1", "reason": TOKEN}),
    ],
)
def test_no_word_of_an_operator_carries_a_secret_to_disk(house: House, do: str, words: dict[str, Any]) -> None:
    if do in ("deny", "grant"):
        house.hook(house.bash("touch a"))
        house.decide(do, house.waiting()[0], **words)
    else:
        if do == "release":
            house.hook(house.bash("ls")).wait()
        house.ask(do, **words)
    assert not on_disk(house, TOKEN)


def test_a_policy_with_a_secret_does_not_bring_it_into_the_log(house: House) -> None:
    house.home.policy.write_text(f"version: 1\nrules: []\n# token {TOKEN}\n")
    house.ask("reload")
    assert TOKEN not in json.dumps([entry.data for entry in house.events("policy.loaded")])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b'"tool_input"', b'"tool_input": {"command": "touch a"}, "tool_input"'),
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "touch a", "command": "ls"'),
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "ls", "n": NaN'),
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "ls", "n": 1e999'),
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "ls", "n": -Infinity'),
        lambda raw: raw + b"{}",
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "ls", "n": ' + b"[" * 100_000 + b"]" * 100_000),
        lambda raw: raw.replace(b'"command": "ls"', b'"command": "ls", "n": ' + b"9" * 5000),
    ],
)
def test_a_payload_that_can_be_read_two_ways_is_refused_and_kills_no_worker(house: House, spoil: Any) -> None:
    said = say(house, spoil(json.dumps(house.bash("ls")).encode()))
    assert b'"deny"' in said
    assert not house.events("gate.worker-crashed")


def test_ordinary_names_are_left_alone() -> None:
    from sreconsole.serve.judge import _marked

    for name in (
        "0b3c7e52-9f1c-4e0f-8a1d-2b7a51c9e6aa", "toolu_01A09q90qw90lq917835lq9", "/home/dana/src/password-manager", "Bash",
        "mcp__github__create_issue", "/home/dana/.claude/projects/-srv-shop/0b3c7e52-9f1c-4e0f-8a1d-2b7a51c9e6aa.jsonl",
        "bypassPermissions", "general-purpose", "/srv/token-service/api-key-rotation", "call_8d2hGh3kfm2k1jTq0pLmNz7x",
    ):  # fmt: skip
        assert _marked(name) == name, Path(name)
