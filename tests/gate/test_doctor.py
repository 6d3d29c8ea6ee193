"""The doctor on made-up findings: every check says what it saw, and what mends it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sreconsole import paths
from sreconsole.gate import (
    doctor,
    doctor_client,
    doctor_home,
    doctor_machine,
    doctor_serve,
    doctor_store,
    doctor_terminal,
    install,
)
from sreconsole.gate.doctor import Check, Visit
from sreconsole.gate.standing import standings, variables
from sreconsole.store import schema
from sreconsole.store.event import Event
from sreconsole.store.writer import Writer

WALL = 1_772_366_400_000
HELLO = {
    "you": {"name": "ada"}, "can_decide": True, "why_not": "", "boundary": "enforced", "boundary_why": "", "policy": "abc",
    "policy_problems": [], "version": "1.2", "pid": os.getpid(), "started_at": WALL - 3 * 3_600_000, "full": False,
}  # fmt: skip


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A home with nothing in it, and a user with no settings."""
    folder = Path(tempfile.mkdtemp(prefix="sc-", dir="/tmp"))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    home = paths.at(folder / "h")
    home.runtime.mkdir(parents=True, mode=0o700)
    home.state.chmod(0o700)
    yield Visit(
        home, lambda: HELLO, lambda: "keyring.backends.fail", "1.2", WALL, folder, folder / "managed.json",
        {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )  # fmt: skip
    shutil.rmtree(folder)


def one(checks: list[Check], name: str) -> Check:
    found = [check for check in checks if check.name == name]
    assert len(found) == 1, [check.facts() for check in checks]
    return found[0]


def wire(visit: Visit, scope: str = "user") -> Path:
    path = install.place(scope, visit.project, visit.managed)
    install.install(install.plan_install(visit.home, "claude-code", scope, path), datetime(2026, 3, 1, tzinfo=UTC))
    return path


def silent() -> Mapping[str, Any]:
    raise OSError("serve cannot be reached")


def test_a_dead_serve_is_bad_and_has_a_fix(visit: Visit) -> None:
    report = doctor.examine(replace(visit, hello=silent))
    assert one(list(report.checks), "serve").fix == "sreconsole service install"
    assert report.worst == "bad" and not report.enforced
    assert "serve does not run: every call that is not a plain read is refused" in report.reasons


def test_everything_wrong_has_a_fix_or_says_what_to_do(visit: Visit) -> None:
    for check in doctor.examine(replace(visit, hello=silent)).checks:
        assert check.level == "ok" or check.fix, check
        assert "\n" not in check.found + check.fix


def test_a_look_that_crashes_is_a_finding(visit: Visit) -> None:
    def broken() -> str:
        raise RuntimeError("D-Bus")

    report = doctor.examine(replace(visit, keyring=broken))
    assert one(list(report.checks), "secrets") == Check("secrets", "bad", "could not be looked at: RuntimeError: D-Bus")


def test_a_serve_of_another_version(visit: Visit) -> None:
    assert doctor_serve._runs(visit, HELLO).found == f"1.2, pid {os.getpid()}, up 3 h"
    assert doctor_serve._runs(visit, {**HELLO, "version": "1.1"}).level == "warn"
    assert doctor_serve._runs(visit, {**HELLO, "full": True}).level == "bad"


def listening(path: Path, mode: int) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.bind(str(path))
    path.chmod(mode)
    line.listen()
    return line


def test_doors_too_wide(visit: Visit) -> None:
    with listening(visit.home.hook_socket, 0o666), listening(visit.home.operator_socket, 0o666):
        checks = doctor_serve.checks(visit, HELLO, "")
        assert one(checks, "hook.sock").level == "ok"
        assert one(checks, "operator.sock").level == "bad"
        assert one(checks, "operator.sock").fix == f"chmod 660 {visit.home.operator_socket}"
        assert one(checks, "one instance").level == "ok"
        assert one(doctor_serve.checks(visit, {**HELLO, "pid": 1}, ""), "one instance").level == "bad"


def test_a_door_nobody_stands_behind(visit: Visit) -> None:
    with listening(visit.home.hook_socket, 0o600):
        checks = doctor_serve.checks(visit, HELLO, "")
    assert "nobody listens" in one(checks, "one instance").found
    assert one(checks, "operator.sock").level == "bad"


def test_a_policy_with_problems_and_no_policy(visit: Visit) -> None:
    assert doctor_serve._policy(visit, {**HELLO, "policy_problems": ["x.yaml: rules"]})[0].level == "bad"
    assert doctor_serve._policy(visit, {**HELLO, "policy": ""})[0].level == "bad"
    assert doctor_serve._policy(visit, HELLO)[0].level == "warn", "nobody has chosen the starter policy"
    visit.home.policy.write_text("version: 1")
    assert doctor_serve._policy(visit, HELLO)[0].level == "ok"


def test_a_barred_operator_is_told_why(visit: Visit) -> None:
    found = doctor_serve._you({**HELLO, "can_decide": False, "why_not": "it descends from a session"})
    assert found.level == "warn" and "descends from a session" in found.found


@pytest.mark.parametrize(("mode", "level"), [(0o700, "ok"), (0o755, "ok"), (0o770, "bad"), (0o777, "bad")])
def test_a_home_others_can_write(visit: Visit, mode: int, level: str) -> None:
    visit.home.state.chmod(mode)
    assert {check.level for check in doctor_home.checks(visit) if check.name == "home"} == {level}


def test_a_parent_everybody_can_write(visit: Visit) -> None:
    visit.home.state.parent.chmod(0o777)
    found = one(doctor_home.checks(visit), "home")
    assert found.level == "bad" and found.fix == f"chmod o-w {visit.home.state.parent}"
    visit.home.state.parent.chmod(0o1777)
    assert one(doctor_home.checks(visit), "home").level == "ok", "the sticky bit keeps others from replacing it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_link_of_somebody_elses_on_the_way(visit: Visit) -> None:
    link = visit.home.state.parent / "link"
    link.symlink_to(visit.home.state)
    os.lchown(link, 65534, 65534)
    checks = doctor_home.checks(replace(visit, home=paths.at(link)))
    assert any("is a link that belongs to user 65534" in check.found for check in checks)


@pytest.mark.parametrize(
    ("mode", "level"), [(0o600, "ok"), (0o644, "warn"), (0o640, "warn"), (0o660, "bad"), (0o602, "bad")]
)
def test_files_others_can_read_or_write(visit: Visit, mode: int, level: str) -> None:
    visit.home.store.write_text("")
    visit.home.store.chmod(mode)
    found = one(doctor_home.checks(visit), "files")
    assert found.level == level
    if level != "ok":
        subprocess.run(["/bin/sh", "-c", found.fix], check=True)
        assert one(doctor_home.checks(visit), "files").level == "ok", "the fix is a command that mends it"


@pytest.mark.parametrize(("mode", "level"), [(0o640, "ok"), (0o644, "warn")])
def test_files_of_a_system_home_are_the_groups(visit: Visit, mode: int, level: str) -> None:
    home = replace(visit.home, kind="system", config=visit.home.state.parent / "etc")
    home.config.mkdir(mode=0o755)
    home.settings.write_text("")
    home.settings.chmod(0o644)
    home.store.write_text("")
    home.store.chmod(mode)
    assert one(doctor_home.checks(replace(visit, home=home)), "files").level == level


def test_a_system_home_agents_cannot_enter(visit: Visit) -> None:
    home = replace(visit.home, kind="system")
    home.hooks.mkdir()
    (home.hooks / "sreconsole-hook-1.py").write_text("")
    checks = [check for check in doctor_home.checks(replace(visit, home=home)) if check.name == "reach"]
    assert checks[0].level == "bad" and checks[0].fix.startswith("chmod o+x ")


def test_a_broken_configuration_names_the_field(visit: Visit) -> None:
    visit.home.settings.write_text("[serve]\nworkers = 0\n")
    found = one(doctor_home.checks(visit), "configuration")
    assert found.level == "bad" and "serve.workers" in found.found


def test_the_pager_and_its_secret(visit: Visit, tmp_path: Path) -> None:
    assert one(doctor_home.checks(visit), "pager").level == "warn"
    visit.home.settings.write_text('[pager.webhook]\nurl = "https://x.example/p"\n')
    assert one(doctor_home.secrets(visit), "secrets").level == "warn"
    assert doctor_home.secrets(replace(visit, keyring=lambda: "keyring.backends.SecretService"))[0].level == "ok"
    key = tmp_path / "key"
    key.write_text("k")
    key.chmod(0o644)
    visit.home.settings.write_text(f'[pager.webhook]\nurl = "https://x.example/p"\nsecret_file = "{key}"\n')
    assert one(doctor_home.checks(visit), "pager").fix == f"chmod 600 {key}"
    key.chmod(0o600)
    assert one(doctor_home.checks(visit), "pager").level == "ok"
    assert one(doctor_home.secrets(visit), "secrets").level == "ok"


def test_a_whole_store(visit: Visit) -> None:
    Writer(visit.home.store).close()
    checks = doctor_store.checks(visit)
    assert one(checks, "store").level == "ok" and f"schema {schema.VERSION}, whole" in one(checks, "store").found
    assert one(checks, "reserve").level == "ok"
    assert one(checks, "clock steps").level == "ok"


def test_no_store_yet(visit: Visit) -> None:
    assert one(doctor_store.checks(visit), "store").level == "bad"


def test_a_store_from_the_future(visit: Visit) -> None:
    Writer(visit.home.store).close()
    with sqlite3.connect(visit.home.store) as connection:
        connection.execute("PRAGMA user_version=99")
    assert "newer than this sreconsole" in one(doctor_store.checks(visit), "store").found


def test_a_damaged_store(visit: Visit) -> None:
    writer = Writer(visit.home.store)
    for n in range(200):
        writer.do(lambda tx, n=n: tx.append(Event("test.thing", WALL, summary="x" * 500, data={"n": n}))).result()
    writer.close()
    content = bytearray(visit.home.store.read_bytes())
    content[40_000:60_000] = b"\xff" * 20_000
    visit.home.store.write_bytes(content)
    found = one(doctor_store.checks(visit), "store")
    assert found.level == "bad" and found.fix == "sreconsole audit verify"


def test_the_integrity_check_stops_in_time(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(visit.home.store)
    for n in range(3000):
        done = writer.do(lambda tx, n=n: tx.append(Event("test.thing", WALL, summary="x" * 500, data={"n": n})))
    done.result()
    writer.close()
    monkeypatch.setattr(doctor_store, "PATIENCE", 0.0)
    found = one(doctor_store.checks(visit), "store")
    assert found.level == "ok" and "as far as could be read" in found.found


def test_a_clock_that_was_set_is_told(visit: Visit) -> None:
    writer = Writer(visit.home.store)
    writer.do(lambda tx: tx.append(Event("clock.stepped", WALL - 1000, summary="the clock was set by +9.0 s"))).result()
    writer.close()
    found = one(doctor_store.checks(visit), "clock steps")
    assert found.level == "warn" and "+9.0 s" in found.found
    assert one(doctor_store.checks(replace(visit, wall=WALL + 2 * doctor_store.DAY)), "clock steps").level == "ok"


def test_a_lost_reserve(visit: Visit) -> None:
    Writer(visit.home.store).close()
    (visit.home.state / "fleet.db.reserve").unlink()
    assert one(doctor_store.checks(visit), "reserve").level == "warn"


@pytest.mark.parametrize(("state", "level"), [(0, "ok"), (4, "ok"), (5, "warn"), (-1, "warn")])
def test_the_kernels_word_on_the_clock(state: int, level: str) -> None:
    assert doctor_machine._clock(state).level == level
    assert doctor_machine.adjtimex() in range(-1, 6)


@pytest.mark.parametrize(
    ("environ", "size", "name", "level"),
    [
        ({"TERM": "xterm-256color"}, (100, 30), "terminal", "ok"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, (100, 30), "terminal", "ok"),
        ({"TERM": "dumb"}, (100, 30), "terminal", "warn"),
        ({}, (100, 30), "terminal", "warn"),
        ({"TERM": "vt100"}, (100, 30), "terminal", "warn"),
        ({"TERM": "vt100", "NO_COLOR": "1"}, (100, 30), "terminal", "ok"),
        ({"LANG": "C.UTF-8"}, (100, 30), "letters", "ok"),
        ({"LANG": "en_US.utf8", "LC_ALL": "POSIX"}, (100, 30), "letters", "warn"),
        ({}, (100, 30), "letters", "warn"),
        ({}, (80, 24), "size", "ok"),
        ({}, (79, 24), "size", "warn"),
    ],
)  # fmt: skip
def test_terminals(visit: Visit, environ: dict[str, str], size: tuple[int, int], name: str, level: str) -> None:
    found = one(doctor_terminal.checks(replace(visit, environ=environ, size=size)), name)
    assert found.level == level and (level == "ok") == (found.fix == "")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.e2e
@pytest.mark.parametrize(("clipboard", "level"), [("on", "ok"), ("external", "warn"), ("off", "warn")])
def test_tmux_must_let_copies_through(visit: Visit, clipboard: str, level: str) -> None:
    name = visit.home.state / "t"
    tmux = ["tmux", "-S", str(name), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "24", "sleep 60"], check=True)
    try:
        subprocess.run([*tmux, "set", "-s", "set-clipboard", clipboard], check=True)
        subprocess.run([*tmux, "set", "-g", "allow-passthrough", "on"], check=False)
        environ = {**visit.environ, "TMUX": f"{name},1,0"}
        found = one(doctor_terminal.checks(replace(visit, environ=environ, size=(80, 24))), "tmux")
        assert found.level == level and f"set-clipboard {clipboard}" in found.found
        assert (level == "warn") == ("set -g set-clipboard on" in found.fix and "allow-passthrough on" in found.fix)
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)


