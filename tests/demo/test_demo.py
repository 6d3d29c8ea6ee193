"""`sreconsole demo`: the story comes true, and nothing is left of it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sreconsole.demo import story

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-m", "sreconsole", "demo"]


class Place:
    """A temporary folder of its own for the demo, so that what it leaves can be seen."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sd-", dir="/tmp"))
        dropped = ("CLAUDECODE", "SRECONSOLE_SCOPE", "SRECONSOLE_HOME")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        self.environment = {**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder)}

    def left(self) -> list[str]:
        """Files and processes that still belong to the demo."""
        found = [str(path) for path in self.folder.iterdir()]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                except OSError:
                    continue
                if f"{self.folder}/sre-demo-".encode() in words:
                    found.append(f"process {entry.name}: {words[:80]!r}")
        return found

    def run(self, *words: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """The demo to its end; `before` is Python that changes it first."""
        line = [*RUN, *words]
        if before:
            line = [
                sys.executable,
                "-c",
                f"{before}\nfrom sreconsole.cli.app import run\nimport sys\nsys.exit(run({['demo', *words]!r}))",
            ]
        return subprocess.run(
            line,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=90,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def place() -> Iterator[Place]:
    one = Place()
    yield one
    shutil.rmtree(one.folder, ignore_errors=True)


def wait_for(true: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_story_comes_true_and_leaves_nothing_behind(place: Place) -> None:
    done = place.run("--headless")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout.splitlines()[-1] == "21 calls · 10 passed · 4 refused · 7 asked · 3 approved · 3 denied · 1 expired"
    )
    assert "the production volume stands" in done.stdout
    assert place.left() == []


def test_story_is_told_in_order_from_evening_to_morning(place: Place) -> None:
    lines = place.run("--headless").stdout.splitlines()
    clocks = [line[:5] for line in lines if line[2:3] == ":"]
    assert clocks == sorted(clocks, key=lambda clock: story.minutes(clock + ":00"))
    assert (clocks[0], clocks[-1]) == ("22:00", "06:00")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "story.NIGHT[11].input['command'] = 'true'",
            ["was passed and not refused", "ran, which it must not", "volume is gone"],
        ),
        ("story.NIGHT[5].input['command'] = 'git status'", ["was passed and not asked", "asked and not 7"]),
        ("story.NIGHT[0].input['file_path'] = '.env'", ["was asked and not passed", "did not run"]),
    ],
)
def test_what_does_not_come_true_is_said_and_is_exit_1(place: Place, change: str, words: list[str]) -> None:
    done = place.run("--headless", before=f"from sreconsole.demo import story\n{change}")
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert place.left() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_stopped_halfway_it_leaves_nothing_behind(place: Place, number: signal.Signals, code: int) -> None:
    demo = subprocess.Popen(
        [*RUN, "--headless", "--speed", "20"],
        env=place.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "esc-0001 waits" in line:
            break
    demo.send_signal(number)
    assert demo.wait(20) == code
    assert place.left() == []


def test_killed_it_leaves_no_process_behind(place: Place) -> None:
    demo = subprocess.Popen(
        [*RUN, "--headless", "--speed", "20"], env=place.environment, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if "esc-0001 waits" in line:
            break
    demo.kill()
    demo.wait(5)
    wait_for(lambda: not [one for one in place.left() if one.startswith("process")], f"processes end: {place.left()}")


def test_where_nobody_may_decide_it_says_so(place: Place) -> None:
    done = place.run("--headless", CLAUDECODE="1")
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "CLAUDECODE" in done.stderr
    assert place.left() == []


@pytest.mark.parametrize("speed", ["0", "-1", "x"])
def test_speed_is_a_positive_number(place: Place, speed: str) -> None:
    done = place.run("--headless", "--speed", speed)
    assert done.returncode == 2
    assert "--speed" in done.stderr


def test_in_the_console_the_night_plays_behind_and_a_person_decides(place: Place) -> None:
    pid, screen = pty.fork()
    if pid == 0:
        os.execvpe(
            RUN[0],
            [*RUN, "--speed", "200"],
            {**place.environment, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        )
    seen = b""

    def read(until: Callable[[], bool], seconds: float = 40.0) -> None:
        nonlocal seen
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, seen[-2000:]
            if select.select([screen], [], [], 0.1)[0]:
                try:
                    seen += os.read(screen, 65536)
                except OSError:
                    time.sleep(0.05)  # Hung up: what is left to see is its end.

    read(lambda: b"infra-janitor" in seen and b"dep-upgrader" in seen)
    os.write(screen, b"q")
    status: list[int] = []

    def ended() -> bool:
        found, code = os.waitpid(pid, os.WNOHANG)
        status.extend([code] if found else [])
        return bool(status)

    read(ended, 25)
    assert os.waitstatus_to_exitcode(status[0]) == 0
    os.close(screen)
    wait_for(lambda: not place.left(), f"left: {place.left()}", 10)
    assert place.left() == []


def test_night_is_sound() -> None:
    names = {agent.name for agent in story.AGENTS}
    assert {beat.agent for beat in story.NIGHT} == names
    assert [beat.at for beat in story.NIGHT] == sorted((beat.at for beat in story.NIGHT), key=story.minutes)
    assert all((beat.expect == "asked") == (beat.answer is not None) for beat in story.NIGHT)
    assert all(story.minutes(beat.at) <= story.minutes(beat.answer.at) for beat in story.NIGHT if beat.answer)
    assert all(not beat.runs for beat in story.NIGHT if beat.deletes)


@pytest.mark.parametrize(
    ("clock", "minutes"), [("22:00:00", 0), ("23:30:30", 90.5), ("00:00:00", 120), ("06:00:00", 480)]
)
def test_minutes_of_the_night(clock: str, minutes: float) -> None:
    assert story.minutes(clock) == minutes


def test_counts_follow_from_the_beats() -> None:
    count = story.expected()
    assert count["calls"] == count["passed"] + count["refused"] + count["asked"] == len(story.NIGHT)
    assert count["asked"] == count["approved"] + count["denied"] + count["expired"]
