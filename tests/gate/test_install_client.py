"""The real client and a real `serve`: install, run, tamper, undo. And the doctor beside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from house import ROOT, House, wait_for

from sreconsole.gate import install
from sreconsole.paths import Home

LOCAL = ROOT / ".cache/clients/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
CLAUDE = Path(os.environ.get("SRECONSOLE_CLAUDE") or LOCAL)
OWN_ETC = (
    "set -e; mkdir -p $0/over; mount -t tmpfs none $0/over; mkdir $0/over/u $0/over/w; "
    "mount -t overlay none -o lowerdir=/etc,upperdir=$0/over/u,workdir=$0/over/w /etc; "
    'mkdir /etc/claude-code; cp $0/managed.json /etc/claude-code/managed-settings.json; exec "$@"'
)
"""A shell script: the client in a mount namespace whose /etc has the managed settings; the machine's own stays as it is."""

needs_client = pytest.mark.skipif(
    not CLAUDE.is_file(), reason=f"no real client: neither $SRECONSOLE_CLAUDE nor {LOCAL} is there"
)
HOOKS = [sys.executable, "-m", "sreconsole", "hooks"]
DOCTOR = [sys.executable, "-m", "sreconsole", "doctor"]


class Desk:
    """A user with a client, and the commands they type."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.user = house.folder / "user"
        self.user.mkdir()
        self.settings = self.user / ".claude" / "settings.json"
        self.settings.parent.mkdir()
        self.environment = {**house.environment, "HOME": str(self.user), "SRECONSOLE_CLAUDE": str(CLAUDE)}
        for name in ("CLAUDE_CONFIG_DIR", "CLAUDE_CODE_SIMPLE"):
            self.environment.pop(name, None)

    def type(self, *words: str, program: list[str] = HOOKS) -> tuple[int, Any]:
        """Run a command with --json; exit code and document."""
        command = [*program, *words, "--json", "--managed-file", str(self.house.folder / "managed.json")]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, cwd=self.house.project, check=False
        )
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stderr

    def doctor(self, *words: str) -> tuple[int, dict[str, dict[str, str]], dict[str, Any]]:
        """Exit code, checks by name, the whole report."""
        code, report = self.type(*words, program=DOCTOR)
        return code, {one["name"]: one for one in report["checks"]}, report

    def run(self, *turns: dict[str, Any], inside: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> dict[str, Any]:
        """Play a scripted model to the real client, started by the command `inside`; its result document."""
        folder = self.house.folder
        script, port = folder / "script.json", folder / "port"
        script.write_text(json.dumps({"turns": [*turns, {"text": "done"}]}))
        port.unlink(missing_ok=True)
        fake = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/rig/fake_anthropic.py"), str(script), "--port", "0", "--ready-file", str(port),
             "--log", str(folder / "requests.jsonl")], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(lambda: port.exists() and port.read_text(), 15, "the scripted model")
            environment = {
                "PATH": os.defpath, "HOME": str(self.user), "LANG": "C.UTF-8", "TERM": "xterm",
                "CLAUDE_CODE_TMPDIR": str(folder), "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port.read_text()}",
                "ANTHROPIC_API_KEY": "sk-ant-dummy-offline", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1",
                "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0",
                "IS_SANDBOX": "1",
            }  # fmt: skip
            done = subprocess.run(
                [*inside, str(CLAUDE), "-p", "go", "--output-format", "json", "--permission-mode", "bypassPermissions", *flags],
                cwd=self.house.project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False
            )  # fmt: skip
            return dict(json.loads(done.stdout))
        finally:
            fake.terminate()
            fake.wait()


def bash(command: str, **more: Any) -> dict[str, Any]:
    return {"text": "go", "tools": [{"name": "Bash", "input": {"command": command, "description": "x"}}], **more}


@pytest.fixture
def desk(house: House) -> Iterator[Desk]:
    yield Desk(house)


def test_the_doctor_proves_by_a_call_that_the_gate_answers(desk: Desk) -> None:
    assert desk.type("install", "claude-code", "--yes")[0] == 0
    before = len(desk.house.events())
    code, checks, report = desk.doctor()
    assert checks["call user"]["level"] == "ok", checks["call user"]
    assert checks["serve"]["level"] == checks["one instance"]["level"] == checks["hook file"]["level"] == "ok"
    assert code == (1 if report["worst"] == "bad" else 0)
    assert report["verdict"] == "advisory" and any("rewrite" in reason for reason in report["reasons"])
    assert len(desk.house.events()) == before, "the doctor leaves no trace"


def test_the_doctor_is_quick(desk: Desk) -> None:
    desk.type("install", "claude-code", "--yes")
    started = time.monotonic()
    desk.doctor()
    took = time.monotonic() - started
    print(f"doctor: {took:.2f} s")
    assert took < 10, "every wait in it is bounded; the figure to build for is 2 s"


def test_the_doctor_sees_a_serve_that_hangs(desk: Desk) -> None:
    desk.type("install", "claude-code", "--yes")
    assert desk.house.serve
    os.kill(desk.house.serve.pid, 19)
    try:
        code, checks, _ = desk.doctor()
    finally:
        os.kill(desk.house.serve.pid, 18)
    assert code == 1 and checks["serve"]["level"] == "bad" and checks["call user"]["level"] == "bad"


def test_a_pipe_in_place_of_settings_does_not_stop_serve(desk: Desk) -> None:
    pipe = desk.house.folder / "pipe"
    os.mkfifo(pipe)
    payload = {"session_id": "s-9", "transcript_path": "", "cwd": "/", "hook_event_name": "ConfigChange",
               "source": "user_settings", "file_path": str(pipe)}  # fmt: skip
    out, _ = desk.house.hook(payload, event="ConfigChange").communicate(timeout=10)
    assert json.loads(out)["decision"] == "block"
    assert desk.house.ask("hello")["pid"]


def test_status_follows_the_settings(desk: Desk) -> None:
    assert desk.type("status")[0] == 1
    assert desk.type("install", "claude-code", "--yes")[1]["state"] == "installed"
    assert desk.type("install", "claude-code", "--yes")[1]["state"] == "already installed"
    code, found = desk.type("status")
    assert code == 0 and [one["scope"] for one in found["settings"] if one["wired"]] == ["user"]
    assert desk.type("uninstall", "claude-code", "--yes")[1]["state"] == "removed"
    assert desk.type("uninstall", "claude-code", "--yes")[1]["state"] == "was not installed"
    assert desk.type("status")[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("install", "codex", "--yes"), 2, "`codex` cannot be wired; one of: claude-code"),
        (("install", "claude-code", "--yes", "--scope", "world"), 2, "--scope"),
        (("install", "claude-code", "--yes", "--project", "/nowhere"), 2, "--project"),
        (("install", "claude-code"), 2, "add --yes"),
        (("uninstall", "gemini", "--yes"), 2, "`gemini` cannot be wired"),
    ],
)
def test_words_that_make_no_sense(desk: Desk, words: tuple[str, ...], code: int, says: str) -> None:
    found = desk.type(*words)
    assert found[0] == code and says in found[1] and found[1].count("\n") == 1


def test_invalid_settings_are_one_line_and_exit_2(desk: Desk) -> None:
    desk.settings.write_text('{"a": 1,}')
    code, words = desk.type("install", "claude-code", "--yes")
    assert code == 2 and words.startswith(f"sreconsole: {desk.settings}:1:9: not JSON") and words.count("\n") == 1
    assert desk.settings.read_text() == '{"a": 1,}'


def test_without_yes_and_without_a_terminal_nothing_is_done(desk: Desk) -> None:
    done = subprocess.run([*HOOKS, "install", "claude-code"], env=desk.environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, cwd=desk.house.project, check=False)  # fmt: skip
    assert done.returncode == 2 and "+++" in done.stdout and "add --yes" in done.stderr
    assert not desk.settings.exists()


@pytest.mark.parametrize(("key", "code", "wired"), [("y", 0, True), ("n", 1, False), ("", 1, False)])
def test_at_a_terminal_it_asks_and_no_is_the_default(desk: Desk, key: str, code: int, wired: bool) -> None:
    desk.settings.write_text('{"a": 1}')
    leader, follower = os.openpty()
    process = subprocess.Popen([*HOOKS, "install", "claude-code"], env=desk.environment, stdin=follower, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=desk.house.project)  # fmt: skip
    os.close(follower)
    os.write(leader, f"{key}\n".encode())
    out, _ = process.communicate(timeout=30)
    os.close(leader)
    assert b"+++" in out and b"Change it?" in out and process.returncode == code
    assert ("sreconsole-hook-" in desk.settings.read_text()) == wired


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run an agent as somebody else")
def test_an_agent_of_another_user_reaches_a_system_homes_gate_and_nothing_else() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sc-", dir="/tmp"))
    folder.chmod(0o755)
    system = Home("system", folder / "etc", folder / "lib", folder / "run")
    for one, mode in ((system.config, 0o755), (system.state, 0o750), (system.runtime, 0o755)):
        one.mkdir()
        one.chmod(mode)
    script = (
        "import sys\nfrom pathlib import Path\nfrom sreconsole.paths import Home\nfrom sreconsole.serve.daemon import serve\n"
        "serve(Home('system', *map(Path, sys.argv[1:])))\n"
    )
    log = (folder / "log").open("wb")
    serve = subprocess.Popen([sys.executable, "-c", script, *map(str, (system.config, system.state, system.runtime))],
                             stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    try:
        wait_for(system.operator_socket.exists, 15, "serve")
        path = folder / "managed-settings.json"
        install.install(install.plan_install(system, "claude-code", "managed", path), datetime.now(UTC))
        command = json.loads(path.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
        call = {"session_id": "sreconsole-doctor-x", "cwd": "/", "hook_event_name": "PreToolUse", "tool_name": "Bash",
                "tool_input": {"command": "true"}, "tool_use_id": "t", "transcript_path": ""}  # fmt: skip
        agent: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": [], "capture_output": True}
        done = subprocess.run(
            ["/bin/sh", "-c", command], input=json.dumps(call).encode(), env={}, cwd="/", check=False, **agent
        )
        assert b"Refused: doctor sreconsole-doctor-x" in done.stdout, done.stderr
        closed = [system.store, system.hooks.parent, system.operator_socket]
        tries = [f"cat {closed[0]}", f"ls {closed[1]}", f"python3 -c 'import socket; socket.socket(1).connect(\"{closed[2]}\")'",
                 f"touch {system.hooks}/x", f"echo x > {system.hooks}/installed.json"]  # fmt: skip
        for one in tries:
            assert subprocess.run(["/bin/sh", "-c", one], cwd="/", check=False, **agent).returncode != 0, one
        hidden = subprocess.run(["/bin/sh", "-c", f"kill {serve.pid}"], cwd="/", check=False, **agent)
        assert hidden.returncode != 0 and serve.poll() is None
    finally:
        serve.terminate()
        serve.wait(15)
        shutil.rmtree(folder)


@needs_client
@pytest.mark.e2e
def test_install_run_and_undo(desk: Desk) -> None:
    before = b'{"permissions":{"deny":["WebFetch"]},\n "includeCoAuthoredBy":false}'
    desk.settings.write_bytes(before)
    desk.type("install", "claude-code", "--yes")
    ran, refused = desk.house.project / "ran", desk.house.project / "refused"
    result = desk.run(bash(f"mkdir {ran}"), bash(f"mkfs {refused} ; mkdir {refused}"))
    assert ran.exists() and not refused.exists(), result
    kinds = [one.kind for one in desk.house.events()]
    assert (
        "tool.passed" in kinds
        and "tool.refused" in kinds
        and "hook.session-start" in kinds
        and "hook.session-end" in kinds
    )
    assert "formats a disk" in json.dumps(result["permission_denials"]) or result["permission_denials"]
    desk.type("uninstall", "claude-code", "--yes")
    assert desk.settings.read_bytes() == before
    count = len(desk.house.events())
    desk.run(bash(f"rmdir {ran}"))
    assert not ran.exists() and len(desk.house.events()) == count, "the client runs without the gate again"


@needs_client
@pytest.mark.e2e
def test_with_serve_dead_nothing_runs(desk: Desk) -> None:
    desk.type("install", "claude-code", "--yes")
    desk.house.stop()
    ran = desk.house.project / "ran"
    desk.run(bash(f"mkdir {ran}"))
    assert not ran.exists()


@needs_client
@pytest.mark.e2e
def test_a_project_that_switches_hooks_off_is_found(desk: Desk) -> None:
    desk.type("install", "claude-code", "--yes")
    assert desk.doctor()[1]["hooks on"]["level"] == "ok"
    project = desk.house.project / ".claude" / "settings.json"
    project.parent.mkdir()
    project.write_text('{"disableAllHooks": true}')
    refused = desk.house.project / "refused"
    desk.run(bash(f"mkfs /nowhere ; mkdir {refused}"))
    assert refused.exists(), "this is what the finding warns of: the client ran past the gate"
    code, checks, report = desk.doctor()
    assert code == 1 and checks["hooks on"]["level"] == "bad" and str(project) in checks["hooks on"]["found"]
    assert any("disableAllHooks" in reason for reason in report["reasons"])


@needs_client
@pytest.mark.e2e
@pytest.mark.parametrize(
    "switch", ["", "project", "local", "user", "simple", "--bare", "--safe-mode", "--setting-sources project"]
)
def test_managed_hooks_cannot_be_switched_off_by_a_project_or_a_user(desk: Desk, switch: str) -> None:
    """Every way round user hooks that is known, tried on managed ones."""
    folder = desk.house.folder
    own_etc = ("unshare", "-m", "sh", "-c", OWN_ETC, str(folder))
    tried = folder / "managed.json"
    tried.write_text("{}")
    if subprocess.run([*own_etc, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace of one's own here")
    tried.unlink()
    code, done = desk.type("install", "claude-code", "--yes", "--scope", "managed")
    assert code == 0 and any("allowManagedHooksOnly" in note for note in done["notes"])
    project = desk.house.project / ".claude" / "settings.json"
    project.parent.mkdir()
    off = '{"disableAllHooks": true, "hooks": {}}'
    if switch in ("project", "local"):
        project.with_name("settings.json" if switch == "project" else "settings.local.json").write_text(off)
    elif switch == "user":
        desk.settings.write_text(off)
    refused = desk.house.project / "refused"
    simple = ("env", "CLAUDE_CODE_SIMPLE=1") if switch == "simple" else ()
    flags = tuple(switch.split()) if switch.startswith("--") else ()
    desk.run(bash(f"mkfs /nowhere ; mkdir {refused}"), inside=(*own_etc, *simple), flags=flags)
    assert not refused.exists() and desk.house.events("tool.refused")


@needs_client
@pytest.mark.e2e
@pytest.mark.parametrize("how", ["user settings emptied", "project settings switch hooks off"])
def test_an_edit_in_mid_session_that_removes_the_gate_is_blocked(desk: Desk, how: str) -> None:
    """Written from outside the session, as by something it left running: the gate never saw the edit itself."""
    desk.type("install", "claude-code", "--yes")
    project = desk.house.project / ".claude" / "settings.json"
    project.parent.mkdir()
    project.write_text("{}")
    first, refused = desk.house.project / "first", desk.house.project / "refused"
    with ThreadPoolExecutor(1) as pool:
        session = pool.submit(desk.run, bash(f"mkdir {first}"), bash(f"mkfs /nowhere ; mkdir {refused}", delay_s=6))
        wait_for(first.exists, 30, "the session's first call")
        if how == "user settings emptied":
            desk.settings.write_text("{}")
        else:
            project.write_text('{"disableAllHooks": true}')
        session.result()
    assert not refused.exists(), "the gate still stood"
    tampering = desk.house.events("gate.tamper")
    assert tampering and tampering[0].tier == 4
    assert desk.doctor()[0] == 1


@needs_client
@pytest.mark.e2e
def test_undoing_in_mid_session_is_let_through(desk: Desk) -> None:
    """An operator takes the gate out while a session runs: no tampering, and the session goes on."""
    desk.settings.write_text("{}")
    desk.type("install", "claude-code", "--yes")
    first, ran = desk.house.project / "first", desk.house.project / "ran"
    with ThreadPoolExecutor(1) as pool:
        session = pool.submit(desk.run, bash(f"mkdir {first}"), bash(f"mkdir {ran}", delay_s=6))
        wait_for(first.exists, 30, "the session's first call")
        assert desk.type("uninstall", "claude-code", "--yes")[1]["exact"]
        session.result()
    assert ran.exists() and desk.settings.read_text() == "{}"
    assert desk.house.events("gate.tamper") == []


@pytest.mark.parametrize("serve", ["running", "down"])
def test_an_agent_cannot_undo_its_own_gate(desk: Desk, serve: str) -> None:
    desk.type("install", "claude-code", "--yes")
    if serve == "down":
        desk.house.stop()
    desk.environment["CLAUDECODE"] = "1"
    for words in (("uninstall", "claude-code", "--yes"), ("uninstall", "claude-code", "--yes", "--scope", "project")):
        code, said = desk.type(*words)
        assert code == 4 and said.startswith("sreconsole: refused: it was started by an agent's client")
    assert "sreconsole-hook-" in desk.settings.read_text()