def test_no_terminal_is_no_fault(visit: Visit) -> None:
    assert [check.level for check in doctor_terminal.checks(visit)] == ["ok"]


@pytest.mark.parametrize(
    ("said", "level"),
    [("2.1.328 (Claude Code)", "ok"), ("2.1.295", "ok"), ("2.1.294 (Claude Code)", "bad"), ("1.9.999", "bad"), ("3.0.0", "ok"),
     ("Claude Code is not on the PATH", "warn")],
)  # fmt: skip
def test_client_versions(visit: Visit, said: str, level: str) -> None:
    clients = doctor_client.Clients(visit, HELLO)
    assert clients._version(said).level == level
    assert bool(clients.doubts) == (level != "ok"), "an unknown version is not a good one"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo '2.1.300 (Claude Code)'", "2.1.300 (Claude Code)"),
        ("sleep 9", "did not say its version"),
        ("exit 1", "says nothing"),
    ],
)
def test_asking_a_client_its_version(visit: Visit, script: str, words: str) -> None:
    fake = visit.home.state / "claude"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    assert words in doctor_client.client_version({**visit.environ, "SRECONSOLE_CLAUDE": str(fake)})
    assert words in doctor_client.client_version({"PATH": f"{visit.home.state}:{os.defpath}"})
    assert doctor_client.client_version({"PATH": "/nowhere"}) == "Claude Code is not on the PATH"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cat >/dev/null", "exit 0, and not the gate's answer: nothing"),
        ("echo '{}'", "not the gate's answer"),
        ("echo no >&2; exit 2", "exit 2, and not the gate's answer: no"),
        ("/no/such/thing", "exit 127"),
        ("sleep 60", "no answer within"),
        ("""echo '{"hookSpecificOutput":{"permissionDecision":"allow","permissionDecisionReason":"x"}}'""", "exit 0, allow: x"),
        ("""echo '{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"Refused: doctor y"}}'""",
         "exit 0, deny: Refused: doctor y"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_ours_is_told(visit: Visit, command: str, words: str) -> None:
    started = time.monotonic()
    assert words in doctor_client.synthetic(command, visit.environ)
    assert time.monotonic() - started < 10


def test_only_an_answer_with_this_calls_name_counts(visit: Visit) -> None:
    echo = """python3 -c 'import json,sys; print(json.dumps({"hookSpecificOutput": {"permissionDecision": "deny",
    "permissionDecisionReason": json.load(sys.stdin)["session_id"]}}))'"""
    assert doctor_client.synthetic(echo, visit.environ) == ""


def test_a_wired_client_whose_gate_is_gone(visit: Visit) -> None:
    path = wire(visit)
    checks = doctor_client.Clients(visit, None).checks()
    assert one(checks, "hooks user").level == "ok"
    assert "nobody listens" in one(checks, "call user").found
    assert one(checks, "hook file").level == "ok"
    assert path.exists()


def test_a_hook_that_trusts_another_user(visit: Visit) -> None:
    path = wire(visit)
    for one_ in (path, visit.home.hooks / "installed.json"):
        one_.write_text(one_.read_text().replace(f"hook.sock {os.geteuid()} ", "hook.sock 4242 "))
    with listening(visit.home.hook_socket, 0o600):
        checks = doctor_client.Clients(visit, HELLO).checks()
    assert "the hook trusts user 4242" in one(checks, "call user").found
    assert one(checks, "hooks user").level == "ok"


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (lambda hook: hook.unlink(), "hook file", "No such file"),
        (lambda hook: hook.write_bytes(hook.read_bytes() + b"\0"), "hook file", "not what this sreconsole installs"),
        (lambda hook: hook.rename(hook.with_name("sreconsole-hook-9.pyc")), "hook file", "No such file"),
    ],
)  # fmt: skip
def test_a_hook_file_that_is_not_ours(visit: Visit, change: Any, name: str, words: str) -> None:
    wire(visit)
    change(next(visit.home.hooks.glob("*.pyc")))
    found = one(doctor_client.Clients(visit, HELLO).checks(), name)
    assert found.level == "bad" and words in found.found and found.fix == "sreconsole hooks install claude-code"


