"""What must not be loaded is not: deferred imports really defer, in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from house import PYTHON, ROOT

SCREEN = {"textual", "rich"}
HEAVY = {"textual", "rich", "httpx", "keyring", "pydantic", "sqlite_utils", "yaml", "tree_sitter"}


def loaded(*lines: str) -> set[str]:
    script = "\n".join([*lines, "import sys", "print(' '.join(sys.modules))"])
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()} | set(done.stdout.split())


@pytest.mark.parametrize(
    ("act", "absent"),
    [
        ("import sreconsole.store.log, sreconsole.store.escalations", HEAVY | {"asyncio"}),
        ("import sreconsole.text.safe, sreconsole.text.redact", HEAVY | {"asyncio"}),
        ("import sreconsole.gate.escalation, sreconsole.gate.claude_code", HEAVY | {"asyncio"}),
        ("import sreconsole.serve.daemon", HEAVY | {"typer"}),
        (
            "import sreconsole.serve.judge",
            SCREEN | {"httpx", "keyring", "pydantic", "sqlite_utils", "typer", "asyncio"},
        ),
        ("import sreconsole.console", HEAVY),
        ("import sreconsole.cli", HEAVY | {"typer"}),
    ],
    ids=["store", "text", "gate", "serve", "judge", "console", "cli"],
)
def test_a_room_loads_nothing_it_does_not_need(act: str, absent: set[str]) -> None:
    assert not loaded(act) & absent


def test_the_hook_loads_almost_nothing() -> None:
    hook = str(ROOT / "sreconsole/hook.py")
    script = f"import sys; bare = set(sys.modules); exec(compile(open({hook!r}).read(), 'hook', 'exec'), {{'__name__': 'hook'}}); print(*set(sys.modules) - bare)"
    done = subprocess.run([PYTHON, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"_socket", "_sha256", "_sha2", "time", "posix"}
