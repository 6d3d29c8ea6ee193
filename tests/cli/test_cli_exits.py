"""How commands end: the table of exit codes, and one clear line whatever is broken."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from hand import Hand
from house import ROOT, wait_for

from sreconsole.cli import exits
from sreconsole.cli.man import entries
from sreconsole.cli.words import WORDS
from sreconsole.serve.client import Refused, ServeDown
from sreconsole.store import database

LISTINGS = (
    ["escalations", "list"], ["escalations", "show", "1"], ["log"], ["grants", "list"], ["agents", "list"],
    ["agents", "show", "x"], ["sessions", "list"], ["sessions", "show", "x"], ["pages", "list"],
)  # fmt: skip
ACTS = (
    ["escalations", "approve", "1", "--yes"], ["escalations", "deny", "1"], ["grants", "revoke", "1"], ["emit", "x.y"],
    ["agents", "revoke", "x"], ["sessions", "release", "x"], ["pages", "test"], ["policy", "reload"],
    ["agents", "enroll", "x", "--owner", "a"], ["escalations", "grant", "1", "--target", "x", "--yes"],
)  # fmt: skip


OURS = [entry.words.split()[1:] for entry in entries()
        if not entry.group and entry.words.split()[1] in
        ("agents", "escalations", "log", "emit", "grants", "policy", "sessions", "pages", "man")]  # fmt: skip


def words(command: list[str]) -> str:
    return " ".join(command)


def repr_short(text: object) -> str:
    return ascii(text)[:12]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["escalations", "list"], 0),
        (["--version"], 0),
        (["--help"], 0),
        (["-h"], 0),
        (["grants", "revoke", "zzzz"], 2),
        (["escalations", "approve", "zzzz", "--yes"], 2),
        (["escalations", "nonsense"], 2),
        (["nonsense"], 2),
        (["--nonsense"], 2),
        (["escalations"], 2),
        (["--theme"], 2),
        (["--theme", "night", "escalations", "list"], 2),
        (["emit", "serve.started"], 4),
        (["", ""], 2),
        (["x" * 200_000], 2),
        (["\x1b[2J"], 2),
        (["__init__"], 2),
        (["app"], 2),
        (["exits"], 2),
    ],
    ids=lambda value: words(value)[:40] if isinstance(value, list) else str(value),
)
def test_exit_codes(hand: Hand, command: list[str], code: int) -> None:
    done = hand(*command)
    assert done.code == code, done
    assert "\x1b" not in done.err
    if code and command != ["escalations"]:
        assert (done.out, done.err.count("\n")) == ("", 1)
        assert done.err.startswith("sreconsole: ")
        assert len(done.err) <= exits.LONGEST + 20


@pytest.mark.parametrize(
    "odd", ["", " ", "-", "--nonsense", "x" * 120_000, "\x1b[2J\u202e", "\udcff", "0", "-1", "null"], ids=repr_short
)
@pytest.mark.parametrize("command", OURS, ids=words)
def test_odd_input_ends_in_one_harmless_line(hand: Hand, command: list[str], odd: str) -> None:
    done = hand(*command, odd)
    assert 0 <= done.code <= 4
    assert len(done.err) <= exits.LONGEST + 20
    assert done.err.count("\n") == (1 if done.code >= 2 else done.err.count("\n"))
    assert not [c for c in done.out + done.err if c != "\n" and (not c.isprintable() or c == "\u202e")]


@pytest.mark.parametrize("command", LISTINGS, ids=words)
def test_no_store_yet(empty: Hand, command: list[str]) -> None:
    done = empty(*command)
    assert (done.code, done.out) == (3, "")
    assert "no store here yet; start it" in done.err
    assert not empty.house.home.store.exists()


@pytest.mark.parametrize("command", LISTINGS, ids=words)
@pytest.mark.parametrize("damage", ["newer", "noise", "torn", "empty", "folder"])
def test_a_store_that_cannot_be_read(hand: Hand, empty: Hand, command: list[str], damage: str) -> None:
    store = empty.house.home.store
    says = {
        "newer": "upgrade sreconsole",
        "noise": "damaged",
        "torn": "damaged",
        "empty": "sreconsole serve",
        "folder": "store",
    }[damage]
    _damaged(hand.house.home.store, store, damage)
    done = empty(*command)
    assert (done.code, done.out) == (3, "")
    assert says in done.err
    assert done.err.count("\n") <= 2


def _damaged(good: Path, store: Path, damage: str) -> None:
    if damage == "folder":
        store.mkdir()
    elif damage == "noise":
        store.write_bytes(os.urandom(100_000))
    elif damage == "empty":
        store.touch()
    else:
        source = sqlite3.connect(f"file:{good}?mode=ro", uri=True)
        source.execute("VACUUM INTO ?", (str(store),))
        source.close()
    if damage == "newer":
        connection = sqlite3.connect(store)
        connection.execute("PRAGMA user_version=99")
        connection.close()
    elif damage == "torn":
        content = bytearray(store.read_bytes())
        content[4096:] = b"\xa5" * (len(content) - 4096)
        store.write_bytes(content)


@pytest.mark.parametrize("command", LISTINGS, ids=words)
def test_listings_need_no_daemon_and_say_so(hand: Hand, empty: Hand, command: list[str]) -> None:
    hand("emit", "test.stale")
    source = sqlite3.connect(f"file:{hand.house.home.store}?mode=ro", uri=True)
    source.execute("VACUUM INTO ?", (str(empty.house.home.store),))
    source.close()
    done = empty(*command)
    assert "serve is down; this is the store as of 0 s ago" in done.err or "1 s ago" in done.err
    assert done.code in (0, 2)
    assert not empty.house.home.operator_socket.exists()
    documented = empty(*command, "--json")
    assert documented.code == 2 or documented.json is not None


@pytest.mark.parametrize("command", ACTS, ids=words)
def test_acts_say_why_serve_does_not_start(empty: Hand, command: list[str]) -> None:
    empty.house.home.settings.write_text("[serve]\nworkers = 'many'\n")
    done = empty.process(*command)
    assert (done.code, done.out) == (3, "")
    assert "config.toml: serve.workers" in done.err
    assert done.err.count("\n") == 1


def test_an_act_starts_serve_on_demand(empty: Hand) -> None:
    done = empty.process("emit", "test.first", "--json")
    assert (done.code, done.err) == (0, "")
    assert [one["kind"] for one in empty("log", "kind:test.first", "--json").json] == ["test.first"]
    twice = empty.process("serve")
    assert (twice.code, "serve runs already" in twice.err) == (1, True)
    assert empty.process("serve", "--detached").out == "serve runs already\n"


def test_serve_detached_returns_when_it_answers(empty: Hand) -> None:
    done = empty.process("serve", "--detached", timeout=20)
    assert (done.code, done.err) == (0, "")
    assert empty("escalations", "list").out == "Nothing waits for a human.\n"


def test_serve_detached_says_why_it_ended(empty: Hand) -> None:
    empty.house.home.settings.write_text("[serve]\nworkers = 99\n")
    done = empty.process("serve", "--detached", timeout=20)
    assert (done.code, "must be between 1 and 16" in done.err) == (3, True)


def test_serve_in_the_foreground_says_why_it_cannot(empty: Hand) -> None:
    empty.house.home.settings.write_text("nonsense")
    done = empty.process("serve")
    assert (done.code, done.err.count("\n"), "config.toml" in done.err) == (2, 1, True)
    empty.house.home.settings.unlink()
    deep = empty.house.folder / ("d" * 100)
    long = empty.process("serve", env={"SRECONSOLE_HOME": str(deep)})
    assert (long.code, "too long for a unix socket" in long.err) == (3, True)


def test_serve_ends_by_a_signal(empty: Hand) -> None:
    running = empty.spawn("serve")
    wait_for(empty.house.home.operator_socket.exists, 20, "the socket")
    time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=20)
    assert (running.returncode, b"Traceback" in err) == (0, False)


def test_a_serve_that_hangs_is_not_waited_for_for_ever(empty: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    from sreconsole.cli import fleet

    empty.house.home.runtime.mkdir(mode=0o700)
    mute = socket.socket(socket.AF_UNIX)
    mute.bind(str(empty.house.home.operator_socket))
    mute.listen(8)
    monkeypatch.setattr(fleet.client.Line.__init__, "__defaults__", (0.3,))
    monkeypatch.setattr(fleet.ask, "__kwdefaults__", {"patience": 0.3})
    done = empty("emit", "x.y")
    mute.close()
    assert (done.code, "serve did not answer" in done.err) == (3, True)


@pytest.fixture
def nobody() -> Iterator[Callable[[], None]]:
    """Call it to become a user who owns nothing here, until the test ends."""
    if os.getuid() != 0:
        pytest.skip("needs to become another user")
    for word in WORDS:
        if find_spec(f"sreconsole.cli.{word}"):
            import_module(f"sreconsole.cli.{word}")

    def become() -> None:
        os.setegid(65534)
        os.seteuid(65534)

    try:
        yield become
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.parametrize("command", [*LISTINGS, *ACTS], ids=words)
def test_a_user_who_may_not(hand: Hand, nobody: Callable[[], None], command: list[str]) -> None:
    """The home is its owner's alone: refused by identity, and no second `serve` is started."""
    nobody()
    done = hand(*command)
    assert (done.code, done.out) == (4, ""), done
    assert done.err.count("\n") == 1