@pytest.mark.parametrize("scope", ["project", "user"])
def test_what_a_repository_put_into_settings_is_never_run(visit: Visit, scope: str) -> None:
    """Hooks that look like ours, with another program and a tail that a shell would run."""
    wire(visit)
    ran = visit.home.state / "ran"
    evil = visit.home.state / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    path = install.place(scope, visit.project / "p")
    path.parent.mkdir(parents=True, exist_ok=True)
    line = f"{evil} -I -S /x/sreconsole-hook-1.py /x/hook.sock 0 claude-code PreToolUse 1 ; touch {ran}"
    path.write_text(json.dumps({"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": line}]}]}}))
    with listening(visit.home.hook_socket, 0o600):
        checks = doctor_client.Clients(replace(visit, project=visit.project / "p"), HELLO).checks()
    assert not ran.exists()
    assert "not tried" in one(checks, f"call {scope}").found and one(checks, f"hooks {scope}").level == "bad"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_a_settings_file_that_is_no_file_is_not_waited_for(visit: Visit, kind: str) -> None:
    path = visit.project / "p" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    found = one(doctor_client.Clients(replace(visit, project=visit.project / "p"), HELLO).checks(), "hooks on")
    assert found.level == "bad" and (str(path) in found.found or "/dev/zero" in found.found)


