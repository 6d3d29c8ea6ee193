"""A backup is whole or absent, private, and readable where nothing can be written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sreconsole.cli import audit as audit_word
from sreconsole.cli import backup as backup_word
from sreconsole.store import backup, database, log
from sreconsole.store.audit import verify
from sreconsole.store.backup import BackupFailed
from sreconsole.store.event import Event
from sreconsole.store.heads import head_line
from sreconsole.store.log import Tip
from sreconsole.store.writer import Writer


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("SRECONSOLE_HOME", str(folder))
    return folder


@pytest.fixture
def writer(home: Path) -> Iterator[Writer]:
    one = Writer(home / "fleet.db")
    for n in range(50):
        one.do(lambda tx, n=n: tx.append(Event("test.made", n, summary=f"entry {n}")))
    one.do(lambda tx: None).result()
    yield one
    one.close()


def test_a_copy_is_the_store_at_one_moment_while_it_is_written_to(writer: Writer, tmp_path: Path) -> None:
    stop, wrote = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            writer.do(lambda tx: tx.append(Event("busy", 1, summary="x" * 300))).result()
            wrote[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for n in range(5):
            before = wrote[0]
            made = backup.copy(writer.path, tmp_path / f"copy-{n}.db")
            connection = database.open_reader(made.path, copied=True)
            report = verify(connection)
            connection.close()
            assert report.ok and (report.last, report.head) == (made.seq, made.hash) and report.last >= 50 + before
            assert made.path.stat().st_mode & 0o777 == 0o600 and made.bytes == made.path.stat().st_size
    finally:
        stop.set()
        thread.join()
    assert wrote[0] > 5
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]


def test_a_copy_opens_on_a_read_only_disk(writer: Writer, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        made = backup.copy(writer.path, disk / "copy.db")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        connection = database.open_reader(made.path, copied=True)
        assert [one.seq for one in log.before(connection, None, log.Filter(words="entry"), 3)] == [50, 49, 48]
        connection.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_nothing_is_overwritten_unless_told_to(writer: Writer, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(BackupFailed, match="is there already; --force"):
        backup.copy(writer.path, there)
    assert there.read_text() == "mine"
    assert backup.copy(writer.path, there, force=True).seq == 50
    for to, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "x.db", "no such folder"),
        (writer.path, "the store itself"),
    ):
        with pytest.raises(BackupFailed, match=said):
            backup.copy(writer.path, to, force=True)


def test_room_is_looked_for_first(writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    with pytest.raises(BackupFailed, match=r"needs .* MB, .* MB are free"):
        backup.copy(writer.path, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_disk_that_fills_meanwhile_leaves_nothing(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    monkeypatch.setattr(backup, "_room", lambda connection, to: None)
    try:
        with pytest.raises(BackupFailed, match="no copy was made"):
            backup.copy(writer.path, disk / "copy.db")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def words() -> typer.Typer:
    app = typer.Typer()
    app.add_typer(audit_word.app, name="audit")
    app.command("backup")(backup_word.command)
    return app


def test_the_words_of_the_command_line(words: typer.Typer, writer: Writer, home: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    copy = tmp_path / "copy.db"
    done = run(words, ["backup", str(copy)])
    assert done.exit_code == 0 and "MB, checked; head 50:" in done.stdout
    assert run(words, ["backup", str(copy)]).exit_code == 2
    again = json.loads(run(words, ["backup", str(copy), "--force", "--json"]).stdout)
    assert again["seq"] == 50 and again["file"] == str(copy)
    done = run(words, ["audit", "verify"])
    assert done.exit_code == 0 and done.stdout.count("\n") == 1 and "ok: 50 entries" in done.stdout
    document = json.loads(run(words, ["audit", "verify", "--json", "--head", f"50:{again['hash']}"]).stdout)
    assert document["ok"] and document["heads"] == 1 and document["entries"] == 50
    kept = tmp_path / "heads.jsonl"
    kept.write_text(head_line(Tip(50, again["hash"]), 1, again["home"]) + "\ntorn {\n")
    done = run(words, ["audit", "verify", "--head", str(kept), "--database", str(copy)])
    assert done.exit_code == 0 and "1 heads match" in done.stdout and "1 lines are not heads" in done.output
    kept.write_text(head_line(Tip(51, "a" * 64), 1, again["home"]) + "\n")
    done = run(words, ["audit", "verify", "--head", str(kept)])
    assert done.exit_code == 1 and "BROKEN" in done.stdout and f"{kept}:1" in done.stdout
    for wrong in (["--head", "nonsense"], ["--head", str(tmp_path)], ["--database", str(tmp_path / "none.db")]):
        done = run(words, ["audit", "verify", *wrong])
        assert done.exit_code == 2 and done.output.startswith("sreconsole: ")


def test_an_empty_log_is_said_to_be_empty(words: typer.Typer, home: Path) -> None:
    Writer(home / "fleet.db").close()
    done = CliRunner().invoke(words, ["audit", "verify"])
    assert done.exit_code == 0 and "the log is empty" in done.stdout
