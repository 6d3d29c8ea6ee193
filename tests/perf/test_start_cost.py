"""What it costs to start, and to be there: commands beside the bare interpreter, `serve` until it answers, its idle.

Run with `pytest tests/perf/test_start_cost.py -m perf -s`. Times are printed, imports are counted and asserted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House

sys.path.insert(0, str(Path(__file__).parent))

from figures import children, head, private, row, spent, spread

from sreconsole.gate import hook_file

pytestmark = pytest.mark.perf

WATCHED = 10.0
"""Seconds for which an idle `serve` is watched."""

NOT_FOR = {
    "--help": ("textual", "httpx", "pydantic", "sqlite_utils", "keyring", "yaml", "tree_sitter", "asyncio"),
    "--version": ("textual", "typer", "httpx", "pydantic", "sqlite_utils", "keyring", "yaml", "rich", "asyncio"),
    "escalations list": ("textual", "httpx", "pydantic", "sqlite_utils", "keyring", "yaml", "tree_sitter", "asyncio"),
}
"""What each command must not load, by its words."""


@pytest.fixture
def house() -> Iterator[House]:
    """A fleet with a running `serve`."""
    made = House()
    try:
        yield made.start()
    finally:
        made.close()


def timed(words: list[str], environment: dict[str, str]) -> float:
    """Seconds from spawn to exit, its output thrown away."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawn(words[0], words, environment, file_actions=nowhere)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - start
    assert os.waitstatus_to_exitcode(status) == 0, words
    return took


def loaded(words: list[str], environment: dict[str, str]) -> set[str]:
    """The modules a program has imported by its end (`-X importtime` names each once, on standard error)."""
    done = subprocess.run([sys.executable, "-X", "importtime", *words], env=environment, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def test_commands_beside_the_bare_interpreter(house: House) -> None:
    bare = [sys.executable, "-c", "pass"]
    sqlite = [sys.executable, "-c", "import sqlite3, json"]
    commands = {"--version": [], "--help": [], "escalations list": []}
    took: dict[str, list[float]] = {"bare": [], "sqlite": [], **{name: [] for name in commands}}
    for _ in range(25):
        took["bare"].append(timed(bare, house.environment))
        took["sqlite"].append(timed(sqlite, house.environment))
        for name in commands:
            took[name].append(timed([sys.executable, "-m", "sreconsole", *name.split()], house.environment))
    floor = spread(took["bare"])
    head()
    row("python -c pass, in the same environment", floor)
    row(
        "the same, `import sqlite3, json`",
        spread(took["sqlite"]),
        f"bare {floor}",
        spread(took["sqlite"]).p50 / floor.p50,
    )
    for name in commands:
        one = spread(took[name])
        row(f"`sreconsole {name}`", one, f"bare {floor}", one.p50 / floor.p50)


def test_what_commands_load(house: House) -> None:
    head()
    floor = len(loaded(["-c", "pass"], house.environment))
    for name in ("--version", "--help", "escalations list"):
        found = loaded(["-m", "sreconsole", *name.split()], house.environment)
        row(f"modules loaded by `sreconsole {name}`", len(found), f"bare {floor}", len(found) / floor)
        tops = {one.partition(".")[0] for one in found}
        assert not tops & set(NOT_FOR[name]), (name, tops & set(NOT_FOR[name]))


def test_the_hook_loads_next_to_nothing(house: House) -> None:
    python = str(hook_file.interpreter(False))
    payload = b"{}"
    made = hook_file.prepared(Path(python))
    for path, content in made.files(house.folder).items():
        path.write_bytes(content)
    words = [python, "-I", "-S", "-X", "importtime", str(made.installed(house.folder)), str(house.home.hook_socket)]
    done = subprocess.run([*words, str(os.getuid()), "claude-code", "Stop", "5"], input=payload, capture_output=True)
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    bare = subprocess.run([python, "-I", "-S", "-X", "importtime", "-c", "pass"], capture_output=True, text=True)
    floor = {line.rpartition("|")[2].strip() for line in bare.stderr.splitlines() if line.startswith("import time:")}
    found = {line.rpartition("|")[2].strip() for line in lines} - floor
    head()
    row("modules the hook loads beyond the bare interpreter's", ", ".join(sorted(found)), f"bare {len(floor)}")
    assert found <= {"_socket", "_sha256", "_sha2", "runpy", "importlib.machinery", "importlib", "warnings", "pkgutil"}


def test_serve_from_start_to_answer() -> None:
    took: dict[str, list[float]] = {"bare": [], "new": [], "old": []}
    for _ in range(8):
        took["bare"].append(timed([sys.executable, "-c", "pass"], dict(os.environ)))
        house = House()
        try:
            for home in ("new", "old"):
                start = time.perf_counter()
                house.start()
                took[home].append(time.perf_counter() - start)
                house.stop()
        finally:
            house.close()
    floor, new, old = (spread(took[name]) for name in ("bare", "new", "old"))
    head()
    row("`serve` on a new home, spawn to first answer", f"{new.p50:.0f} ms", f"bare {floor}", new.p50 / floor.p50)
    row("`serve` on a home it knows, spawn to first answer", f"{old.p50:.0f} ms", f"bare {floor}", old.p50 / floor.p50)


def test_idle(house: House) -> None:
    assert house.serve
    time.sleep(2)
    family = [house.serve.pid, *children(house.serve.pid)]
    before = [spent(pid) for pid in family]
    time.sleep(WATCHED)
    used = [100 * (spent(pid) - was) / WATCHED for pid, was in zip(family, before, strict=True)]
    head()
    row("idle `serve`, processor", f"{used[0]:.2f} %", "hello of a Textual program: 0.1 %", None, "≤ 0.3 %")
    row("idle workers, processor", f"{sum(used[1:]):.2f} %")
    row(
        "idle `serve`, memory; with its workers, shared pages once",
        f"{private(house.serve.pid):.0f} MB; {sum(map(private, family)):.0f} MB",
    )
    assert len(family) == 3
