"""Whatever is done to the hook's process short of killing it: without an answer it ends with 2, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import PYTHON, ROOT

HOOK = str(ROOT / "sreconsole/hook.py")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sc-", dir="/tmp") as name:
        yield Path(name)


def call(tool: str = "Bash", cwd: str = "/tmp", **arguments: Any) -> bytes:
    body = {"session_id": "s", "cwd": cwd, "hook_event_name": "PreToolUse", "tool_name": tool, "tool_use_id": "t"}
    return json.dumps({**body, "tool_input": arguments or {"command": "touch a"}}).encode()


def run(path: Path, payload: bytes, before: str = "", seconds: str = "2", **more: Any) -> int:
    """The exit code of the hook itself; `before` is what a shell does to it first."""
    line = f"{before} exec {PYTHON} -I -S {HOOK} {path} {os.getuid()} claude-code PreToolUse {seconds}"
    return subprocess.run(
        ["/bin/sh", "-c", line], input=payload, timeout=30, **{"capture_output": True, **more}
    ).returncode


@pytest.mark.parametrize(
    "before",
    [
        "exec 2>&-;", "exec 1>&-;", "exec 1>&- 2>&-;", "exec 0<&-;", "exec 0<&- 1>&- 2>&-;", "exec 2>/dev/full;",
        "ulimit -n 3;", "ulimit -n 0;", "ulimit -f 0;", "ulimit -v 20000;", "trap '' PIPE;",
        "mkdir /tmp/sc-gone-$$; cd /tmp/sc-gone-$$; rmdir /tmp/sc-gone-$$;",
        "export PYTHONPATH=/tmp PYTHONSTARTUP=/etc/passwd PYTHONHOME=/nowhere PYTHONINSPECT=1;",
    ],
)  # fmt: skip
def test_without_a_gate_nothing_done_to_its_surroundings_opens_it(folder: Path, before: str) -> None:
    code = run(folder / "none.sock", call(), before)
    # Where the interpreter itself cannot start, the installed command line's own `|| exit 2` refuses.
    assert code == 2 or (code != 0 and "ulimit" in before)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"\n", b"sre/1\n", b"x" * 5000, b"sre/1 SHA 0 -5 0\n", b"sre/1 SHA 0 99999999999 0\nabc", b"sre/1 SHA x y z\n",
        b"sre/1 " + b"0" * 64 + b" 0 0 0\n", b"sre/2 SHA 0 0 0\n", b"sre/1 SHA 0 5 0\nab", b"sre/1 \xff 0 0 0\n",
        b"sre/1 SHA  0 0\n",
    ],
)  # fmt: skip
def test_a_lying_reply_is_no_answer(folder: Path, said: bytes) -> None:
    from hashlib import sha256

    payload = call()
    said = said.replace(b"SHA", sha256(payload).hexdigest().encode()) if b"-5" not in said else said
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "s"))
    server.listen(64)

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            line.recv(65536)
            with contextlib.suppress(OSError):
                line.sendall(said)
            line.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        assert run(folder / "s", payload) == 2
    finally:
        server.close()


def test_nobody_reads_its_answer_and_it_still_refuses(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    assert run(folder / "none.sock", call(), stdout=write, stderr=write, capture_output=False) == 2
    os.close(write)


@pytest.mark.parametrize(
    "make",
    [
        lambda f: call("Read", str(_made(f / ".ssh")), file_path=str(f / ".ssh/id_rsa")),
        lambda f: call("Read", "/proc/self", file_path="/proc/self/environ"),
        lambda f: call("Read", "/etc", file_path="/etc/passwd"),
        lambda f: call("Read", str(f), file_path=str(f / "../other/x")),
        lambda f: call("Read", str(f), file_path=str(f / ".env")),
        lambda f: call("Read", str(f / "secrets"), file_path=str(f / "secrets/x")),
        lambda f: call("Glob", str(f), pattern="/home/**/.ssh/*"),
        lambda f: call("Glob", str(f), pattern="../../**/id_*"),
        lambda f: call("Read", str(f), file_path="a\0b"),
        lambda f: call("Read", str(f), file_path=["a"]),
    ],
)
def test_without_a_gate_only_plain_files_of_the_project_are_read(folder: Path, make: Callable[[Path], bytes]) -> None:
    assert run(folder / "none.sock", make(folder)) == 2


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_plain_file_of_the_project_is_read(folder: Path) -> None:
    assert run(folder / "none.sock", call("Read", str(folder), file_path=str(folder / "a.py"))) == 0
    assert run(folder / "none.sock", call("Glob", str(folder), pattern="**/*.py")) == 0


def test_no_limit_makes_a_refusal_a_success(folder: Path) -> None:
    """Small address spaces, from none to enough: never 0."""
    for size in range(4, 80, 8):

        def small(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_AS, (size << 20, size << 20))

        done = subprocess.run(
            [PYTHON, "-I", "-S", HOOK, str(folder / "none.sock"), str(os.getuid()), "claude-code", "PreToolUse", "1"],
            input=call(), capture_output=True, preexec_fn=small, timeout=30,
        )  # fmt: skip
        assert done.returncode != 0, (size, done, sys.version)
