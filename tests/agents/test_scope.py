"""What holds an agent's processes, piece by piece."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.agents import person, processes, scope
from sreconsole.agents.processes import Process

TREE = scope.tree()
needs_group = pytest.mark.skipif(
    TREE is None or not os.access(TREE.folder(TREE.own), os.W_OK), reason="control groups (v2) may not be written here"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    one = subprocess.Popen(["sleep", "60"])
    yield one
    one.kill()
    one.wait()


def test_below_finds_all_generations_and_nobody_else() -> None:
    family = [
        Process(2, 10, 1, "a"),
        Process(3, 11, 2, "b"),
        Process(4, 12, 3, "c"),
        Process(5, 13, 1, "other"),
        Process(6, 9, 5, "x"),
    ]
    assert [one.pid for one in processes.below(2, family)] == [3, 4]
    assert [one.pid for one in processes.below(1, family)] == [6, 2, 3, 4, 5]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), max_size=12, unique_by=lambda pair: pair[0]))
def test_below_ends_on_any_shape_and_never_names_its_root(pairs: list[tuple[int, int]]) -> None:
    found = processes.below(1, [Process(pid, 0, parent, "") for pid, parent in pairs])
    assert all(one.pid != 1 for one in found)
    assert len({one.pid for one in found}) == len(found)


def test_names_with_brackets_and_spaces_are_read(tmp_path: Path) -> None:
    odd = tmp_path / "a) 1 (b"
    odd.symlink_to(shutil.which("sleep") or "/bin/sleep")
    child = subprocess.Popen([str(odd), "60"])
    try:
        time.sleep(0.1)
        found = processes.look(child.pid)
        assert found is not None
        assert (found.name, found.parent) == ("a) 1 (b", os.getpid())
    finally:
        child.kill()
        child.wait()


def test_only_that_very_process_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    found = processes.look(sleeper.pid)
    assert found is not None
    assert not processes.send(Process(found.pid, found.started + 1, found.parent, found.name), signal.SIGKILL)
    assert sleeper.poll() is None
    assert processes.send(found, signal.SIGKILL)
    assert sleeper.wait(5) == -signal.SIGKILL
    assert not processes.send(found, signal.SIGKILL)


def test_a_tree_is_read_from_where_it_is_mounted() -> None:
    tree = scope.Tree(Path("/mnt/cg"), "/user.slice", "/user.slice/me")
    assert tree.folder("/user.slice/me/sreconsole-1-2") == Path("/mnt/cg/me/sreconsole-1-2")
    assert scope.Tree(Path("/mnt/cg"), "/", "/me").folder("/me/x") == Path("/mnt/cg/me/x")


def test_only_groups_of_run_are_removed(tmp_path: Path) -> None:
    tree = scope.Tree(tmp_path, "/", "/")
    for name in ("mine", "sreconsole-1-2/inner"):
        (tmp_path / name).mkdir(parents=True)
    tree.remove("/mine")
    tree.remove("/sreconsole-1-2")
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]


def test_without_control_groups_the_reaper_holds(
    monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    monkeypatch.setattr(scope, "tree", lambda: None)
    assert scope.around(sleeper.pid).kind == "subreaper"


def test_a_group_that_may_not_be_written_falls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    monkeypatch.setattr(scope, "tree", lambda: scope.Tree(tmp_path / "absent", "/", "/"))
    assert scope.around(sleeper.pid).kind == "subreaper"


MANAGER = """#!/bin/sh
# Stands for the system's manager: makes the group it is asked for around the process it is asked for.
unit=; pid=
for word in "$@"; do
  case "$before" in 1) pid=$word;; esac
  case "$word" in *.scope) unit=$word;; esac
  before=$word
done
mkdir "{root}/$unit" && echo "$pid" > "{root}/$unit/cgroup.procs"
"""


@needs_group
def test_unit_made_by_the_manager_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    assert TREE is not None
    manager = tmp_path / "busctl"
    manager.write_text(MANAGER.format(root=TREE.folder(TREE.own)))
    manager.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    unit = scope.Unit(TREE)
    try:
        assert unit.take(sleeper.pid)
        assert unit.path.endswith(".scope") and unit.kind == "cgroup"
        assert sleeper.pid in [one.pid for one in TREE.inside(unit.path)]
    finally:
        sleeper.kill()
        sleeper.wait()
        TREE.remove(unit.path)
    assert not TREE.folder(unit.path).exists()


@needs_group
def test_unit_that_the_manager_refuses_is_no_scope(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    assert TREE is not None
    (tmp_path / "busctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "busctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert not scope.Unit(TREE).take(sleeper.pid)


@pytest.mark.e2e
@pytest.mark.skipif(
    not (shutil.which("busctl") and shutil.which("dbus-daemon")), reason="busctl and dbus-daemon are not here"
)
def test_request_for_a_unit_is_well_formed(tmp_path: Path) -> None:
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", f"--address=unix:path={tmp_path}/b", "--nofork", "--nopidfile"],
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 5
        while not (tmp_path / "b").exists() and time.monotonic() < until:
            time.sleep(0.02)
        line = scope.start_unit("x.scope", os.getpid())
        line[1] = f"--address=unix:path={tmp_path}/b"
        done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    finally:
        bus.terminate()
        bus.wait()
    # Nobody answers to that name on this bus; a malformed request would not have got so far.
    assert "Failed to parse" not in done.stderr and "Too" not in done.stderr
    assert "Call failed" in done.stderr


@pytest.mark.parametrize(
    ("before", "home", "after"),
    [
        ("/root/bin:/usr/bin:/bin", "/root", "/usr/bin:/bin"),
        ("bin:.::/usr/bin", "/root", "/usr/bin"),
        ("/usr/bin:/usr/bin", "", "/usr/bin"),
        ("/rooted/bin", "/root", "/rooted/bin"),
        ("", "/root", person.PATH),
        ("/root/bin", "/root", person.PATH),
    ],
)
def test_path_of_another_user_names_no_folder_of_ours(before: str, home: str, after: str) -> None:
    assert person.path(before, {"HOME": home}) == after


def test_same_user_keeps_the_environment() -> None:
    assert person.environment({"A": "1"}, None, "sc-1") == {"A": "1", "SRECONSOLE_SCOPE": "sc-1"}


def test_unknown_user_has_no_groups_and_no_home() -> None:
    found = person.person(3_999_999)
    assert (found.gid, found.groups, found.home, found.name) == (3_999_999, (), "/", "3999999")


def test_importing_the_commands_loads_nothing_heavy() -> None:
    code = "import sys, sreconsole.cli.run, sreconsole.cli.ask, sreconsole.cli.demo; print([m for m in ('textual', 'rich', 'sqlite3', 'asyncio', 'sreconsole.serve') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
