"""The console before the real `serve`: a hook waits, a key decides, the hook is answered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from house import ROOT, House, answer

sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))

from ttybench import TtyApp

pytestmark = pytest.mark.e2e


def opened(house: House, *words: str) -> TtyApp:
    env = {**house.environment, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "NO_COLOR": ""}
    return TtyApp([sys.executable, "-m", "sreconsole", *words], size=(80, 24), env=env)


def test_a_key_lets_the_hook_go_and_another_stops_it(house: House) -> None:
    first = house.hook(house.bash("touch first"))
    house.waiting(1)
    with opened(house) as app:
        assert app.wait(lambda: "touch first" in app.text() and "live" in app.text(), 20), app.text()
        app.settle(0.7, 2)
        app.send("a")
        assert app.wait(lambda: "approving esc-0001 in" in app.text(), 5), app.text()
        app.send("u")
        assert app.wait(lambda: "taken back: esc-0001 waits again" in app.text(), 5), app.text()
        app.settle(0.7, 2)
        app.send("a")
        assert app.wait(lambda: "esc-0001: approved by" in app.text(), 10), app.text()
        assert answer(first)[0] == "allow"

        second = house.hook(house.bash("touch second"))
        assert app.wait(lambda: "writes second" in app.text(), 10), app.text()
        for key in "j", "d", *"not tonight", "enter":
            app.send(key)
            app.settle(0.1, 2)
        decision, reason = answer(second)
        assert decision == "deny" and "not tonight" in reason
        app.settle(0.2, 2)
        assert "esc-0002 is denied" in app.text()


def test_a_killed_console_withdraws_what_it_held(house: House) -> None:
    house.hook(house.bash("touch held"))
    waiting = house.waiting(1)[0]
    with opened(house) as app:
        assert app.wait(lambda: "touch held" in app.text() and "live" in app.text(), 20), app.text()
        app.settle(0.7, 2)
        app.send("a")
        assert app.wait(lambda: "approving esc-0001" in app.text(), 5), app.text()
    assert house.became(waiting.id, "pending").hold_by == ""


def test_serve_killed_and_back(house: House) -> None:
    call = house.hook(house.bash("touch after"))
    house.waiting(1)
    with opened(house) as app:
        assert app.wait(lambda: "touch after" in app.text() and "live" in app.text(), 20), app.text()
        house.kill()
        assert app.wait(lambda: "SERVE IS DOWN" in app.text(), 10), app.text()
        house.start()
        assert app.wait(lambda: "serve is back" in app.text(), 15), app.text()
        app.settle(0.7, 3)
        app.send("a")
        assert app.wait(lambda: "esc-0001: approved by" in app.text(), 12), app.text()
    assert answer(call)[0] == "allow"
