"""Where the console can be opened, what it sets, and what importing it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fleet import Fleet, Serve
from glass import Open

from sreconsole.console import terminal

sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))

from ttybench import TtyApp

ROOT = Path(__file__).parents[2]
OPEN = "import sys; from pathlib import Path; from sreconsole import paths; from sreconsole.console import open_console; home = paths.at(Path(sys.argv[1])); "


def test_importing_the_room_loads_no_screen_library() -> None:
    code = "import sys, sreconsole.console; print([m for m in ('textual', 'rich', 'typer') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environ", "interactive", "says"),
    [({"TERM": "xterm"}, True, ""), ({"TERM": "xterm"}, False, "this is not a terminal"), ({"TERM": "dumb"}, True, "TERM=dumb"),
     ({}, True, "TERM=")],
)  # fmt: skip
def test_where_it_cannot_be_drawn_the_twin_is_named(environ: dict[str, str], interactive: bool, says: str) -> None:
    no = terminal.why_not(environ, interactive=interactive)
    assert no.startswith(says) and (not says or "sreconsole escalations list" in no)


@pytest.mark.parametrize(
    ("environ", "plain"),
    [({"LANG": "C"}, True), ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True), ({}, True), ({"LANG": "en_US.ISO-8859-1"}, True),
     ({"LANG": "POSIX"}, True), ({"LANG": "de_DE.UTF-8"}, False), ({"LC_ALL": "C.UTF-8"}, False), ({"LANG": "C.utf8"}, False),
     ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True), ({"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, False),
     ({"LANG": "xx.nonsense"}, True)],
)  # fmt: skip
def test_ascii_where_utf8_is_not(environ: dict[str, str], plain: bool) -> None:
    assert terminal.ascii_only(environ) is plain


def test_a_slow_link_gets_fewer_frames() -> None:
    assert terminal.quieten({"SSH_CONNECTION": "1 2 3 4"})["TEXTUAL_FPS"] == "15"
    assert terminal.quieten({})["TEXTUAL_FPS"] == "60"
    assert terminal.quieten({"TEXTUAL_FPS": "30"})["TEXTUAL_FPS"] == "30"
    assert terminal.quieten({})["TEXTUAL_ANIMATIONS"] == "none"


def opened(home: Path, more: str = "", **env: str) -> TtyApp:
    program = f"{OPEN}sys.exit(open_console(home, start_serve=False{more}))"
    settings = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "NO_COLOR": "", **env}
    return TtyApp([sys.executable, "-c", program, str(home)], size=(80, 24), env=settings)


def ended(app: TtyApp) -> int:
    while app.eof_at is None:
        app.pump(0.2)
    return os.waitstatus_to_exitcode(os.waitpid(app.pid, 0)[1])


@pytest.mark.parametrize(
    ("more", "env", "says"),
    [
        ("", {"TERM": "dumb"}, "TERM=dumb: this terminal cannot draw a screen; use: sreconsole escalations list"),
        (", theme='pink'", {}, "no theme pink; there are contrast-dark"),
        (", keymap={'approve': 'd'}", {}, "d is already"),
        (", keymap={'approve': 5}", {}, "keys.approve: wants one or more keys in quotes"),
        (", database=Path('/nowhere.db')", {}, "/nowhere.db: no such store"),
    ],
)
def test_what_cannot_be_opened_ends_with_two_and_one_line(
    tmp_path: Path, more: str, env: dict[str, str], says: str
) -> None:
    with opened(tmp_path, more, **env) as app:
        assert ended(app) == 2
        assert says in bytes(app.raw).decode().replace("\r\n", " ")
        assert b"\x1b[?1049h" not in bytes(app.raw)


def test_a_wrong_setting_ends_with_two(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[console]\nhold_seconds = 99\n")
    with opened(tmp_path) as app:
        assert ended(app) == 2 and b"console.hold_seconds" in bytes(app.raw)


def test_it_opens_and_leaves_with_nought(fleet: Fleet, serve: Serve) -> None:
    fleet.ask()
    with opened(fleet.home.config) as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 15)
        assert b"\x1b]0;(1) sreconsole\x07" in bytes(app.raw)
        app.send("q")
        assert ended(app) == 0
        raw = bytes(app.raw)
        assert raw.count(b"\x1b[?1049l") == 1
        for mode in (b"1000", b"1006", b"2004", b"1004"):
            assert raw.rindex(b"\x1b[?" + mode + b"l") > raw.rindex(b"\x1b[?" + mode + b"h"), mode


def test_no_color_has_only_greys(fleet: Fleet, serve: Serve) -> None:
    import re

    fleet.ask()
    (fleet.home.state / "theme").write_text("terminal\n")
    with opened(fleet.home.config, NO_COLOR="1") as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 15)
        colors = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)[;m]", bytes(app.raw)))
        assert colors and all(red == green == blue for red, green, blue in colors)
        front, back = re.findall(rb"38;2;(\d+);\d+;\d+;48;2;(\d+);", bytes(app.raw))[-1]
        assert abs(int(front) - int(back)) > 60


async def test_keys_can_be_remapped_and_the_footer_follows(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console(keymap={"approve": "Y"}) as glass:
        await glass.sees("live")
        await glass.rest()
        assert "Y approve" in glass.keys
        await glass.press("a")
        assert serve.acts("approve") == []
        await glass.press("Y")
        await glass.sees("approving esc-0001")
