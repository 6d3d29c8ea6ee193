"""What was decided covers the very bytes that were asked, once, for the hook that waits."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from house import CLIENT, PYTHON, House, answer, wait_for

from sreconsole.serve.client import Refused
from sreconsole.store import escalations

TWICE = """
import socket, sys
path, payload = sys.argv[1], sys.argv[2].encode()
for _ in range(2):
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    line.sendall(b"sre/1 claude-code PreToolUse %d 0\\n" % len(payload) + payload)
    said = b""
    while part := line.recv(65536):
        said += part
    print("allow" if b'"allow"' in said else "no", flush=True)
"""


@pytest.mark.parametrize(
    "command",
    [
        "password=`touch /etc/pwned`",
        'password="a8F3kq92LmZx0Qw7$(touch /etc/pwned)"',
        'password="a8F3kq92LmZx0Qw7`touch /etc/pwned`"',
    ],
)
def test_a_policy_reload_does_not_let_go_what_redaction_hides(house: House, command: str) -> None:
    """What is stored has `[REDACTED:password]` where the command substitution stands."""
    house.home.policy.write_text("version: 1\nrules:\n  - {id: t.all, tier: 3, match: {tool: Bash}, why: x}\n")
    house.ask("reload")
    hook = house.hook(house.bash(command))
    assert "REDACTED" in house.waiting()[0].input
    house.home.policy.write_text("version: 1\nrules: []\n")
    house.ask("reload")
    time.sleep(0.5)
    assert hook.poll() is None or answer(hook)[0] == "deny"


def test_an_approval_cannot_carry_other_arguments_past_the_policy(shipped: House) -> None:
    hook = shipped.hook(shipped.bash("git push origin main"))
    e = shipped.waiting()[0]
    with pytest.raises(Refused, match="edited like this it is tier 4"):
        shipped.decide("approve", e, answer={"input": {"command": "mkfs /dev/sda"}})
    with pytest.raises(Refused, match="as it was asked"):
        shipped.decide("approve", e, answer={"input": {"command": "ls"}, "text": "x"})
    shipped.decide("approve", e)
    assert "mkfs" not in answer(hook)[1]


def test_every_hook_is_answered_when_one_call_is_presented_twice(house: House) -> None:
    call = house.bash("touch a")
    first = house.hook(call)
    house.waiting()
    second = house.hook(call)
    assert answer(first, 10)[0] == "deny"
    house.decide("approve", house.waiting()[0])
    assert answer(second, 10)[0] == "allow"
    assert len(house.events("escalation.used")) == 1


def test_one_process_does_not_get_one_approval_twice(house: House) -> None:
    call = json.dumps(house.bash("touch a"))
    process = subprocess.Popen(
        [*CLIENT, PYTHON, "-I", "-c", TWICE, str(house.home.hook_socket), call], stdout=subprocess.PIPE, text=True
    )
    try:
        house.decide("approve", house.waiting()[0])
        assert process.stdout and process.stdout.readline() == "allow\n"
        again = house.waiting()[0]
        house.decide("deny", again)
        assert process.stdout.readline() == "no\n"
    finally:
        process.kill()
        process.wait()


def test_a_deferred_question_is_not_resumed_in_another_folder(house: House) -> None:
    call = house.bash("make deploy")
    house.hook(call)
    first = house.waiting()[0]
    house.became(first.id, "deferred")
    house.hook({**call, "cwd": "/srv/other"})
    wait_for(
        lambda: house.read(lambda c: escalations.get(c, first.id)).state == "invalidated", 10, "the old one to end"
    )
    assert [one.cwd for one in house.waiting()] == ["/srv/other"]
