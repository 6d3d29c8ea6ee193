"""Installing and undoing, file by file: nothing is lost, nothing half written, nothing left behind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole import paths
from sreconsole.gate import hook_file, install, settings_file, wiring
from sreconsole.gate.install import plan_install, plan_uninstall, wirings
from sreconsole.gate.settings_file import Changed, Unusable
from sreconsole.paths import Home
from sreconsole.text.canonical import canonical

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return paths.at(Path(f"/tmp/sc-{os.getpid()}-{abs(hash(tmp_path)) % 10**8}"))


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Home) -> Any:
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    yield folder
    subprocess.run(["rm", "-rf", str(home.state)], check=True)


@pytest.fixture
def file(user: Path) -> Path:
    """The user's settings file, not there yet."""
    (user / ".claude").mkdir(mode=0o700)
    return user / ".claude" / "settings.json"


def put(home: Home, path: Path, scope: str = "user", now: datetime = NOW) -> install.Done:
    return install.install(plan_install(home, "claude-code", scope, path), now)


def take(home: Home, path: Path, scope: str = "user") -> install.Done:
    return install.uninstall(plan_uninstall(home, "claude-code", scope, path))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(path.name + ".sreconsole-backup-*"))


def test_places_of_the_scopes(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert install.place("user", tmp_path) == user / ".claude/settings.json"
    assert install.place("project", tmp_path) == tmp_path / ".claude/settings.json"
    assert install.place("managed", tmp_path) == Path("/etc/claude-code/managed-settings.json")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    assert install.place("user", tmp_path) == tmp_path / "c/settings.json"


STYLES = [
    b'{}', b'{}\n', b'', b'  \n', b'{"model":"opus"}', b'{\n  "z": 1,\n  "a": [1, 2]\n}\n', b'{\n    "four": true\n}\n',
    b'{\n\t"tab": null\n}', b'{\r\n  "crlf": "x",\r\n  "n": 1.50\r\n}\r\n', b'\xef\xbb\xbf{"bom": 1}\n',
    '{"ünï": "ß \\u00e9 \\ud83d"}\n'.encode(), b'{"n": 12345678901234567890, "f": 1e-7}',
    b'{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say done"}]}], "PreToolUse": []}, "last": 1}\n',
]  # fmt: skip


@pytest.mark.parametrize("content", STYLES)
def test_undo_gives_back_the_very_bytes(home: Home, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(0o640)
    done = put(home, file)
    assert done.backup is not None and done.backup.read_bytes() == content and mode(done.backup) == 0o600
    after = file.read_bytes()
    assert wiring.wirings(settings_file.parse(file, after)).keys() == set(wiring.EVENTS)
    assert after.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in after) == (b"\r\n" in content)
    assert after.count(b"\n") == after.count(b"\r\n") or b"\r\n" not in after
    assert mode(file) == 0o640
    assert take(home, file).exact
    assert file.read_bytes() == content
    assert mode(file) == 0o640
    assert backups(file) == [] and wirings(home) == {} and install.commands(home) == {}


def test_the_users_order_and_two_spaces(home: Home, file: Path) -> None:
    file.write_text('{"zebra": 1, "apple": {"y": 1, "x": 2}, "model": "opus"}')
    put(home, file)
    value = json.loads(file.read_text())
    assert list(value) == ["zebra", "apple", "model", "hooks"] and list(value["apple"]) == ["y", "x"]
    assert '\n  "zebra": 1,\n  "apple": {\n    "y": 1,' in file.read_text()


def test_a_file_that_was_not_there_goes_again_with_its_folder(home: Home, user: Path) -> None:
    file = user / ".claude" / "settings.json"
    assert put(home, file).backup is None
    assert mode(file) == 0o600 and mode(file.parent) == 0o700
    take(home, file)
    assert list(user.iterdir()) == []


def test_a_folder_of_ours_with_something_else_in_it_stays(home: Home, user: Path) -> None:
    file = user / ".claude" / "settings.json"
    put(home, file)
    (file.parent / "other.json").write_text("{}")
    take(home, file)
    assert [one.name for one in file.parent.iterdir()] == ["other.json"]


def test_a_second_install_writes_nothing(home: Home, file: Path) -> None:
    file.write_text("{}")
    put(home, file)
    stamps = {path: path.stat().st_mtime_ns for path in (file, *home.hooks.iterdir())}
    plan = plan_install(home, "claude-code", "user", file)
    assert plan.same and plan.diff == ""
    done = install.install(plan, LATER)
    assert done.backup is None and done.written == []
    assert {path: path.stat().st_mtime_ns for path in (file, *home.hooks.iterdir())} == stamps
    assert len(backups(file)) == 1


def test_a_lost_hook_file_comes_back_without_touching_the_settings(home: Home, file: Path) -> None:
    file.write_text("{}")
    put(home, file)
    stamp = file.stat().st_mtime_ns
    gone = next(home.hooks.glob("*.pyc"))
    gone.unlink()
    assert put(home, file, now=LATER).written == [gone]
    assert file.stat().st_mtime_ns == stamp


def test_undo_after_a_foreign_change_takes_out_only_ours(home: Home, file: Path) -> None:
    file.write_text('{"a": 1, "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}')
    put(home, file)
    value = json.loads(file.read_text())
    value["b"] = 2
    file.write_text(json.dumps(value))
    plan = plan_uninstall(home, "claude-code", "user", file)
    assert "only our entries" in plan.notes[0]
    done = install.uninstall(plan)
    assert not done.exact and done.backup in backups(file)
    assert json.loads(file.read_text()) == {
        "a": 1, "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}, "b": 2,
    }  # fmt: skip


def test_undo_without_the_backup_takes_out_only_ours(home: Home, file: Path) -> None:
    file.write_text('{"a": 1}')
    put(home, file)
    backups(file)[0].unlink()
    take(home, file)
    assert json.loads(file.read_text()) == {"a": 1}


def test_undo_does_not_trust_a_backup_that_was_changed(home: Home, file: Path) -> None:
    file.write_text('{"a": 1}')
    put(home, file)
    backups(file)[0].write_text('{"evil": true}')
    take(home, file)
    assert json.loads(file.read_text()) == {"a": 1}


def test_undo_of_nothing(home: Home, file: Path) -> None:
    file.write_text('{"a": 1}')
    plan = plan_uninstall(home, "claude-code", "user", file)
    assert plan.same and plan.old is None
    assert install.uninstall(plan).written == []
    assert file.read_text() == '{"a": 1}'


def test_undo_of_hooks_nobody_remembers(home: Home, file: Path) -> None:
    wire = wiring.Wire(Path("/usr/bin/python3"), Path("/gone/sreconsole-hook-0.py"), Path("/gone/hook.sock"), 7)
    file.write_text(json.dumps(wiring.wired({"a": 1}, wire, "claude-code")))
    take(home, file)
    assert json.loads(file.read_text()) == {"a": 1}


def test_a_newer_install_still_undoes_to_the_first_bytes(
    home: Home, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = b'{"a":1}'
    file.write_bytes(before)
    put(home, file)
    monkeypatch.setattr(hook_file, "PROTOCOL", "2")
    put(home, file, now=LATER)
    assert "sreconsole-hook-2.pyc" in file.read_text() and "sreconsole-hook-1" not in file.read_text()
    assert len(backups(file)) == 1
    assert take(home, file).exact
    assert file.read_bytes() == before


def test_an_old_hook_file_stays_until_no_settings_refer_to_it(
    home: Home, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "project" / ".claude" / "settings.json"
    other.parent.mkdir(parents=True)
    put(home, file)
    put(home, other, "project")
    old = home.hooks / "sreconsole-hook-1.pyc"
    monkeypatch.setattr(hook_file, "PROTOCOL", "2")
    put(home, file, now=LATER)
    assert old.exists(), "the project's settings still run it"
    put(home, other, "project", LATER)
    assert old.exists(), "a session may still be running it"
    put(home, other, "project", LATER)
    plan = plan_install(home, "claude-code", "user", file)
    install.install(plan, LATER)
    take(home, other, "project")
    put(home, other, "project", LATER)
    assert not old.exists() and not old.with_suffix(".py").exists()
    assert (home.hooks / "sreconsole-hook-2.pyc").exists()


def test_the_record_is_what_the_gate_compares_with(home: Home, file: Path) -> None:
    from sreconsole.serve.policies import Policies

    put(home, file)
    record = json.loads((home.hooks / "installed.json").read_text())
    assert (
        record[str(file)]["PreToolUse"] == json.loads(file.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    )
    policies = Policies(home)
    assert policies.tampered(str(file)) == ""
    value = json.loads(file.read_text())
    del value["hooks"]["PreToolUse"]
    file.write_text(json.dumps(value))
    assert "no longer runs the gate's hooks" in policies.tampered(str(file))
    take(home, file)
    assert policies.tampered(str(file)) == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{\n  "a": 1,\n}\n', ":3:1: not JSON: a comma before the closing bracket"),
        (b'{"a": [1,2,]}', "not JSON: a comma before the closing bracket"),
        (b'{\n  // mine\n  "a": 1\n}', ":2:3: not JSON: comments are not JSON"),
        (b'/* x */ {}', ":1:1: not JSON: comments are not JSON"),
        (b'{"a": 1', ":1:8: not JSON: "),
        (b'{"a": tru}', ":1:7: not JSON: "),
        (b'[]', "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b'{"a": 1, "a": 2}', '"a" stands twice'),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\xff"}', ":1: not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"hooks": []}', "hooks: is a list, must be an object of events"),
        (b'{"hooks": {"Stop": {}}}', "hooks.Stop: is an object, must be a list"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_left_untouched_in_one_line(
    home: Home, file: Path, content: bytes, words: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(Unusable) as refused:
        plan_install(home, "claude-code", "user", file)
    assert words in str(refused.value) and str(file) in str(refused.value) and "\n" not in str(refused.value)
    assert file.read_bytes() == content
    assert not home.hooks.exists() and list(file.parent.iterdir()) == [file]


def test_a_huge_file_is_refused(home: Home, file: Path) -> None:
    file.write_bytes(b'{"a": "' + b"x" * settings_file.LARGEST + b'"}')
    with pytest.raises(Unusable, match="larger than 8 MiB"):
        plan_install(home, "claude-code", "user", file)


def test_a_large_file_is_not(home: Home, file: Path) -> None:
    content = json.dumps({"list": list(range(200_000))}).encode()
    file.write_bytes(content)
    put(home, file)
    take(home, file)
    assert file.read_bytes() == content


@pytest.mark.parametrize("change", ["edit", "remove", "make"])
def test_a_change_between_looking_and_writing_is_seen(home: Home, file: Path, change: str) -> None:
    if change != "make":
        file.write_text('{"a": 1}')
    plan = plan_install(home, "claude-code", "user", file)
    file.unlink() if change == "remove" else file.write_text('{"a": 2}')
    with pytest.raises(Changed, match="meanwhile"):
        install.install(plan, NOW)
    assert not file.exists() if change == "remove" else file.read_text() == '{"a": 2}'
    assert backups(file) == [] and wirings(home) == {} and install.commands(home) == {}
    assert [one.name for one in file.parent.iterdir()] == ([] if change == "remove" else ["settings.json"])


def test_a_change_between_looking_and_undoing_is_seen(home: Home, file: Path) -> None:
    file.write_text('{"a": 1}')
    put(home, file)
    plan = plan_uninstall(home, "claude-code", "user", file)
    file.write_text(file.read_text() + " ")
    with pytest.raises(Changed):
        install.uninstall(plan)
    assert str(file) in install.commands(home), "still on record: it is still wired"
    assert wiring.wirings(json.loads(file.read_text()))


def test_an_interrupted_write_leaves_the_file_whole(home: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('{"a": 1}')
    plan = plan_install(home, "claude-code", "user", file)
    real, writes = os.fsync, []

    def fail(descriptor: int) -> None:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
        if "/.settings.json." in target:
            writes.append(target)
            raise OSError(28, "No space left on device", target)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Unusable, match="No space left on device; nothing was changed"):
        install.install(plan, NOW)
    assert writes and file.read_text() == '{"a": 1}'
    assert list(file.parent.iterdir()) == [file] and wirings(home) == {}


def test_a_kill_at_any_write_leaves_one_whole_file(home: Home, file: Path) -> None:
    """The process dies at the n-th flush, n = 1, 2, …: the settings are the old ones or the new ones.

    Whichever they are, the next install and uninstall end at the bytes of before.
    """
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom datetime import datetime, UTC\nfrom sreconsole import paths\n"
        "from sreconsole.gate import install\nn, real = int(sys.argv[3]), os.fsync\n"
        "def fsync(d):\n    global n\n    n -= 1\n    os._exit(9) if n == 0 else real(d)\n"
        "plan = install.plan_install(paths.at(Path(sys.argv[1])), 'claude-code', 'user', Path(sys.argv[2]))\n"
        "os.fsync = fsync\ninstall.install(plan, datetime.now(UTC))\n"
    )
    outcomes = set()
    for n in range(1, 30):
        file.write_text('{"a": 1}')
        done = subprocess.run(
            [sys.executable, "-c", script, str(home.state), str(file), str(n)], capture_output=True, check=False
        )
        value = json.loads(file.read_text())
        assert value["a"] == 1 and len(wiring.wirings(value)) in (0, len(wiring.EVENTS))
        outcomes.add((done.returncode, bool(wiring.wirings(value))))
        put(home, file, now=LATER)
        assert wirings(home)[str(file)].exact
        take(home, file)
        assert file.read_text() == '{"a": 1}' and wirings(home) == {}
        subprocess.run(["rm", "-rf", str(home.state)], check=True)
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
    assert outcomes >= {(9, False), (9, True), (0, True)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_one_line(home: Home, file: Path) -> None:
    file.write_text("{}")
    file.parent.chmod(0o500)
    try:
        with pytest.raises(Unusable, match="Permission denied"):
            put(home, file)
    finally:
        file.parent.chmod(0o700)
    assert file.read_text() == "{}" and wirings(home) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_read_only_folder_is_one_line_for_a_user(tmp_path: Path) -> None:
    folder = Path(f"/tmp/sc-ro-{os.getpid()}")
    folder.mkdir()
    try:
        file = folder / ".claude" / "settings.json"
        file.parent.mkdir()
        file.write_text("{}")
        (folder / "h").mkdir()
        os.chown(folder / "h", 65534, 65534)
        script = (
            "import os, sys\nfrom pathlib import Path\nfrom datetime import datetime, UTC\nfrom sreconsole import paths\n"
            "from sreconsole.gate import install\nfrom sreconsole.gate.settings_file import Unusable\n"
            "from sreconsole.gate import hook_file\n"
            "b'x'.decode('utf-8-sig')  # after the change of user our environment cannot be read\n"
            "os.setgid(65534); os.setuid(65534)\nhook_file.interpreter = lambda shared: Path('/usr/bin/python3')\n"
            "hook_file.prepared = lambda python: hook_file.HookFile(b'x', b'')\n"
            "try:\n    plan = install.plan_install(paths.at(Path(sys.argv[1])), 'claude-code', 'project', Path(sys.argv[2]))\n"
            "    install.install(plan, datetime.now(UTC))\nexcept Unusable as error:\n    print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder / "h"), str(file)], capture_output=True, text=True, check=False
        )
        assert "Permission denied" in done.stdout and done.stdout.count("\n") == 1, done.stderr
        assert file.read_text() == "{}"
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_link_inside_the_home_is_followed_and_said(home: Home, user: Path, file: Path) -> None:
    target = user / "dotfiles" / "claude.json"
    target.parent.mkdir()
    target.write_text('{"a": 1}')
    file.symlink_to(target)
    plan = plan_install(home, "claude-code", "user", file)
    assert "is a link; the file is" in plan.notes[0]
    install.install(plan, NOW)
    assert file.is_symlink() and wiring.wirings(json.loads(target.read_text()))
    assert set(install.commands(home)) == {str(file), str(target)}
    take(home, file)
    assert file.is_symlink() and target.read_text() == '{"a": 1}'


def test_the_users_own_link_out_of_the_home_is_followed_and_said(home: Home, tmp_path: Path, file: Path) -> None:
    target = tmp_path / "elsewhere" / "claude.json"
    target.parent.mkdir()
    target.write_text("{}")
    file.symlink_to(target)
    plan = plan_install(home, "claude-code", "user", file)
    assert "your own link out of" in plan.notes[0]
    install.install(plan, NOW)
    assert file.is_symlink() and wiring.wirings(json.loads(target.read_text()))


def test_a_linked_folder_is_followed_and_said(home: Home, tmp_path: Path, user: Path) -> None:
    (tmp_path / "claude").mkdir()
    (user / ".claude").symlink_to(tmp_path / "claude")
    plan = plan_install(home, "claude-code", "user", user / ".claude" / "settings.json")
    assert "your own link" in plan.notes[0] and plan.file.path == tmp_path / "claude" / "settings.json"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_link_to_somebody_elses_file_is_refused(home: Home, tmp_path: Path, file: Path) -> None:
    target = tmp_path / "theirs.json"
    target.write_text("{}")
    os.chown(target, 65534, 65534)
    file.symlink_to(target)
    with pytest.raises(Unusable, match="is a link out of"):
        plan_install(home, "claude-code", "user", file)
    assert target.read_text() == "{}"


def test_a_projects_link_out_of_it_is_refused(home: Home, tmp_path: Path, user: Path) -> None:
    (user / "mine.json").write_text("{}")
    path = tmp_path / "project" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.symlink_to(user / "mine.json")
    with pytest.raises(Unusable, match="is a link out of"):
        plan_install(home, "claude-code", "project", path)
    assert (user / "mine.json").read_text() == "{}"


@pytest.mark.parametrize("kind", ["dangling", "loop", "folder"])
def test_a_link_that_leads_nowhere_is_refused(home: Home, file: Path, kind: str) -> None:
    file.mkdir() if kind == "folder" else file.symlink_to(file if kind == "loop" else file.with_name("gone"))
    with pytest.raises(Unusable, match=r"leads nowhere|a folder"):
        plan_install(home, "claude-code", "user", file)


def test_managed_settings_let_no_other_hooks_run(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "etc" / "managed-settings.json"
    plan = plan_install(home, "claude-code", "managed", path)
    assert any("allowManagedHooksOnly" in note for note in plan.notes)
    install.install(plan, NOW)
    assert json.loads(path.read_text())["allowManagedHooksOnly"] is True
    assert mode(path) == 0o644 and mode(path.parent) == 0o755
    take(home, path, "managed")
    assert not path.parent.exists()


@pytest.mark.parametrize("before", [{}, {"allowManagedHooksOnly": False}, {"allowManagedHooksOnly": True}])
def test_managed_settings_changed_since_get_their_own_word_back(
    home: Home, tmp_path: Path, before: dict[str, Any]
) -> None:
    path = tmp_path / "etc" / "managed-settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(before))
    put(home, path, "managed")
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": 1}))
    take(home, path, "managed")
    assert json.loads(path.read_text()) == {**before, "more": 1}


def test_modes_of_a_private_home(home: Home, file: Path) -> None:
    put(home, file)
    assert mode(home.hooks) == 0o700
    assert {mode(path) for path in home.hooks.iterdir()} == {0o600}


def test_modes_of_a_system_home(tmp_path: Path, file: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o750)
    system = Home("system", tmp_path / "etc", state, Path("/tmp/sc-run"))
    put(system, file)
    assert mode(system.hooks) == 0o755 and mode(state) == 0o751, "agents pass through to the hook and look nowhere else"
    assert {mode(path) for path in system.hooks.iterdir()} == {0o644}
    assert wirings(system)[str(file)].uid == state.stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_system_homes_owner_is_whom_hooks_trust(tmp_path: Path, file: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    put(Home("system", tmp_path / "etc", state, Path("/tmp/sc-run")), file)
    assert wiring.parts(json.loads(file.read_text())["hooks"]["Stop"][0]["hooks"][0]["command"]).uid == 65534  # type: ignore[union-attr]


def test_a_home_too_deep_for_a_socket_is_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(Unusable, match="too long for a unix socket"):
        plan_install(paths.at(tmp_path / ("d" * 90)), "claude-code", "user", file)


def test_the_diff_shows_no_secret_and_no_escape(home: Home, file: Path) -> None:
    file.write_text('{"env": {"ANTHROPIC_API_KEY": "sk-ant-api03-' + "Ab1" * 31 + '"}, "note": "\x9b31m\u202ered"}')
    diff = plan_install(home, "claude-code", "user", file).diff
    assert "PreToolUse" in diff and diff.startswith("--- ")
    assert "Ab1Ab1" not in diff and "\x9b" not in diff and "\u202e" not in diff


def test_the_compiled_hook_runs_and_closes(home: Home, file: Path) -> None:
    put(home, file)
    command = json.loads(file.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert ".pyc " in command
    payload = canonical({"tool_name": "Bash", "tool_input": {}, "cwd": "/", "hook_event_name": "PreToolUse"})
    done = subprocess.run(["/bin/sh", "-c", command], input=payload, capture_output=True, check=False)
    assert done.returncode == 2 and done.stdout == b"" and b"sreconsole serve cannot be reached" in done.stderr


def test_a_hook_file_for_another_interpreter_refuses(home: Home, file: Path) -> None:
    put(home, file)
    compiled = next(home.hooks.glob("*.pyc"))
    compiled.write_bytes(b"\0\0\0\0" + compiled.read_bytes()[4:])
    command = json.loads(file.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    done = subprocess.run(["/bin/sh", "-c", command], input=b"{}", capture_output=True, check=False)
    assert done.returncode == 2 and b"Refused" in done.stderr


def test_without_compiling_the_source_runs(home: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_file, "COMPILE", "raise SystemExit(1)")
    plan = plan_install(home, "claude-code", "user", file)
    assert any("could not be compiled" in note for note in plan.notes)
    install.install(plan, NOW)
    assert "sreconsole-hook-1.py " in file.read_text()


def test_the_interpreter_is_outside_any_environment(tmp_path: Path) -> None:
    python = hook_file.interpreter(False)
    assert python == python.resolve() and not hook_file.unfit(python, False)
    assert not (python.parent.parent / "pyvenv.cfg").exists()
    assert not (hook_file.base().parent.parent / "pyvenv.cfg").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho 3 9\n", "Python 3.9 is older than 3.11"),
        ("#!/bin/sh\necho no such thing >&2; exit 1\n", "no such thing"),
    ],
)
def test_an_interpreter_that_will_not_do_says_why(tmp_path: Path, script: str, words: str) -> None:
    fake = tmp_path / "python3"
    fake.write_text(script)
    fake.chmod(0o755)
    assert hook_file.unfit(fake, False) == words
    assert "No such file" in hook_file.unfit(tmp_path / "gone", False)


def test_an_interpreter_agents_cannot_reach_will_not_do_for_a_system_home(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "python3").symlink_to("/usr/bin/python3")
    assert "agents cannot reach it" in hook_file.unfit(closed / "python3", True)


def test_hooks_of_another_home_are_replaced_and_said(home: Home, file: Path) -> None:
    wire = wiring.Wire(Path("/usr/bin/python3"), Path("/gone/sreconsole-hook-1.py"), Path("/gone/hook.sock"), 7)
    file.write_text(json.dumps(wiring.wired({"a": 1}, wire, "claude-code")))
    plan = plan_install(home, "claude-code", "user", file)
    assert "takes the place of hooks of another home, which call /gone/hook.sock" in plan.notes
    install.install(plan, NOW)
    assert "/gone/" not in file.read_text()
    take(home, file)
    assert json.loads(file.read_text()) == {"a": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), st.sampled_from(STYLES))
def test_what_is_rendered_reads_back_in_any_style(value: dict[str, Any], style: bytes) -> None:
    file = settings_file.SettingsFile(Path("x"), style, {})
    again = settings_file.parse(Path("x"), file.render(value))
    assert again == value and json.dumps(again) == json.dumps(value), "nothing lost, nothing moved"


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_one_line(content: bytes) -> None:
    try:
        assert isinstance(settings_file.parse(Path("/x/settings.json"), content), dict)
    except Unusable as refused:
        assert str(refused).startswith("/x/settings.json") and "\n" not in str(refused)


def test_a_record_that_cannot_be_read_is_one_line(home: Home, file: Path) -> None:
    put(home, file)
    (home.hooks / "wirings.json").write_text('{"x": {"no": "such field"}}')
    with pytest.raises(Unusable, match="cannot be read"):
        plan_install(home, "claude-code", "user", file)