def test_a_user_who_may_look_but_not_decide(hand: Hand, nobody: Callable[[], None]) -> None:
    home = hand.house.home
    e = hand.asked()
    for folder in (hand.house.folder, home.config, home.runtime):
        folder.chmod(0o755)
    for file in home.state.glob("fleet.db*"):
        file.chmod(0o644)
    nobody()
    done = hand("escalations", "list")
    act = hand("escalations", "deny", e.id)
    os.seteuid(0)
    for folder in (hand.house.folder, home.config, home.runtime):
        folder.chmod(0o700)
    assert (done.code, e.id in done.out, done.err) == (0, True, "")
    assert (act.code, "operators.users" in act.err) == (4, True)
    assert hand.state(e.id).state == "pending"


def test_an_agent_may_look_but_not_act(hand: Hand) -> None:
    e = hand.asked()
    mark = {"CLAUDECODE": "1"}
    assert e.id in hand.process("escalations", "list", env=mark).out
    done = hand.process("escalations", "approve", e.id, "--yes", env=mark)
    assert (done.code, "agent's client" in done.err) == (4, True)
    assert hand.state(e.id).state == "pending"


def test_interrupted_at_the_question(hand: Hand) -> None:
    e = hand.asked()
    import subprocess

    asking = hand.spawn("escalations", "approve", e.id, stdin=subprocess.PIPE)
    assert asking.stderr is not None
    while b"[y/N]" not in asking.stderr.readline():
        assert asking.poll() is None
    asking.send_signal(signal.SIGINT)
    out, err = asking.communicate(timeout=10)
    assert (asking.returncode, out, b"Traceback" in err) == (130, b"", False)
    assert hand.state(e.id).state == "pending"


