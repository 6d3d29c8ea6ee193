"""Clocks that are set, receivers that cheat, folders that go: bounds stay bounds and pages go out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, wait_for

from sreconsole.serve.clock import Clock
from sreconsole.serve.timers import Timers
from sreconsole.store import database, grants, outbox
from sreconsole.store.grants import Grant
from sreconsole.store.writer import Writer

PAGES = """
version: 1
rules:
  - {id: t.ask, tier: 3, match: {tool: Bash, command: ["touch"]}, why: "writes a file", page_after: 0s}
"""


@pytest.mark.parametrize("hours", [-5, -1, 1, 5])
async def test_a_clock_that_is_set_does_not_prolong_a_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    writer, clock = Writer(tmp_path / "fleet.db"), Clock()
    now, ms = clock.now(), hours * 3_600_000
    live = Grant(1, "gr-0001", "esc-0001", "fs.write", "Bash", "*", "s", "dana", now, now + 600_000, 5, 0, "", None, "")
    over = Grant(2, "gr-0002", "esc-0001", "fs.write", "Bash", "*", "s", "dana", now, now - 1000, 5, 0, "", None, "")

    def put(tx) -> None:  # type: ignore[no-untyped-def]
        grants.add(tx.connection, live)
        grants.add(tx.connection, over)
        outbox.put(tx.connection, "k", "webhook", "esc-0001", "{}", now + 5000)

    writer.do(put).result()
    wall = Clock._wall
    monkeypatch.setattr(Clock, "_wall", staticmethod(lambda: wall() + ms))
    timers = Timers(writer, None, clock, lambda: [], lambda: None)  # type: ignore[arg-type,return-value]
    await timers._follow_wall_clock()
    reader = database.open_reader(tmp_path / "fleet.db")
    left = {one.id: one.until - clock.now() for one in grants.newest(reader)}
    assert 590_000 < left["gr-0001"] <= 600_000
    assert left["gr-0002"] <= 0
    due = reader.execute("SELECT next_at FROM outbox").fetchone()[0] - clock.now()
    assert 0 < due <= 5000
    reader.close()
    writer.close()


class Cheat:
    """A receiver that takes a page and answers a byte at a time, for ever; the next one it answers well."""

    def __init__(self, first: bytes) -> None:
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(16)
        self.first, self.got = first, 0
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/hook/sk-live-Zz91kQpA77xWvB3nTt"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            self.got += 1
            threading.Thread(target=self.one, args=(line, self.got == 1), daemon=True).start()

    def one(self, line: socket.socket, cheat: bool) -> None:
        line.recv(1 << 20)
        try:
            if not cheat:
                line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            else:
                line.sendall(self.first)
                while True:
                    line.sendall(b"x")
                    time.sleep(0.5)
        except OSError:
            pass
        line.close()


@pytest.fixture(params=[b"HTTP/1.1 200 OK\r\nx-a: ", b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n"])
def cheat(request: pytest.FixtureRequest) -> Iterator[Cheat]:
    made = Cheat(request.param)
    yield made
    made.server.close()


def test_a_receiver_that_drips_holds_up_no_other_page(cheat: Cheat, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("k")
    secret.chmod(0o600)
    house = House(PAGES, f'[pager]\nwebhook.url = "{cheat.url}"\nwebhook.secret_file = "{secret}"\n')
    try:
        house.start()
        for n in range(2):
            house.hook(house.bash(f"touch a{n}"))
        wait_for(lambda: len(house.events("page.sent")) >= 1, 40, "a page to be sent")
        wait_for(lambda: len([one for one in house.read(outbox.newest) if one.state == "sent"]) == 2, 40, "both pages")
        assert "sk-live" not in "".join(entry.data + entry.summary for entry in house.events())
    finally:
        house.close()


def test_a_key_that_is_not_text_is_said_and_not_the_pagers_end(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_bytes(b"\xff\xfe\x00")
    secret.chmod(0o600)
    house = House(PAGES, f'[pager]\nwebhook.url = "http://127.0.0.1:1/"\nwebhook.secret_file = "{secret}"\n')
    try:
        house.start()
        house.hook(house.bash("touch a"))
        wait_for(lambda: [one for one in house.read(outbox.newest) if one.attempts], 15, "a try to be noted")
    finally:
        house.close()


def test_a_store_gets_no_second_writer_when_the_runtime_folder_goes(house: House) -> None:
    assert house.serve
    first = house.serve
    shutil.rmtree(house.home.runtime)
    second = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", "serve"], env=house.environment, stderr=subprocess.DEVNULL
    )
    while second.poll() is None and not house.home.operator_socket.exists():
        time.sleep(0.01)
    # Either it was turned away, or the first had noticed and made room: never both.
    if second.poll() is None:
        assert first.poll() is not None
        second.terminate()
        second.wait(10)
    first.wait(10)
    house.start()
    assert house.ask("hello")["ok"]


@pytest.mark.torture
def test_of_two_that_start_at_once_one_serves() -> None:
    house = House()
    try:
        for _ in range(25):
            both = [
                subprocess.Popen(
                    [sys.executable, "-m", "sreconsole", "serve"], env=house.environment, stderr=subprocess.DEVNULL
                )
                for _ in range(2)
            ]
            wait_for(lambda both=both: any(one.poll() is not None for one in both), 20, "one to give way")
            left = [one for one in both if one.poll() is None]
            assert len(left) == 1
            left[0].kill()
            left[0].wait()
    finally:
        house.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to give a folder away")
@pytest.mark.parametrize("spoil", ["others", "theirs"])
def test_no_gate_opens_in_a_folder_that_others_rule(spoil: str) -> None:
    house = House()
    try:
        if spoil == "others":
            house.home.config.chmod(0o777)
        else:
            os.chown(house.home.config, 65534, 65534)
        (house.folder / "precious").write_text("precious")
        done = subprocess.run(
            [sys.executable, "-m", "sreconsole", "serve"], env=house.environment, capture_output=True, timeout=20
        )
        assert done.returncode == 4, done
        assert not house.home.hook_socket.exists()
    finally:
        house.close()
