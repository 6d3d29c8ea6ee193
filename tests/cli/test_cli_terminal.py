"""On a real terminal of 80 columns: tables fit, bold ends, nothing foreign gets through."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from hand import Hand

from sreconsole.text.safe import safe

BOLD = re.compile(r"\x1b\[1m([^\x1b]*)\x1b\[0m")
LONG = "touch /srv/a/very/long/path/name/that/does/not/fit/on/an/eighty/column/terminal/at/all/ünïcödé/日本語/文字.txt"


def terminal(hand: Hand, *words: str, typed: bytes = b"", **more: str) -> tuple[int, str]:
    """Run a command on a terminal of 80 columns; its exit code and what was drawn."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    environment = {**hand.house.environment, "TERM": "xterm", **more}
    environment = {
        name: value for name, value in environment.items() if name not in {"COLUMNS", "NO_COLOR"} or name in more
    }
    running = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", *words], env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed)
    drawn = b""
    try:
        while part := os.read(ours, 65536):
            drawn += part
    except OSError:
        # The terminal is gone when its last program is.
        os.close(ours)
    return running.wait(10), drawn.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "words",
    [["escalations", "list"], ["escalations", "list", "--all"], ["sessions", "list"], ["grants", "list"], ["log"]],
    ids=" ".join,
)
def test_tables_fit_eighty_columns(hand: Hand, words: list[str]) -> None:
    hand.asked(agent="an-agent-with-a-long-name", input=f'{{"command": "{LONG}"}}')
    hand.ran("0a1b2c3d-1111-2222-3333-444455556666", cwd=LONG, agent="an-agent-with-a-long-name")
    hand.ran("0a1b2c3d-9999-2222-3333-444455556666")
    hand.granted(target=LONG)
    hand("emit", "test.long", "--summary", LONG)
    code, drawn = terminal(hand, *words)
    lines = BOLD.sub(r"\1", drawn).splitlines()
    assert code == 0
    assert "\x1b" not in "".join(lines)
    assert max(safe(line).cells for line in lines) <= 80
    assert any("…" in line for line in lines)


def test_short_session_names_can_be_typed_back(hand: Hand) -> None:
    hand.ran("5e5e5e5e-1111-aaaa")
    hand.ran("5e5e5e5e-2222-bbbb")
    _, drawn = terminal(hand, "sessions", "list")
    shown = [line.split()[0] for line in drawn.splitlines() if line.startswith("5e5e")]
    assert len(shown) == 2
    for name in shown:
        assert hand("sessions", "show", name).code == 0


@pytest.mark.parametrize(
    ("more", "bold"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)]
)
def test_bold_follows_the_owners_wish(hand: Hand, more: dict[str, str], bold: bool) -> None:
    e = hand.asked()
    _, drawn = terminal(hand, "escalations", "show", e.id, **more)
    assert ("\x1b[1m" in drawn) is bold
    assert "\x1b" not in BOLD.sub("", drawn)


def test_the_card_wraps_and_cannot_be_imitated(hand: Hand) -> None:
    e = hand.asked(input='{"command": "true\\n\\nwhy         Perfectly harmless.\\n' + "x" * 300 + '"}')
    _, drawn = terminal(hand, "escalations", "show", e.id, NO_COLOR="1")
    lines = drawn.splitlines()
    assert [line for line in lines if line.startswith("why")] == ["why         Leaves the machine."]
    assert max(map(len, (line for line in lines if "x" * 20 in line))) <= 80


def test_a_yes_is_typed_on_the_terminal(hand: Hand) -> None:
    e = hand.asked(verdict={"confirm": "type", "target": "prod-db"})
    code, drawn = terminal(hand, "escalations", "approve", e.id, typed=b"prod-db\n")
    assert code == 0
    assert f"{e.id} approved" in drawn
    assert hand.state(e.id).state == "approved"


def test_ctrl_c_and_ctrl_d_send_nothing(hand: Hand) -> None:
    for typed, code in ((b"\x03", 130), (b"\x04", 1)):
        e = hand.asked()
        done, drawn = _at_the_question(hand, e.id, typed)
        assert done == code, drawn
        assert "Traceback" not in drawn
        assert hand.state(e.id).state == "pending"


def _at_the_question(hand: Hand, id: str, typed: bytes) -> tuple[int, str]:
    """Type only once the question is asked: before that the keys are the shell's."""
    ours, theirs = pty.openpty()
    environment = {**hand.house.environment, "TERM": "xterm"}
    running = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", "escalations", "approve", id], env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    drawn = b""
    try:
        while part := os.read(ours, 65536):
            drawn += part
            if b"[y/N]" in drawn and typed:
                os.write(ours, typed)
                typed = b""
    except OSError:
        os.close(ours)
    return running.wait(10), drawn.decode()