def test_a_full_disk_behind_standard_output(hand: Hand) -> None:
    with open("/dev/full", "wb") as full:
        done = hand.process("escalations", "list", stdout=full)
    assert done.code == 3
    assert done.err.count("\n") == 1
    assert "No space left" in done.err


def test_closed_standard_streams(hand: Hand) -> None:
    import subprocess
    import sys

    for close in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        line = f"exec {sys.executable} -m sreconsole log {close}"
        done = subprocess.run(
            ["sh", "-c", line], env=hand.house.environment, stderr=subprocess.PIPE, timeout=20, check=False
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode in (0, 3), (close, done)


def test_a_terminal_without_unicode(hand: Hand) -> None:
    hand("emit", "test.unicode", "--summary", "naïve \u202e ⟨x⟩")
    done = hand.process("log", "kind:test.unicode", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert (done.code, done.out.isascii()) == (0, True)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (exits.Failure("no"), 1, "no"),
        (exits.Usage("bad"), 2, "bad"),
        (exits.Absent("gone"), 3, "gone"),
        (exits.Barred("not you"), 4, "not you"),
        (Refused("late", 1, {}), 1, "late"),
        (Refused("barred", 4, {}), 4, "barred"),
        (ServeDown("down"), 3, "down"),
        (FileNotFoundError(2, "No such file or directory", "/x"), 3, "/x: No such file"),
        (PermissionError(13, "Permission denied", "/x"), 4, "/x: Permission denied"),
        (sqlite3.OperationalError("database is locked"), 3, "try again"),
        (sqlite3.OperationalError("unable to open database file"), 3, "rights"),
        (sqlite3.DatabaseError("database disk image is malformed"), 3, "restore a backup"),
        (sqlite3.OperationalError("something new"), 3, "sreconsole doctor"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), 2, "UTF-8"),
        (RecursionError(), 2, "nested too deeply"),
        (KeyError("oops"), 1, "fault of sreconsole"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_a_line_and_a_code(error: Exception, code: int, says: str) -> None:
    line, found = exits.explain(error)
    assert (found, says in line) == (code, True)
    assert "\n" not in line


def test_an_error_line_is_harmless_and_short(capsys: pytest.CaptureFixture[str]) -> None:
    exits.complain("\x1b[2J\nsecond\u202e" + "x" * 10_000)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err and "\u202e" not in err
    assert len(err) < exits.LONGEST + 40


def test_a_copy_of_the_root_is_not_needed(tmp_path: Path) -> None:
    """`database.open_reader` makes nothing where nothing is: a listing never leaves a file behind."""
    with pytest.raises(FileNotFoundError):
        database.open_reader(tmp_path / "fleet.db")
    assert list(tmp_path.iterdir()) == []
    assert shutil.which("python3") and ROOT.exists()
