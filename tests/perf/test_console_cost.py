"""What the console costs a link: bytes are exact and gated, times are printed beside their floor in the same run.

Run with `pytest tests/perf/test_console_cost.py -m perf -s`.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "console"))

from fleet import Fleet, Serve, now
from ttybench import TtyApp

from sreconsole.store import log
from sreconsole.store.event import Event

pytestmark = pytest.mark.perf

ROOT = Path(__file__).parents[2]
PROGRAM = (
    "import sys; from pathlib import Path; from sreconsole import paths; from sreconsole.console import open_console; "
    "sys.exit(open_console(paths.at(Path(sys.argv[1])), start_serve=False))"
)
HELLO = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Hello(App):\n  def compose(self): yield Static('Hello')\nHello().run()"
)
ACTS = [
    ("pushes 3 commits to main", "git push origin main", "publishes to a protected branch"),
    ("drops an index on prod-eu", "psql prod-eu -c 'drop index concurrently ledger_by_day'", "touches a production database"),
    ("deletes 14 files under src/pay", "rm -rf src/pay/legacy src/pay/old", "removes files that have no copy"),
    ("restarts the edge proxies", "kubectl rollout restart deploy/edge -n prod", "changes what serves customers"),
    ("rotates the deploy token", "vault write -f deploy/token/rotate", "changes a credential"),
    ("merges pull request 1093", "gh pr merge 1093 --squash --admin", "merges without review"),
]  # fmt: skip


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path / "home")
    Serve(made)
    yield made
    made.close()


def standing(n: int) -> dict[str, object]:
    return {"denials": [n % 3, 2 + n], "budgets": {"files": [20 + n, 40], "lines": [100 * n, 2000]}}


def ask(fleet: Fleet, count: int, apart: int = 61_000) -> None:
    import hashlib

    for n in range(count):
        does, command, why = ACTS[n % len(ACTS)]
        fleet.ask(
            agent=("web-dev", "api-dev", "infra-bot")[n % 3], session=("cc-77aa", "cc-19f2")[n % 2],
            input={"command": command}, verdict={"does": does, "why": why, "standing": standing(n)},
            radius=json.dumps({"words": f"{3 + n} commits · {14 + n} files +212 −40", "unmeasured": ""}), deadline=now() + 1_500_000 + n * apart,
            digest=hashlib.sha256(b"%d" % n).hexdigest(),
        )  # fmt: skip


def opened(fleet: Fleet, size: tuple[int, int] = (120, 40)) -> TtyApp:
    env = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "NO_COLOR": "", "SSH_CONNECTION": ""}
    return TtyApp([sys.executable, "-c", PROGRAM, str(fleet.home.config)], size=size, env=env)


def keys(app: TtyApp, sent: str) -> list[int]:
    sizes = []
    for key in sent:
        before = app.bytes
        app.send(key)
        app.settle(0.25, 3)
        sizes.append(app.bytes - before)
    return sizes


def rate(app: TtyApp, seconds: float, each: float, act: object = None) -> float:
    """Bytes a second while `act(n)` is done every `each` seconds."""
    before, start, n = app.bytes, time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        n += 1
        if callable(act):
            act(n)
        end = time.perf_counter() + each
        while (left := end - time.perf_counter()) > 0:
            app.pump(left)
    return (app.bytes - before) / (time.perf_counter() - start)


def test_moving_the_cursor(fleet: Fleet) -> None:
    ask(fleet, 12)
    for n in range(60):
        fleet.event("tool.ran", f"Read src/pay/file{n}.py", agent="web-dev", session="cc-77aa")
    with opened(fleet) as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 20)
        app.settle(0.3, 5)
        home = keys(app, "jjjjjjjjjjkkkkkkkkkk")
        page = keys(app, "3")[0]
        log_rows = keys(app, "jjjjjjkkkk")
        print(
            f"\ncursor, home: median {statistics.median(home):.0f} B, most {max(home)}; log: {statistics.median(log_rows):.0f} B"
        )
        print(f"another screen: {page} B")
        # Built for 600; 598 to 606 since the peek says what was measured. More than this is a step back.
        assert statistics.median(home) <= 640 and max(home) <= 800
        assert statistics.median(log_rows) <= 600
        assert page <= 12_000


def test_an_idle_console_sends_nothing(fleet: Fleet) -> None:
    fleet.agent()
    with opened(fleet) as app:
        assert app.wait(lambda: "Nobody needs you" in app.text() and "live" in app.text(), 20)
        app.settle(0.5, 5)
        cpu = app.cpu()
        idle = rate(app, 8, 1)
        spent = 100 * (app.cpu() - cpu) / 8
        print(f"\nidle, nothing waits: {idle:.1f} B/s, {spent:.2f} % CPU")
        assert idle == 0


def test_countdowns_are_cheap(fleet: Fleet) -> None:
    ask(fleet, 12, apart=65_000)
    for n in range(4):
        fleet.ask(deadline=now() + 70_000 + n * 1000)
    with opened(fleet) as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 20)
        app.settle(0.3, 2)
        idle = rate(app, 10, 1)
        print(f"\n12 wait and 4 more count down: {idle:.0f} B/s")
        assert idle <= 150


def test_a_busy_store_stays_within_its_bytes(fleet: Fleet) -> None:
    ask(fleet, 12)
    rows = [fleet.get(f"esc-{n:04d}") for n in range(1, 4)]
    with opened(fleet) as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 20)
        app.settle(0.5, 5)
        home = rate(
            app, 6, 0.1, lambda n: (fleet.event("tool.ran", f"x{n}"), fleet.change(rows[n % 3], attached=n % 2))
        )
        keys(app, "3")
        following = rate(app, 10, 0.1, lambda n: fleet.event("tool.ran", f"Read src/pay/file{n}.py", session="cc-77aa"))
        flood = rate(app, 5, 0.005, lambda n: fleet.event("tool.ran", f"Read src/pay/file{n}.py", session="cc-77aa"))
        print(
            f"\n10 changes/s on home {home:.0f} B/s, followed in the log {following:.0f} B/s, a flood {flood:.0f} B/s"
        )
        assert home <= 4096 and following <= 4096 and flood <= 6000


def test_a_question_is_on_screen_at_once(fleet: Fleet) -> None:
    ask(fleet, 8)
    with opened(fleet) as app:
        assert app.wait(lambda: "esc-0001" in app.text() and "live" in app.text(), 20)
        app.settle(0.5, 5)
        times, sizes = [], []
        for n in range(12):
            rate(app, 0.6, 0.6)
            before, start = app.bytes, time.perf_counter()
            row = fleet.ask(deadline=now() + 9_000_000 + n * 1000)
            at = app.wait(lambda row=row: row.id in app.text(), 5)
            assert at is not None
            times.append((at - start) * 1000)
            app.settle(0.2, 2)
            sizes.append(app.bytes - before)
        times.sort()
        print(f"\ncommit to screen: p50 {times[6]:.0f} ms, most {times[-1]:.0f} ms, {statistics.median(sizes):.0f} B")
        assert statistics.median(sizes) <= 6000


def test_starting(fleet: Fleet) -> None:
    ask(fleet, 12)
    env = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    hello, ours, sizes = [], [], []
    for _ in range(5):
        with TtyApp([sys.executable, "-c", HELLO], size=(120, 40), env=env) as app:
            at = app.wait(lambda app=app: "Hello" in app.text(), 20)
            assert at
            hello.append(at - app.t0)
        with opened(fleet) as app:
            at = app.wait(lambda app=app: "esc-0001" in app.text(), 20)
            assert at
            ours.append(at - app.t0)
            app.settle(0.4, 5)
            sizes.append(app.bytes)
    ratio = statistics.median(ours) / statistics.median(hello)
    print(
        f"\nstart: {statistics.median(ours):.3f} s, hello {statistics.median(hello):.3f} s, ratio {ratio:.2f}; {max(sizes)} B"
    )
    assert max(sizes) <= 25_000


def test_a_hundred_thousand_events_cost_what_forty_do(fleet: Fleet) -> None:
    """Both ends of the log are one page away, and a cursor move costs the same."""

    def work(tx: object) -> None:
        for n in range(100_000):
            log.append(
                tx.connection, tx.head, Event("tool.ran", 1_790_000_000_000 + n, summary=f"step {n}", session="cc-77aa")
            )  # type: ignore[attr-defined]

    fleet.writer.do(work).result(120)
    with opened(fleet) as app:
        assert app.wait(lambda: "Nobody needs you" in app.text() and "live" in app.text(), 20)
        keys(app, "3")
        assert "step 99999" in app.text()
        sizes = keys(app, "jjjjjj")
        times = []
        for key, word in (("G", "step 0 "), ("g", "step 99999")) * 3:
            start = app.send(key)
            at = app.wait(lambda word=word: word in app.text(), 5)
            assert at
            times.append((at - start) * 1000)
            app.settle(0.2, 2)
        print(
            f"\n100,000 events: cursor {statistics.median(sizes):.0f} B, end to end {statistics.median(times):.0f} ms, RSS {app.memory()[0]:.0f} MB"
        )
        assert statistics.median(sizes) <= 600