def test_hooks_that_are_gone(visit: Visit) -> None:
    path = wire(visit)
    path.write_text("{}")
    assert "its hooks are gone" in one(doctor_client.Clients(visit, HELLO).checks(), "hooks user").found
    path.unlink()
    assert "gone with the file" in one(doctor_client.Clients(visit, HELLO).checks(), "hooks user").found
    path.write_text("{")
    assert one(doctor_client.Clients(visit, HELLO).checks(), "hooks user").level == "bad"


@pytest.mark.parametrize(
    ("scope", "content", "words"),
    [
        ("project", '{"disableAllHooks": true}', "disableAllHooks"),
        ("local", '{"disableAllHooks": true}', "disableAllHooks"),
        ("managed", '{"disableAllHooks": true}', "disableAllHooks"),
        ("managed", '{"allowManagedHooksOnly": true}', "only managed hooks run"),
        ("project", '{"env": {"CLAUDE_CODE_SIMPLE": "1"}}', "CLAUDE_CODE_SIMPLE"),
        ("project", "{", "not JSON"),
    ],
)
def test_settings_that_switch_the_gate_off(visit: Visit, scope: str, content: str, words: str) -> None:
    wire(visit)
    project = visit.project / "p"
    path = {"managed": visit.managed, "local": project / ".claude/settings.local.json"}.get(
        scope, project / ".claude/settings.json"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    clients = doctor_client.Clients(replace(visit, project=project), HELLO)
    found = one(clients.checks(), "hooks on")
    assert found.level == "bad" and words in found.found and found.fix
    assert any(words in doubt for doubt in clients.doubts)


@pytest.mark.parametrize(("scope", "level"), [("user", "ok"), ("project", "ok"), ("local", "ok"), ("managed", "bad")])
def test_managed_hooks_are_switched_off_by_managed_settings_alone(visit: Visit, scope: str, level: str) -> None:
    wire(visit, "managed")
    path = install.place(scope if scope != "local" else "project", visit.project, visit.managed)
    if scope == "managed":
        path = visit.managed.with_suffix(".d") / "50-off.json"
    elif scope == "local":
        path = path.with_name("settings.local.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"disableAllHooks": true}')
    simple = replace(visit, environ={**visit.environ, "CLAUDE_CODE_SIMPLE": "1"})
    found = one(doctor_client.Clients(simple, HELLO).checks(), "hooks on")
    assert found.level == level and str(path) in found.found


def test_a_drop_in_beside_the_managed_settings_counts(visit: Visit) -> None:
    drops = visit.managed.with_suffix(".d")
    drops.mkdir()
    (drops / "50-off.json").write_text('{"disableAllHooks": true}')
    assert any(one.off for one in standings(visit.home, visit.project, visit.managed))


@pytest.mark.parametrize(("value", "off"), [("1", True), ("true", True), ("0", False), ("", False), ("false", False)])
def test_the_variable_that_switches_hooks_off(visit: Visit, value: str, off: bool) -> None:
    assert bool(variables({"CLAUDE_CODE_SIMPLE": value})) == off


def test_a_project_without_settings_is_not_a_fault(visit: Visit) -> None:
    wire(visit)
    assert one(doctor_client.Clients(visit, HELLO).checks(), "hooks on").level == "ok"


def test_a_machine_where_everything_is_right_is_enforced(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(visit, "managed")
    monkeypatch.setattr(doctor_client, "client_version", lambda environ: "2.1.328 (Claude Code)")
    monkeypatch.setattr(doctor_client, "synthetic", lambda command, environ: "")
    monkeypatch.setattr(doctor_client.Clients, "_other_end", lambda self, wire: "")
    system = replace(visit, home=replace(visit.home, kind="system"))
    report = doctor.examine(system)
    assert report.enforced and report.reasons == ()
    assert not doctor.examine(visit).enforced, "a private home can be changed by its user's programs"
    shared = {**HELLO, "boundary": "advisory", "boundary_why": "agents run as root, the user of the gate"}
    assert doctor.examine(replace(system, hello=lambda: shared)).reasons == (
        "agents run as root, the user of the gate",
    )
