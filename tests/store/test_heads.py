"""Heads of the log leave the box: to a journal, to syslog, to a file; one that is out of reach holds nothing up."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from sreconsole import config
from sreconsole.serve import heads as sending
from sreconsole.serve.clock import Clock
from sreconsole.serve.heads import Heads, prune, send
from sreconsole.store import database, heads, log, retention
from sreconsole.store.audit import verify
from sreconsole.store.event import Event
from sreconsole.store.heads import read_heads
from sreconsole.store.log import Filter
from sreconsole.store.writer import Writer


class Settings:
    """Settings that a test changes."""

    def __init__(self, **values: Any) -> None:
        self.values = {one.name: one.default for one in config.FIELDS} | {
            k.replace("__", "."): v for k, v in values.items()
        }

    def __call__(self) -> config.Config:
        return config.Config(Path("config.toml"), self.values)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    one = Writer(tmp_path / "fleet.db")
    one.do(lambda tx: tx.append(Event("test.made", 1))).result()
    yield one
    one.close()


def kinds(writer: Writer) -> list[str]:
    return writer.do(lambda tx: [one.kind for one in log.every(tx.connection)]).result()


async def test_a_file_gets_each_new_head_once(writer: Writer, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    one = Heads(writer, Clock(), Settings(audit__heads=[f"file:{file}"]))
    await one.send()
    await one.send()
    writer.do(lambda tx: tx.append(Event("test.made", 2))).result()
    await one.finish()
    found, others = read_heads(file.read_text(), "heads")
    assert [head.seq for head in found] == [1, 2] and others == 0
    assert file.stat().st_mode & 0o777 == 0o600
    report = writer.do(lambda tx: verify(tx.connection, found)).result()
    assert report.ok and report.heads == 4
    assert kinds(writer) == ["test.made", "test.made"]


async def test_an_outage_is_one_event_and_its_end_another(writer: Writer, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    one = Heads(writer, Clock(), Settings(audit__heads=[f"file:{folder}/heads"]))
    for _ in range(4):
        await one.send()
    assert kinds(writer) == ["test.made", "audit.head_unsent"]
    folder.mkdir()
    await one.send()
    await one.send()
    assert kinds(writer) == ["test.made", "audit.head_unsent", "audit.head_reached"]
    assert [head.seq for head in read_heads((folder / "heads").read_text(), "")[0]] == [2, 3]


@pytest.mark.parametrize("make", ["symlink", "folder", "pipe", "no folder", "unknown", "relative"])
async def test_a_place_that_cannot_take_a_head_says_why(tmp_path: Path, make: str) -> None:
    path = tmp_path / "heads"
    place = f"file:{path}"
    if make == "symlink":
        path.symlink_to(tmp_path / "target")
    elif make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "no folder":
        place = f"file:{path}/x/y"
    else:
        place = {"unknown": "carrier pigeon", "relative": "file:heads"}[make]
    assert send(place, "{}") != ""
    assert not (tmp_path / "target").exists()


def test_a_torn_line_is_ended_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    file.write_bytes(b'{"seq":1,"ha')
    assert send(f"file:{file}", '{"seq": 2}') == ""
    assert file.read_bytes() == b'{"seq":1,"ha\n{"seq": 2}\n'


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "log"))
        line.settimeout(2)
        monkeypatch.setattr(sending, "JOURNAL", tmp_path / "log")
        monkeypatch.setattr(sending, "SYSLOG", tmp_path / "log")
        yield line


async def test_the_journal_gets_its_fields(writer: Writer, receiver: socket.socket) -> None:
    await Heads(writer, Clock(), Settings(audit__heads=["journald"])).send()
    lines = receiver.recv(65536).decode().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert fields["SYSLOG_IDENTIFIER"] == "sreconsole" and fields["PRIORITY"] == "5"
    head = read_heads(fields["MESSAGE"], "")[0][0]
    assert str(head.seq) == fields["SRECONSOLE_HEAD_SEQ"] == "1" and head.hash == fields["SRECONSOLE_HEAD_HASH"]
    assert head.home == fields["SRECONSOLE_HOME"] == writer.do(lambda tx: heads.home(tx.connection)).result()


async def test_syslog_gets_a_line(writer: Writer, receiver: socket.socket) -> None:
    await Heads(writer, Clock(), Settings(audit__heads=["syslog"])).send()
    line = receiver.recv(65536).decode()
    assert line.startswith("<85>") and f"sreconsole[{os.getpid()}]: " in line
    assert json.loads(line[line.index("{") :])["seq"] == 1


async def test_a_full_socket_and_a_missing_one_are_outages(
    writer: Writer, receiver: socket.socket, tmp_path: Path
) -> None:
    problems = [send("syslog", "{}") for _ in range(2000)]
    assert problems[0] == "" and problems[-1] != ""
    (tmp_path / "log").unlink()
    assert "No such file" in send("syslog", "{}")


async def test_a_place_that_hangs_holds_up_neither_the_loop_nor_the_end(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.2)
    whole = sending._append

    def slow(path: Path, line: str) -> None:
        if path.name == "slow":
            time.sleep(1.0)
        whole(path, line)

    monkeypatch.setattr(sending, "_append", slow)
    one = Heads(writer, Clock(), Settings(audit__heads=[f"file:{tmp_path}/slow", f"file:{tmp_path}/quick"]))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking, began = asyncio.create_task(tick()), time.monotonic()
    await one.send()
    await one.finish()
    assert time.monotonic() - began < 0.8 and ticks > 10
    ticking.cancel()
    assert (tmp_path / "quick").exists()
    assert kinds(writer).count("audit.head_unsent") == 1


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Writer]:
    writer, now = Writer(tmp_path / "fleet.db"), Clock().now()
    for n in range(1200):
        at = now - (40 if n < 1000 else 1) * sending.DAY
        writer.do(lambda tx, at=at: tx.append(Event("test.made", at)))
    writer.do(lambda tx: None).result()
    yield writer
    writer.close()


async def test_serve_prunes_by_age_and_only_what_has_been_sent(old: Writer, tmp_path: Path) -> None:
    settings = Settings(retention__days=30, audit__heads=[f"file:{tmp_path}/heads"])
    await prune(old, Clock(), settings)
    assert old.do(lambda tx: log.bounds(tx.connection)).result() == (1, 1200)
    await Heads(old, Clock(), settings).send()
    await prune(old, Clock(), settings)
    assert old.do(lambda tx: log.bounds(tx.connection)).result() == (1001, 1201)
    report = old.do(lambda tx: verify(tx.connection, read_heads((tmp_path / "heads").read_text(), "")[0])).result()
    assert report.ok and report.floor == 1000 and report.heads == 2


async def test_retention_is_off_unless_asked_for(old: Writer) -> None:
    await prune(old, Clock(), Settings())
    assert old.do(lambda tx: log.bounds(tx.connection)).result() == (1, 1200)


async def test_other_jobs_commit_between_the_chunks(old: Writer) -> None:
    pruning = asyncio.create_task(prune(old, Clock(), Settings(retention__days=30)))
    seen = []
    while not pruning.done():
        seen.append(await asyncio.wrap_future(old.do(lambda tx: log.bounds(tx.connection)[0])))
        await asyncio.sleep(0.001)
    await pruning
    assert 501 in seen and retention.CHUNK == 500
    reader = database.open_reader(old.path)
    assert log.before(reader, None, Filter(kind="log.pruned"))[0].source == "store"
    reader.close()
