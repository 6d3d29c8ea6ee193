"""`sreconsole run`: what a scope holds, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sreconsole.agents import processes, scope

CANNOT_GROUP = not (tree := scope.tree()) or not os.access(tree.folder(tree.own), os.W_OK)
needs_group = pytest.mark.skipif(CANNOT_GROUP, reason="control groups (v2) may not be written here")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

ESCAPE = """
import os, sys, time, signal
where, stubborn = sys.argv[1], sys.argv[2] == "stubborn"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if stubborn: signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for n in (0, 1, 2): os.close(n)
        open(where + ".new", "w").write(str(os.getpid())); os.rename(where + ".new", where)
        time.sleep(60)
    os._exit(0)
while not os.path.exists(where): time.sleep(.01)
"""


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -9 $$"], 137),
     (["sh", "-c", "kill -15 $$"], 143), (["/does/not/exist"], 127), (["/etc"], 126)],
)  # fmt: skip
def test_exit_code_is_the_commands_own(fleet: Any, command: list[str], code: int) -> None:
    assert fleet.run("fixer", "--", *command).returncode == code
    closed = fleet.events("scope.closed")
    assert [json.loads(one.data)["exit"] for one in closed] == [code]


def test_streams_and_environment_are_inherited(fleet: Any) -> None:
    done = fleet.run(
        "fixer",
        "--",
        "sh",
        "-c",
        'read x; echo "got $x in $SRECONSOLE_SCOPE"; echo oops >&2',
        stdin=None,
        input="word\n",
    )
    assert (done.stdout, done.stderr) == ("got word in sc-0001\n", "oops\n")


def test_root_of_the_scope_is_recorded_before_the_command_runs(fleet: Any) -> None:
    done = fleet.run("fixer", "--", sys.executable, "-c", "import os; print(os.getppid())")
    opened = json.loads(fleet.events("scope.opened")[0].data)
    assert opened["pid"] == int(done.stdout)
    assert opened["agent"] == "fixer"


def test_unknown_agent_runs_nothing(fleet: Any) -> None:
    done = fleet.run("nobody-knows", "--", "touch", str(fleet.folder / "ran"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "enroll" in done.stderr
    assert not (fleet.folder / "ran").exists()


def test_revoked_agent_runs_nothing(fleet: Any) -> None:
    fleet.ask("revoke_agent", name="fixer", reason="done")
    done = fleet.run("fixer", "--", "touch", str(fleet.folder / "ran"))
    assert (done.returncode, done.stderr) == (
        4,
        "sreconsole: agent fixer is revoked\n" if "refused:" not in done.stderr else done.stderr,
    )
    assert "revoked" in done.stderr
    assert not (fleet.folder / "ran").exists()


def test_starts_serve_on_demand_and_fails_closed_where_it_cannot(fleet: Any) -> None:
    fleet.stop()
    (fleet.folder / "config.toml").write_text("[console]\nthemme = 1\n")
    done = fleet.run("fixer", "--", "touch", str(fleet.folder / "ran"))
    assert (done.returncode, (fleet.folder / "ran").exists()) == (3, False)
    assert "nothing was run" in done.stderr


@pytest.mark.parametrize("stubborn", ["polite", "stubborn"])
@pytest.mark.parametrize("kind", [pytest.param("cgroup", marks=needs_group), "subreaper"])
def test_double_forked_escapee_is_found_and_ended(fleet: Any, kind: str, stubborn: str) -> None:
    where = fleet.folder / "escapee"
    began = time.monotonic()
    done = fleet.run(*_only(kind, fleet), "fixer", "--", sys.executable, "-c", ESCAPE, str(where), stubborn)
    pid = int(where.read_text())
    assert done.returncode == 0
    assert f"ending: {pid} " in done.stderr and "is empty" in done.stderr
    assert processes.look(pid) is None
    assert (time.monotonic() - began > scope.PATIENCE) == (stubborn == "stubborn")
    assert json.loads(fleet.events("scope.opened")[0].data)["kind"] == kind
    assert len(fleet.events("scope.closed")) == 1


def _only(kind: str, fleet: Any) -> list[str]:
    """Hide control groups from `run` to see what the reaper does alone."""
    fleet.command = _command(fleet, kind)
    return []


def _command(fleet: Any, kind: str) -> Any:
    before = type(fleet).command

    def command(noun: str, *words: str) -> list[str]:
        line = before(fleet, noun, *words)
        if kind == "subreaper":
            line[2] = "from sreconsole.agents import scope; scope.tree = lambda: None; " + line[2]
        return line

    return command


def test_keep_leaves_and_says_so_and_serve_closes_when_it_is_over(fleet: Any, wait: Any) -> None:
    where = fleet.folder / "escapee"
    done = fleet.run("fixer", "--keep", "--", sys.executable, "-c", ESCAPE, str(where), "polite")
    pid = int(where.read_text())
    try:
        assert f"left running in scope sc-0001, which stays open: {pid} " in done.stderr
        assert processes.look(pid) is not None
    finally:
        os.kill(pid, signal.SIGKILL)
    wait(lambda: fleet.events("scope.closed"), "closed by serve")
    assert "its root is gone" in fleet.events("scope.closed")[0].summary


def test_killed_root_ends_the_command_and_serve_closes_the_scope(fleet: Any, wait: Any) -> None:
    here = fleet.folder / "pid"
    run = fleet.start_command("run", "fixer", "--", "sh", "-c", f"echo $$ > {here}; exec sleep 60")
    wait(lambda: here.exists() and here.read_text().strip(), "the command runs")
    run.kill()
    run.wait(5)
    wait(lambda: processes.look(int(here.read_text())) is None, "the command ends with its root")
    wait(lambda: fleet.events("scope.closed"), "closed by serve")
    assert json.loads(fleet.events("scope.closed")[0].data)["exit"] == 137
    assert not list(Path("/sys/fs/cgroup").rglob(f"sreconsole-{run.pid}-*"))


@needs_group
def test_orphans_in_a_group_keep_the_scope_open_until_they_are_gone(fleet: Any, wait: Any) -> None:
    where = fleet.folder / "escapee"
    run = fleet.start_command(
        "run", "fixer", "--", sys.executable, "-c", ESCAPE + "\ntime.sleep(60)", str(where), "polite"
    )
    wait(where.exists, "the escapee runs")
    pid = int(where.read_text())
    run.kill()
    run.wait(5)
    try:
        wait(lambda: fleet.events("scope.orphaned"), "told")
        assert str(pid) in fleet.events("scope.orphaned")[0].summary
        assert not fleet.events("scope.closed")
    finally:
        os.kill(pid, signal.SIGKILL)
    wait(lambda: fleet.events("scope.closed"), "closed when empty")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_forwarded(fleet: Any, wait: Any, number: signal.Signals) -> None:
    here = fleet.folder / "ready"
    script = f"trap 'exit {20 + number}' {number.name[3:]}; touch {here}; while :; do sleep 0.05; done"
    run = fleet.start_command("run", "fixer", "--", "sh", "-c", script)
    wait(here.exists, "the command runs")
    run.send_signal(number)
    assert run.wait(10) == 20 + number


def test_ctrl_c_while_ending_loses_patience(fleet: Any, wait: Any) -> None:
    where = fleet.folder / "escapee"
    run = fleet.start_command("run", "fixer", "--", sys.executable, "-c", ESCAPE, str(where), "stubborn")
    wait(where.exists, "the escapee runs")
    assert run.stderr is not None
    assert "ending" in run.stderr.readline()
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    assert run.wait(10) == 0
    assert time.monotonic() - began < scope.PATIENCE - 1


@pytest.mark.parametrize("detach", ["", "setsid -f ", "env -u SRECONSOLE_SCOPE setsid -f "])
def test_what_runs_inside_may_not_decide(fleet: Any, wait: Any, detach: str) -> None:
    asking = fleet.start_command("ask", "Which?", "--choice", "a", "--choice", "b")
    e = fleet.waiting()[0]
    said = fleet.folder / "said"
    inner = fleet.folder / "inner.sh"
    approve = f"{sys.executable} -m sreconsole escalations approve {e.id} --choice a --yes"
    inner.write_text(f"{approve} > {said} 2>&1; echo $? >> {said}; touch {said}.done")
    done = fleet.run("fixer", "--", "sh", "-c", f"{detach}sh {inner}; while [ ! -e {said}.done ]; do sleep 0.05; done")
    assert done.returncode == 0, done.stderr
    assert said.read_text().endswith("\n4\n"), said.read_text()
    assert any("it runs inside scope sc-0001" in one.summary for one in fleet.events("gate.refused-operator"))
    assert [one.id for one in fleet.waiting()] == [e.id]
    asking.send_signal(signal.SIGINT)
    asking.wait(10)


def test_scope_inside_a_scope_is_refused(fleet: Any) -> None:
    inner = fleet.command("run", "fixer", "--", "touch", str(fleet.folder / "ran"))
    done = fleet.run("fixer", "--", *inner)
    assert (done.returncode, (fleet.folder / "ran").exists()) == (4, False)


def test_what_runs_inside_cannot_close_its_scope(fleet: Any) -> None:
    script = (
        "from sreconsole import paths; from sreconsole.serve.client import Line, Refused\n"
        "with Line(paths.home()) as line:\n"
        "    try: print(line.ask('close_scope', scope='sc-0001'))\n"
        "    except Refused as no: print('code', no.code)"
    )
    assert fleet.run("fixer", "--", sys.executable, "-c", script).stdout == "code 4\n"


@needs_root
def test_agents_user_is_become_with_a_clean_environment(fleet: Any) -> None:
    fleet.ask("enroll", name="boxed", owner="dana", uid=65534)
    fleet.environment |= {"SECRET_TOKEN": "x", "KEEP_ME": "y", "LC_ALL": "C.UTF-8"}
    show = "import os, json; print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups(), dict(os.environ)]))"
    done = fleet.run("boxed", "--env", "KEEP_ME", "--", "/usr/bin/python3", "-c", show)
    uids, gids, groups, environment = json.loads(done.stdout)
    assert (uids, gids, groups) == ([65534] * 3, [65534] * 3, [65534])
    assert environment["SRECONSOLE_SCOPE"] == "sc-0001" and environment["KEEP_ME"] == "y"
    assert environment["HOME"] != os.environ.get("HOME") and environment["USER"] == environment["LOGNAME"]
    assert "SECRET_TOKEN" not in environment and "SRECONSOLE_HOME" not in environment
    assert all(one.startswith("/") for one in environment["PATH"].split(":"))


@needs_root
def test_agents_user_reaches_no_operator_socket_and_no_foreign_file(fleet: Any) -> None:
    fleet.ask("enroll", name="boxed", owner="dana", uid=65534)
    script = (
        "import os, socket\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        f"for what in (lambda: s.connect({str(fleet.home.operator_socket)!r}), lambda: os.kill(os.getppid(), 9),\n"
        f"             lambda: open({str(fleet.home.store)!r}), lambda: os.setuid(0)):\n"
        "    try: what(); print('done')\n"
        "    except PermissionError: print('no')"
    )
    assert fleet.run("boxed", "--", "/usr/bin/python3", "-c", script).stdout.split() == ["no"] * 4
    assert fleet.ask("hello")["boundary"] == "enforced"


@needs_root
def test_death_of_the_root_reaches_another_users_command_too(fleet: Any, wait: Any) -> None:
    fleet.ask("enroll", name="boxed", owner="dana", uid=65534)
    run = fleet.start_command("run", "boxed", "--", "sleep", "60")
    wait(lambda: [one for one in processes.descendants(run.pid) if one.name == "sleep"], "it runs")
    sleep = next(one for one in processes.descendants(run.pid) if one.name == "sleep")
    run.kill()
    run.wait(5)
    wait(lambda: processes.look(sleep.pid) is None, "ended with its root")
    assert run.returncode == -signal.SIGKILL
    wait(lambda: fleet.events("scope.closed"), "closed by serve")


def test_only_root_starts_another_users_agent(fleet: Any) -> None:
    fleet.ask("enroll", name="boxed", owner="dana", uid=os.geteuid() + 1 if os.geteuid() else 65534)
    if os.geteuid() == 0:
        from sreconsole.agents.person import CannotBecome, to_become

        before = os.geteuid
        try:
            os.geteuid = lambda: 1000  # type: ignore[assignment]
            with pytest.raises(CannotBecome, match="as root"):
                to_become(65534, "boxed")
        finally:
            os.geteuid = before
        return
    assert fleet.run("boxed", "--", "true").returncode == 4


def test_nohup_holds_for_the_command(fleet: Any, wait: Any) -> None:
    here = fleet.folder / "ready"
    line = ["nohup", *fleet.command("run", "fixer", "--", "sh", "-c", f"touch {here}; sleep 0.5; exit 5")]
    run = subprocess.Popen(
        line, env=fleet.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait(here.exists, "the command runs")
    run.send_signal(signal.SIGHUP)
    assert run.wait(10) == 5
