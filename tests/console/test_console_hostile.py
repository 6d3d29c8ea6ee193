"""Everything an agent wrote is hostile: what reaches the terminal is parsed byte by byte."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest
from fleet import Fleet, Serve

sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))

from ttybench import TtyApp

PROGRAM = (
    "import sys; from pathlib import Path; from sreconsole import paths; from sreconsole.console import open_console; "
    "sys.exit(open_console(paths.at(Path(sys.argv[1])), start_serve=False))"
)

# What Textual and we ourselves send, and nothing else: cursor moves, colours, modes, the title, the clipboard.
OURS = re.compile(
    rb"\x1b\[\d+;\d+H"  # cursor
    rb"|\x1b\[(?:0|(?:[1-9];)*38;2;[0-9;]+)m"  # colours: always the theme's own, never a bare number
    rb"|\x1b\[\?(?:25|1000|1002|1003|1004|1006|1015|1049|2004|2026|2048|7)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>]\d*u"  # queries, kitty keyboard
    rb"|\x1b\]0;(?:\(\d+\) )?(?:sreconsole)?\x07"  # title
    rb"|\x1b\]22;[a-z-]+\x07"  # pointer shape
    rb"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # clipboard, base64
)

ESCAPES = [
    "\x1b[2J\x1b[H", "\x1b[31mred\x1b[0m", "\x1b[?1049h", "\x1b]0;OWNED\x07", "\x1b]52;c;T1dORUQ=\x07", "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]1337;File=x\x07", "\x1bP1$r\x1b\\", "\x1b_Gq\x1b\\", "\x1b^pm\x1b\\", "\x1bX sos\x1b\\", "\x1bc", "\x1b7\x1b8", "\x1b#8", "\x1b(0",
    "\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b]4;1;?\x07", "\x1b[21t", "\x1b[8;1;1t", "\x1b[5i", "\x9b2J", "\x9d0;OWNED\x9c", "\x90q\x9c", "\x9e", "\x9f",
    "\x00", "\x07", "\x08\x08\x08", "\x0b\x0c", "\x0e\x0f", "\r\n", "\rOVERWRITTEN", "\x1a", "\x7f", "\x85", "\t\t", "\x05",
]  # fmt: skip
MARKUP = [
    "[@click=app.exit]exit[/]",
    "[link=file:///etc]x[/link]",
    "[bold red]x[/",
    "[/]",
    "[[[",
    "\\[x]",
    ":smile:",
    "$error",
    "{0}",
    "%s%n",
]
UNSEEN = [
    "abc\u202egnp.sh", "\u2066x\u2069", "\u200e\u200f", "a\u200bb\u200c\u200d", "\u2060\ufeff", "\u00ad", "".join(map(chr, range(0xE0020, 0xE0030))),
    "x\ufe0f\ufe01", "\U000e0101", "\u2028\u2029", "z\u0301" + "\u0335" * 60, "\u3164\u115f", "\ue000", "\ufff9\ufffb", "\U000f0000", "\u0378", "p\u0430ypal",
    "日本語", "👩‍👩‍👧‍👦", "\u0600\u06dd", "\U0001d159", "ﷺ" * 5, "ก็็็็็",
]  # fmt: skip
BROKEN = ["\ud800", "\udfff\ud800", b"\xff\xfe\xc3".decode("utf-8", "surrogateescape"), "\ufffe\uffff"]
EVERYTHING = [*ESCAPES, *MARKUP, *UNSEEN, *BROKEN]


def whole(part: str) -> str:
    """Text as SQLite can hold it: a lone surrogate travels inside JSON only."""
    return part.encode("utf-8", "replace").decode()


def fill(fleet: Fleet, foul: str, storable: str) -> None:
    """Hostile text in every column an agent can reach."""
    fleet.agent("evil" + storable[:200], owner=storable[:500], role=storable[:500], scope=storable, rules=storable)
    fleet.session(
        "cc-77aa", agent="evil" + storable[:200], cwd=storable, transcript=storable, mode=storable, mapped_by=storable
    )
    fleet.session("s" + storable[:200], parked_on=storable[:300], end_reason=storable, client=storable)
    for tool, given in (
        ("Bash", {"command": foul, "description": foul}),
        ("Edit", {"file_path": foul, "old_string": foul, "new_string": foul}),
        (storable[:100], {foul[:50]: [foul, {foul[:20]: foul}]}),
    ):
        fleet.ask(
            tool=tool, input=json.dumps(given), agent="evil" + storable[:200], subagent=storable[:300], cwd=storable,
            verdict={"does": foul, "target": foul, "why": foul, "rule": foul, "where": foul, "instead": foul, "trail": [foul, foul],
                     "effects": [{"kind": foul, "target": foul, "host": foul, "environment": foul}], "kinds": [foul], "warning": foul[:500]},
        )  # fmt: skip
    asked = [{"question": foul, "header": foul, "options": [{"label": foul, "description": foul}, foul], "multi": True}]
    fleet.ask(kind="question", tool="AskUserQuestion", choices=json.dumps(asked), verdict={"does": ""})
    standing = {"denials": [foul, 2], "budgets": {foul: [39, 40], foul + "2": [foul, 1]}}
    for _ in range(2):
        fleet.ask(
            alike=storable[:300] or "x", agent=storable[:300], cwd=storable, input=json.dumps({"command": foul}),
            verdict={"does": foul, "standing": standing}, radius=json.dumps({"words": foul, "unmeasured": foul}),
        )  # fmt: skip
    for _ in range(2):
        fleet.review(
            storable[:300],
            agent=storable[:300],
            session=storable[:300],
            tool=storable[:300],
            summary=storable,
            does=storable,
        )
    late = fleet.ask(agent=storable[:300])
    fleet.change(late, state="denied", decided_by=storable[:300], reason=storable, decided_at=1)
    fleet.grant(target=storable, effect=storable[:300], tool=storable[:300], made_by=storable[:300], reason=storable)
    fleet.event(storable[:300] or "x", storable, agent=storable[:300], session="cc-77aa", actor=storable[:300], subject=storable[:300],
                source=storable[:300], severity=2, data={whole(foul[:50]): [storable]})  # fmt: skip


TOUR = [
    "2", "j", "enter", "space", "R", "esc", "3", "j", "enter", "space", "esc", "4", "j", "j", "5", "enter", "esc", "1", "enter", "space", "G", "R",
    "y", "c-l", "esc", "esc", "j", "space", "space", "y", "j", "enter", "1", "2", "esc", "j", "enter", "1", "a", "u", "esc", "?", "esc", "c-p", "esc", "d", "x", "esc",
    "A", "enter", "esc", "/", "e", "v", "enter", "esc", "G", "k", "k", "a", "esc", "esc",
    "g", "j", "j", "j", "+", "j", "-", "a", "space", "G", "a", "esc", "esc", "d", "esc", "esc", "e", "G", "esc", "l", "esc",
    "6", "j", "enter", "j", "space", "G", "f", "esc", "esc", "O", "esc", "esc", "esc", "1",
]  # fmt: skip


def stray(raw: bytes) -> list[bytes]:
    """What is in a stream beside our own sequences, printable text and line ends."""
    rest = OURS.sub(b"", raw)
    text = rest.decode("utf-8")
    return [
        rest[:0] + char.encode("unicode_escape") for char in set(text) if not char.isprintable() and char not in "\r\n"
    ]


def run(fleet: Fleet, size: tuple[int, int], **env: str) -> bytes:
    settings = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "",
        "SSH_CONNECTION": "",
        "VISUAL": "",
        "EDITOR": "sed -i s/command/command2/",
        **env,
    }
    with TtyApp([sys.executable, "-c", PROGRAM, str(fleet.home.config)], size=size, env=settings) as app:
        assert app.wait(lambda: "live" in app.text(), 20) is not None, app.text()
        app.settle(0.1, 3)
        for key in TOUR:
            app.send(key)
            app.settle(0.04, 5)
            assert app.eof_at is None, f"ended at {key}: {app.text()}"
        raw = bytes(app.raw)
        assert "sreconsole" in app.text() or "esc-" in app.text()
    return raw


@pytest.mark.torture
@pytest.mark.parametrize(("size", "env"), [((80, 24), {}), ((120, 40), {"NO_COLOR": "1"}), ((80, 24), {"LC_ALL": "C"})])
def test_no_control_byte_but_our_own_reaches_the_terminal(
    fleet: Fleet, serve: Serve, size: tuple[int, int], env: dict[str, str]
) -> None:
    foul = " ".join(EVERYTHING)
    for part in (foul, *(EVERYTHING[at] + "x" for at in range(0, len(EVERYTHING), 9))):
        fill(fleet, part, whole(part).replace("\x00", "\x01"))
    raw = run(fleet, size, **env)
    assert stray(raw) == []
    assert b"U+202E" in raw
    assert b"\x1b]52;c;T1dORUQ=" not in raw
    assert b"OWNED" not in b"".join(re.findall(rb"\x1b\][^\x07]*\x07", raw))
    titles = set(re.findall(rb"\x1b\]0;([^\x07]*)\x07", raw))
    assert titles <= {b"", b"sreconsole"} | {f"({n}) sreconsole".encode() for n in range(500)}
    if env.get("LC_ALL") == "C":
        assert OURS.sub(b"", raw).isascii()


@pytest.mark.torture
def test_a_megabyte_in_one_line(fleet: Fleet, serve: Serve) -> None:
    for mega in ("A" * 2**20, "日\u202e" * 2**18, "x\n" * 2**18):
        fleet.ask(input=json.dumps({"command": mega}), verdict={"does": mega[:5000], "why": mega[:5000]})
    fleet.event("tool.ran", "B" * 2**20, data={"out": "C" * 2**20})
    assert stray(run(fleet, (80, 24))) == []


async def test_no_action_is_made_of_what_an_agent_wrote(fleet: Fleet, serve: Serve, console: object) -> None:
    """Nothing on any screen carries a meta action or a link."""
    foul = " ".join(MARKUP)
    fill(fleet, foul, foul)
    async with console() as glass:  # type: ignore[operator]
        await glass.sees("live")
        for key in ("2", "enter", "escape", "3", "enter", "escape", "4", "5", "1", "enter"):
            await glass.press(key)
            for strip in glass.app.screen._compositor.render_strips():
                for segment in strip:
                    assert segment.style is None or not (segment.style.link or "@click" in segment.style.meta)
        assert "[@click=app.exit]exit[/]" in glass.text


@pytest.mark.torture
def test_a_fault_of_ours_ends_with_one_harmless_line(fleet: Fleet, serve: Serve) -> None:
    program = (
        "import sys; from pathlib import Path; from sreconsole import paths; import sreconsole.console.home as h; "
        "from sreconsole.console import open_console\n"
        "def broken(*a): raise RuntimeError('\\x1b[2J\\x1b]0;OWNED\\x07')\n"
        "h.Home.draw = broken; sys.exit(open_console(paths.at(Path(sys.argv[1])), start_serve=False))"
    )
    fleet.ask()
    env = {"PYTHONPATH": str(Path(__file__).parents[2]), "LC_ALL": "C.UTF-8"}
    with TtyApp([sys.executable, "-c", program, str(fleet.home.config)], env=env) as app:
        end = time.monotonic() + 15
        while app.eof_at is None and time.monotonic() < end:
            app.pump(0.2)
        assert app.eof_at is not None
        assert b"a fault of its own ended it: RuntimeError" in bytes(app.raw)
        assert b"\x1b]0;OWNED" not in bytes(app.raw)
    kept = fleet.home.state / "console.log"
    assert "broken" in kept.read_text() and os.stat(kept).st_mode & 0o777 == 0o600
