"""Who asks and who decides is what the kernel says, whatever a process calls itself or hands on."""

from __future__ import annotations

import array
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from house import PYTHON, ROOT, House, answer

from sreconsole.serve import operators, peers
from sreconsole.serve.peers import Peer

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root to act as another user")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def as_nobody(
    house: House, payload: dict[str, Any], client: list[str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A hook of another user's client."""
    rig = house.folder / "rig"
    if not rig.exists():
        rig.mkdir()
        for name in ("sreconsole/hook.py", "tests/rig/client.py"):
            shutil.copy(ROOT / name, rig)
        os.chmod(house.folder, 0o755)
        os.chmod(house.home.config, 0o711)
        os.chmod(house.home.runtime, 0o711)
        os.chmod(house.home.hook_socket, 0o666)
        os.system(f"chmod -R a+rX {rig}")
    hook = [
        PYTHON,
        "-I",
        "-S",
        str(rig / "hook.py"),
        str(house.home.hook_socket),
        str(os.getuid()),
        "claude-code",
        "PreToolUse",
        "4",
    ]
    return subprocess.run(
        [*NOBODY, *(client or [PYTHON, "-I", "-S", str(rig / "client.py")]), *hook], input=json.dumps(payload).encode(),
        capture_output=True, timeout=30, cwd="/", env={"PATH": "/usr/bin:/bin", "CLAUDE_CODE_SESSION_ATTENDED": "0"},
    )  # fmt: skip


@needs_root
def test_a_session_of_another_user_lends_nothing_to_who_claims_it(shipped: House) -> None:
    hook = shipped.hook(shipped.bash("touch /etc/motd.d/a", "s-dana"))
    shipped.decide("grant", shipped.waiting()[0], target="*", minutes=15, uses=9)
    assert answer(hook)[0] == "allow"
    done = as_nobody(shipped, shipped.bash("touch /etc/motd.d/b", "s-dana"))
    assert b'"deny"' in done.stdout and b"belongs to user" in done.stdout, done
    assert answer(shipped.hook(shipped.bash("touch /etc/motd.d/c", "s-dana")))[0] == "allow"


@needs_root
def test_an_agent_that_calls_itself_a_shell_does_not_bar_who_started_it(house: House) -> None:
    """`setpriv … agent` in an operator's shell: the way up from a renamed client must not lead to the operator."""
    script = "import os,sys\nopen('/proc/self/comm','w').write('sh')\nos.wait4(os.posix_spawn(sys.argv[1],sys.argv[1:],dict(os.environ)),0)\n"
    done = as_nobody(house, house.bash("ls", "s-agent"), [PYTHON, "-I", "-S", "-c", script])
    assert done.returncode == 0, done
    assert house.ask("hello")["can_decide"], house.ask("hello")["why_not"]


@needs_root
def test_a_process_named_sshd_is_not_a_login() -> None:
    """Who is not dumpable has root's files in /proc; that makes nobody root's sshd."""
    script = (
        "import ctypes,time\nctypes.CDLL(None).prctl(15, b'sshd', 0, 0, 0)\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
        "print('ready', flush=True)\ntime.sleep(20)\n"
    )
    process = subprocess.Popen([*NOBODY, PYTHON, "-c", script, "sshd: dana@pts/0"], stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline()
        found = peers.process(process.pid)
        assert found and found.name == "sshd" and found.uid == 0
        assert "dana" not in peers.login(peers.ancestry(process.pid))
    finally:
        process.kill()
        process.wait()


def test_a_connection_handed_on_is_not_its_pids_next_owners() -> None:
    """The process that connected is gone, and its number belongs to an operator's process now."""
    from sreconsole import config

    found = peers.process(os.getpid())
    assert found
    none = operators.Identity({}, {}, {})
    settings = config.load(Path("/nonexistent/config.toml"))
    gone = Peer(os.getpid(), os.getuid(), os.getgid(), found.started - 100)
    assert "gone" in operators.bar(gone, none, settings, os.getuid(), set())
    now = Peer(os.getpid(), os.getuid(), os.getgid(), found.started)
    assert "gone" not in operators.bar(now, none, settings, os.getuid(), set())


def test_a_connection_handed_on_by_a_process_that_ended_decides_nothing(house: House) -> None:
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    ours, theirs = socket.socketpair()
    script = (
        "import array,socket,sys\nline=socket.socket(socket.AF_UNIX); line.connect(sys.argv[1])\n"
        "to=socket.socket(fileno=int(sys.argv[2]))\nto.sendmsg([b'x'],[(socket.SOL_SOCKET,socket.SCM_RIGHTS,array.array('i',[line.fileno()]))])\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(house.home.operator_socket), str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        check=True,
    )
    _, parts, _, _ = ours.recvmsg(1, socket.CMSG_LEN(4))
    line = socket.socket(fileno=array.array("i", parts[0][2])[0])
    line.settimeout(5)
    asked = {"id": 1, "do": "approve", "escalation": e.id, "version": e.version, "digest": e.digest, "hold": 0}
    line.sendall(json.dumps(asked).encode() + b"\n")
    said = json.loads(line.makefile("rb").readline())
    assert said["ok"] is False and said["code"] == 4
    assert hook.poll() is None


def test_a_child_whose_parent_died_still_runs_inside_its_scope(house: House) -> None:
    """Under `sreconsole run` a double fork is reparented to the scope's root, and stays barred."""
    house.ask("enroll", name="web-dev", owner="dana")
    hook = house.hook(house.bash("touch a"))
    e = house.waiting()[0]
    out = house.folder / "said"
    script = (
        "import os,time,sys\n"
        "if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(0.5)\n"
        "os.environ.clear()\n"
        "from sreconsole import paths; from pathlib import Path; from sreconsole.serve.client import Line, Refused\n"
        f"try:\n  with Line(paths.at(Path({str(house.home.config)!r}))) as l: l.ask('approve', escalation={e.id!r}, version={e.version}, digest={e.digest!r}, hold=0); said='approved'\n"
        "except Refused as no: said=str(no)\n"
        f"open({str(out)!r},'w').write(said)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", "run", "web-dev", "--", "env", "-u", "SRECONSOLE_SCOPE", sys.executable, "-c",
         f"import subprocess,time,sys; subprocess.run([sys.executable,'-c',{script!r}]); time.sleep(3)"],
        env=house.environment, cwd="/", stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 15
        while not (out.exists() and out.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        assert "scope" in out.read_text()
        assert hook.poll() is None
    finally:
        run.wait(20)


def test_a_revoked_agent_does_not_come_back_by_another_session(house: House) -> None:
    house.ask("enroll", name="web-dev", owner="dana", rules=[{"folder": str(house.project)}])
    assert answer(house.hook(house.bash("ls", "s-a")))[0] == "none"
    house.ask("revoke_agent", name="web-dev")
    assert answer(house.hook(house.bash("ls", "s-a")))[0] == "deny"
    assert answer(house.hook(house.bash("ls", "s-b")))[0] == "deny"
    assert answer(house.hook({**house.bash("ls", "s-a"), "cwd": "/tmp"}))[0] == "deny"
    assert (
        answer(house.hook({**house.bash("ls", "s-c"), "cwd": str(house.project / "..") + "/project/./x"}))[0] == "deny"
    )
