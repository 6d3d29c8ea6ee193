"""`sreconsole ask`: a question of an agent's own, answered at the operator's socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sreconsole.serve.client import Refused

ROOT = Path(__file__).parents[2]
WORDS = ("Deploy to which region?", "--choice", "eu-1", "--choice", "us-2")


def answer(*picked: str) -> dict[str, Any]:
    return {"choices": {WORDS[0]: list(picked)}}


def test_chosen_label_is_printed(fleet: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    e = fleet.waiting()[0]
    assert (e.kind, e.agent, e.session.split("-")[:2]) == ("ask", "", ["ask", str(asking.pid)])
    fleet.approve(e, answer("us-2"))
    assert asking.communicate(timeout=10) == ("us-2\n", "")
    assert asking.returncode == 0


def test_json_tells_who_and_which(fleet: Any) -> None:
    asking = fleet.start_command("ask", "--json", *WORDS)
    fleet.approve(fleet.waiting()[0], answer("eu-1"))
    reply = json.loads(asking.communicate(timeout=10)[0])
    assert (reply["state"], reply["choice"], reply["escalation"]) == ("approved", "eu-1", "esc-0001")
    assert reply["by"]


def test_denied_is_one_with_the_reason(fleet: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    fleet.ask("deny", escalation=fleet.waiting()[0].id, reason="neither, wait for Monday")
    out, err = asking.communicate(timeout=10)
    assert (asking.returncode, out) == (1, "")
    assert "denied" in err and "wait for Monday" in err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "choose one of 'eu-1', 'us-2'"),
        ({"choices": {}}, "choose one of"),
        (answer("eu-3"), "'eu-3' is not offered"),
        (answer("eu-1", "us-2"), "exactly one"),
        (answer(), "must be a list of labels"),
        ({"choices": {"Other?": ["eu-1"]}}, "was not asked"),
        ({"choices": {WORDS[0]: {"text": "mars"}}}, "only what is offered"),
        ("eu-1", "must be an object"),
    ],
)
def test_only_offered_labels_are_accepted(fleet: Any, given: Any, words: str) -> None:
    asking = fleet.start_command("ask", *WORDS)
    e = fleet.waiting()[0]
    with pytest.raises(Refused, match=words) as no:
        fleet.approve(e, given)
    assert no.value.code == 2
    fleet.approve(fleet.waiting()[0], answer("eu-1"))
    assert asking.communicate(timeout=10)[0] == "eu-1\n"


def test_neither_grant_nor_break_glass_goes_round_the_choice(fleet: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    e = fleet.waiting()[0]
    for verb in ({"do": "grant", "target": "ask"}, {"do": "break_glass"}):
        with pytest.raises(Refused, match="choose one of"):
            fleet.ask(**verb, escalation=e.id, version=e.version, digest=e.digest, reason="x")
    asking.send_signal(signal.SIGINT)
    assert asking.wait(10) == 130


def test_ctrl_c_withdraws(fleet: Any, wait: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    fleet.waiting()
    asking.send_signal(signal.SIGINT)
    assert asking.communicate(timeout=10)[1] == "sreconsole: withdrawn\n"
    assert asking.returncode == 130
    wait(lambda: fleet.events("escalation.cancelled"), "cancelled")


def test_withdrawn_questions_session_ends_and_bars_nobody(fleet: Any, wait: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    fleet.approve(fleet.waiting()[0], answer("eu-1"))
    asking.communicate(timeout=10)
    wait(lambda: fleet.events("session.ended"), "its session ended")
    assert fleet.ask("hello")["can_decide"]


def test_expired_has_its_own_word(fleet: Any) -> None:
    asking = fleet.start_command("ask", *WORDS, "--wait", "10s")
    assert fleet.waiting()[0].deadline - fleet.waiting()[0].opened_at == 10_000
    assert "expired" in asking.communicate(timeout=20)[1]
    assert asking.returncode == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("q?",), "2 to 20"),
        (("q?", "--choice", "a"), "2 to 20"),
        (("q?", "--choice", "a", "--choice", "a"), "same"),
        (("q?", "--choice", "a", "--choice", "x" * 201), "200"),
        (("x" * 4001, "--choice", "a", "--choice", "b"), "4000"),
        ((" ", "--choice", "a", "--choice", "b"), "question"),
        (("q?", "--choice", "a", "--choice", "b", "--wait", "25h"), "24h"),
        (("q?", "--choice", "a", "--choice", "b", "--wait", "soon"), "like 30m"),
    ],
)
def test_what_cannot_be_asked_is_one_line(fleet: Any, words: tuple[str, ...], problem: str) -> None:
    asking = fleet.start_command("ask", *words)
    err = asking.communicate(timeout=10)[1]
    assert (asking.returncode, err.count("\n")) == (2, 1)
    assert problem in err


def test_without_serve_nobody_is_asked(fleet: Any) -> None:
    fleet.stop()
    asking = fleet.start_command("ask", *WORDS)
    assert "nobody was asked" in asking.communicate(timeout=20)[1]
    assert asking.returncode == 3


def test_question_survives_serve_and_is_answered_once_it_is_back(fleet: Any, wait: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    first = fleet.waiting()[0]
    fleet.stop(signal.SIGKILL)
    fleet.start()
    wait(lambda: fleet.events("escalation.attached"), "it presented itself again")
    e = fleet.waiting()[0]
    assert e.id == first.id
    fleet.approve(e, answer("us-2"))
    assert asking.communicate(timeout=10)[0] == "us-2\n"


def test_inside_a_scope_the_question_is_the_agents(fleet: Any) -> None:
    asking = fleet.start_command("run", "fixer", "--", *fleet.command("ask", *WORDS))
    e = fleet.waiting()[0]
    assert e.agent == "fixer"
    fleet.approve(e, answer("eu-1"))
    assert asking.communicate(timeout=10)[0] == "eu-1\n"


def test_revoked_agent_asks_nobody(fleet: Any, wait: Any) -> None:
    here = fleet.folder / "go"
    inner = fleet.folder / "ask.json"
    inner.write_text(json.dumps(fleet.command("ask", *WORDS)))
    script = f"import json, os, time\nwhile not os.path.exists({str(here)!r}): time.sleep(.02)\nc = json.load(open({str(inner)!r})); os.execv(c[0], c)"
    asking = fleet.start_command("run", "fixer", "--", sys.executable, "-c", script)
    wait(lambda: fleet.events("scope.opened"), "it runs")
    fleet.ask("revoke_agent", name="fixer", reason="x")
    here.touch()
    assert "agent fixer is revoked" in asking.communicate(timeout=20)[1]
    assert asking.returncode == 4


CLIENT = """
import json, subprocess, sys
hook, sock, uid, payload, ask = sys.argv[1:]
subprocess.run([sys.executable, "-I", "-S", hook, sock, uid, "claude-code", "SessionStart", "20"], input=payload.encode())
if ask: subprocess.run(json.loads(ask))
sys.stdin.read()
"""


def client(fleet: Any, session: str, asks: list[str] | None) -> subprocess.Popen[bytes]:
    """A client of its own that speaks for a session through a real hook, and asks."""
    payload = json.dumps({"hook_event_name": "SessionStart", "session_id": session, "cwd": "/tmp", "source": "startup"})
    words = [
        str(ROOT / "sreconsole/hook.py"),
        str(fleet.home.hook_socket),
        str(os.getuid()),
        payload,
        json.dumps(asks) if asks else "",
    ]
    return subprocess.Popen([sys.executable, "-c", CLIENT, *words], env={**fleet.environment, "CLAUDE_CODE_SESSION_ID": "s-other"},
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip


def test_question_belongs_to_the_session_it_descends_from_whatever_it_claims(fleet: Any, wait: Any) -> None:
    other = client(fleet, "s-other", None)
    wait(lambda: len(fleet.events("session.started")) == 1, "the other session is known")
    own = client(fleet, "s-own", fleet.command("ask", *WORDS))
    try:
        e = fleet.waiting()[0]
        assert e.session == "s-own"
        fleet.approve(e, answer("eu-1"))
    finally:
        for one in (own, other):
            one.communicate(timeout=10)
    stranger = fleet.start_command("ask", *WORDS, env={"CLAUDE_CODE_SESSION_ID": "s-other"})
    assert fleet.waiting()[0].session.startswith("ask-")
    stranger.send_signal(signal.SIGINT)
    stranger.wait(10)


def test_command_line_answers_with_a_choice(fleet: Any) -> None:
    asking = fleet.start_command("ask", *WORDS)
    e = fleet.waiting()[0]
    line = [sys.executable, "-m", "sreconsole", "escalations", "approve", e.id, "--yes", "--choice"]
    assert subprocess.run([*line, "mars"], env=fleet.environment, capture_output=True).returncode == 2
    assert subprocess.run([*line, "us-2"], env=fleet.environment, capture_output=True).returncode == 0
    assert asking.communicate(timeout=10)[0] == "us-2\n"
