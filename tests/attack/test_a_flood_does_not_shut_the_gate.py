"""Connections without end, slow and huge senders: a hook still gets its answer, and memory stays bounded."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path

import pytest
from house import CLIENT, PYTHON, House, answer

from sreconsole.serve.client import Line

pytestmark = pytest.mark.torture


HOLD = """
import collections, json, socket, sys
lines = []
for call in sys.stdin.buffer.read().splitlines():
    line = socket.socket(socket.AF_UNIX)
    line.connect(sys.argv[1])
    line.sendall(b"sre/1 claude-code PreToolUse %d 0\\n" % len(call) + call)
    lines.append(line)
said = collections.Counter("deny" if b'"deny"' in line.recv(65536) else "other" for line in lines)
print(json.dumps(said))
"""


def connect(path: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(5)
    line.connect(str(path))
    return line


def resident(pid: int) -> int:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 >> 20


def test_thousands_that_send_half_a_header_keep_no_hook_out() -> None:
    house = House()
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        house.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
        lines = []
        for n in range(10_000):
            with contextlib.suppress(OSError):
                line = connect(house.home.hook_socket)
                line.send(b"sre/1 claude-code Pre")
                lines.append(line)
            if n % 2500 == 2499:
                assert answer(house.hook(house.bash("mkfs /dev/sda"), seconds=20), 30)[0] == "deny"
        assert house.ask("hello")["ok"]
        for line in lines:
            line.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        house.close()


def test_huge_payloads_in_parallel_are_bounded(house: House) -> None:
    assert house.serve
    before = resident(house.serve.pid)
    lines = [connect(house.home.hook_socket) for _ in range(24)]
    part, most = b"x" * (1 << 20), 0
    for line in lines:
        line.settimeout(0.5)
        line.send(b"sre/1 claude-code PreToolUse %d 0\n" % (60 << 20))
    for n in range(40):
        for line in lines:
            with contextlib.suppress(OSError):
                line.sendall(part)
        most = max(most, resident(house.serve.pid))
        if n == 20:
            assert answer(house.hook(house.bash("mkfs /dev/sda"), seconds=20), 30)[0] == "deny"
    for line in lines:
        line.close()
    print(f"resident: {before} MiB before, {most} MiB at most")
    assert most < before + 900


def test_a_console_that_never_reads_and_one_that_never_stops_hold_nobody_up(house: House) -> None:
    lines = []
    for _ in range(20):
        line = connect(house.home.operator_socket)
        line.sendall(b'{"id":1,"do":"subscribe"}\n')
        line.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            line.send(b'{"id":2,"do":"hello"}\n' * 10_000)
        lines.append(line)
    lines.append(connect(house.home.operator_socket))
    lines[-1].setblocking(False)
    with contextlib.suppress(OSError):
        for _ in range(8):
            lines[-1].send(b"x" * (1 << 20))
    started = time.monotonic()
    assert answer(house.hook(house.bash("mkfs /dev/sda"), seconds=20), 30)[0] == "deny"
    with Line(house.home) as line:
        assert line.ask("hello")["ok"]
    assert time.monotonic() - started < 15
    for one in lines:
        one.close()


def test_two_hundred_waiting_questions_survive_reloads(house: House) -> None:
    calls = [json.dumps(house.bash(f"touch a{n}")) for n in range(200)]
    held = subprocess.Popen([*CLIENT, PYTHON, "-I", "-c", HOLD, str(house.home.hook_socket)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)  # fmt: skip
    assert held.stdin
    held.stdin.write("\n".join(calls).encode())
    held.stdin.close()
    house.waiting(200)
    text = house.home.policy.read_text()
    for n in range(3):
        house.home.policy.write_text(f"{text}\n# {n}\n")
        house.ask("reload")
    assert len(house.waiting(200)) == 200
    house.home.policy.write_text(text.replace("id: t.ask, tier: 3", "id: t.ask, tier: 4"))
    house.ask("reload")
    assert held.stdout and json.loads(held.stdout.read()) == {"deny": 200}
    held.wait(10)
