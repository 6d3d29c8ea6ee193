"""An agent tries to decide for itself: what is enforced is refused and logged, what is not is shown as advisory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from house import PYTHON, ROOT, House, answer, wait_for

from sreconsole.serve.client import Line, Refused
from sreconsole.store import escalations


def as_agent(house: House, kind: str, wrap: list[str] | None = None) -> dict[str, Any]:
    root = readable_copy(house) if wrap else ROOT
    hook = [PYTHON, "-I", "-S", str(root / "sreconsole/hook.py"), str(house.home.hook_socket), str(os.getuid()), "claude-code",
            "PreToolUse", "60"]  # fmt: skip
    run = subprocess.run(
        [*(wrap or []), PYTHON if wrap else sys.executable, str(root / "tests/rig/agent.py"), kind, *hook],
        input=json.dumps(house.bash("touch a")), capture_output=True, text=True, timeout=60, cwd="/",
        env={**house.environment, "PYTHONPATH": str(root), "CLAUDE_CODE_SESSION_ATTENDED": "0"},
    )  # fmt: skip
    assert run.stdout, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def readable_copy(house: House) -> Path:
    """The project where another user can read it; a clone may stand in a private folder."""
    root = house.folder / "copy"
    if not root.exists():
        for part in ("sreconsole", "tests/rig"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        os.chmod(house.folder, 0o755)
        subprocess.run(["chmod", "-R", "a+rX", str(root)], check=True)
    return root


@pytest.mark.parametrize("kind", ["socket", "faked environment", "detached with marks"])
def test_an_agent_cannot_approve_itself(house: House, kind: str) -> None:
    found = as_agent(house, kind)
    assert found["attempt"]["approved"] is False, found
    assert found["attempt"]["code"] == 4
    assert "permissionDecision" not in found["out"]
    refused = wait_for(lambda: house.events("gate.refused-operator"), 5, "the attempt in the log")
    assert "approve" in refused[0].summary


def test_a_detached_child_without_marks_is_shown_as_advisory(house: House) -> None:
    """Same user, no scope, no trace: no boundary exists, and every screen says so."""
    found = as_agent(house, "detached")
    hello = house.ask("hello")
    assert hello["boundary"] == "advisory"
    if found["attempt"]["approved"]:
        approved = house.events("escalation.approved")[0]
        assert json.loads(approved.data)["via"] == "no terminal"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to run an agent as another user")
def test_another_users_agent_is_kept_out_by_the_kernel(house: House) -> None:
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    house.ask("enroll", name="web-dev", owner="dana", uid=65534, rules=[{"user": 65534}])
    os.chmod(house.folder, 0o755)
    wait_for(lambda: house.home.hook_socket.stat().st_mode & 0o777 == 0o666, 5, "the door for other users")
    found = as_agent(house, "socket", nobody)
    assert found["attempt"]["approved"] is False
    assert "ermission" in found["attempt"]["why"] or "unable to open" in found["attempt"]["why"]
    e = house.read(lambda c: escalations.newest(c))[0]
    assert e.agent == "web-dev"
    hello = house.ask("hello")
    assert hello["boundary"] == "enforced", hello["boundary_why"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to run an agent as another user")
def test_a_user_who_runs_agents_may_not_decide_even_when_let_in(house: House) -> None:
    house.ask("enroll", name="web-dev", owner="dana", uid=65534, rules=[])
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    os.chmod(house.folder, 0o755)
    os.chmod(house.home.operator_socket, 0o666)
    script = (
        "from sreconsole import paths; from sreconsole.serve.client import Line, Refused\n"
        "try:\n"
        "    with Line(paths.home()) as line: print(line.ask('hello')['can_decide'])\n"
        f"    with Line(paths.home()) as line: line.ask('deny', escalation='{e.id}')\n"
        "except Refused as no: print(no.code, no)\n"
    )
    out = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", PYTHON, "-c", script],
        env={"PATH": "/usr/bin:/bin", "SRECONSOLE_HOME": str(house.home.config), "PYTHONPATH": str(readable_copy(house))},
        capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert out.stdout.splitlines()[0] == "False", out.stderr
    assert out.stdout.splitlines()[1].startswith("4 ")
    assert hook.poll() is None


def test_a_fake_serve_gets_no_answer_accepted(house: House, tmp_path: Any) -> None:
    """A socket that another user owns is not the gate (here: the uid the hook was installed for differs)."""
    call = json.dumps(house.bash("ls")).encode()
    command = [PYTHON, "-I", "-S", str(ROOT / "sreconsole/hook.py"), str(house.home.hook_socket), "4242", "claude-code",
               "PreToolUse", "5"]  # fmt: skip
    done = subprocess.run(command, input=call, capture_output=True)
    assert done.returncode == 2
    assert b"belongs to user" in done.stderr


def test_the_hook_trusts_no_environment(house: House) -> None:
    other = House()
    try:
        hook = house.hook(house.bash("mkfs /dev/sda"))
        assert answer(hook)[0] == "deny"
        assert house.events("tool.refused")
    finally:
        other.close()


def test_a_second_yes_must_be_another_persons() -> None:
    house = House(
        policy='version: 1\nrules:\n  - {id: two, tier: 3, approvers: 2, match: {tool: Bash, command: ["touch"]}, why: "x"}\n'
    )
    try:
        house.start()
        hook = house.hook(house.bash("touch a"))
        e = house.waiting()[0]
        if json.loads(e.verdict)["approvers"] != 2:
            pytest.skip("this policy engine knows no approvers")
        assert house.decide("approve", e)["state"] == "pending"
        with pytest.raises(Refused, match="second person") as no:
            house.decide("approve", house.waiting()[0])
        assert no.value.code == 4
        with pytest.raises(Refused, match="reason"):
            house.decide("break_glass", house.waiting()[0], reason=" ")
        house.decide("break_glass", house.waiting()[0], reason="prod is down, lee sleeps")
        assert answer(hook)[0] == "allow"
        assert house.events("page.wanted")
    finally:
        house.close()


def test_garbage_on_the_operator_socket_is_answered_in_one_line(house: House) -> None:
    import socket

    for garbage in (b"\n", b"{}\n", b"[]\n", b"{\"do\": 5}\n", b"\xff\xfe\n", b'{"do":"approve"}\n', b'{"do":"zap"}\n',
                    b'{"do":"approve","escalation":5,"version":"x","digest":[]}\n', b"[" * 5000 + b"\n"):  # fmt: skip
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(5)
        line.connect(str(house.home.operator_socket))
        line.sendall(garbage)
        reply = json.loads(line.makefile("rb").readline() or b'{"ok": false, "code": 2, "message": "hung up"}')
        assert reply["ok"] is False
        assert reply["code"] == 2, (garbage, reply)
        line.close()
    with Line(house.home) as again:
        assert again.ask("hello")["ok"]
