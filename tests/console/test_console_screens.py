"""What each screen shows, at both sizes, and how one gets around."""

from __future__ import annotations

import base64
import json

import pytest
from fleet import Fleet, Serve, now
from glass import Glass, Open

from sreconsole.console.keys import EVERYWHERE, KEYS, LISTS
from sreconsole.store import agents
from sreconsole.store.event import Event

SIZES = [(80, 24), (120, 40)]


async def test_an_empty_home_says_so_in_words(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.agent()
    fleet.session()
    fleet.event()
    async with console() as glass:
        await glass.sees("live")
        assert "Nobody needs you." in glass.text
        assert "1 agents enrolled · 1 sessions not ended · last event" in glass.text
        assert "approve" not in glass.keys
        assert glass.status.startswith(" sreconsole · on call: dana → Fri 09:00 Berlin")


async def test_an_empty_home_without_serve_does_not_claim_calm(fleet: Fleet, console: Open) -> None:
    async with console() as glass:
        await glass.sees("SERVE IS DOWN")
        assert "Nobody needs you." not in glass.text
        assert "Nothing was waiting when the store was last written." in glass.text


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_row_is_the_right_one(fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]) -> None:
    at = now()
    fleet.ask(verdict={"does": "can wait"}, deadline=at + 3_000_000)
    fleet.ask(verdict={"does": "has been deferred"}, state="deferred", deadline=at + 1000)
    fleet.ask(verdict={"does": "is urgent"}, deadline=at + 100_000)
    fleet.session("cc-0aa1", parked_on="esc-0009")
    async with console(size=size) as glass:
        await glass.sees("live")
        rows = [line for line in glass.lines[3:9] if line.strip()]
        words = ["is urgent", "can wait", "parked on esc-0009", "has been deferred"]
        assert [word for line, word in zip(rows, words, strict=True) if word in line] == words
        assert "is urgent" in glass.row and "01:" in glass.row
        assert "1 Needs me 3" in glass.text
        assert all(len(line) == size[0] for line in glass.lines) and len(glass.lines) == size[1]


async def test_the_title_carries_the_count(
    fleet: Fleet, serve: Serve, console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int | None] = []
    from sreconsole.console import terminal

    monkeypatch.setattr(terminal, "title", lambda driver, waiting: said.append(waiting))
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        fleet.ask()
        await glass.sees("1 Needs me 2")
    assert said == [1, 2, None]


async def test_five_thousand_wait_and_the_keys_stay_quick(fleet: Fleet, serve: Serve, console: Open) -> None:
    from dataclasses import replace

    from sreconsole.store import escalations

    one = fleet.ask()

    def work(tx: object) -> None:
        for n in range(2, 5001):
            escalations.add(tx.connection, replace(one, n=n, id=f"esc-x{n:04d}", deadline=one.deadline + n))  # type: ignore[attr-defined]

    fleet.do(work)
    async with console() as glass:
        await glass.sees("1 Needs me 5000")
        await glass.press("G")
        await glass.until(lambda: "pushes" in glass.row)
        assert glass.app.floor.stage.home.window.chosen == "esc-x5000"


@pytest.mark.parametrize("size", SIZES)
async def test_escalations_in_every_state_and_filtered(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    for state in ("approved", "denied", "expired", "cancelled", "invalidated"):
        row = fleet.ask(verdict={"does": f"was {state}"})
        fleet.change(row, state=state, decided_by="mia" if state in ("approved", "denied") else "")
    fleet.ask(agent="api-dev", verdict={"does": "still waits"})
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.press("2")
        await glass.sees("was approved")
        for state in ("approved", "denied", "expired", "cancelled", "invalidated"):
            assert f"was {state}" in glass.text
        await glass.press("slash")
        await glass.type("state:denied")
        await glass.press("enter")
        await glass.until(lambda: "was approved" not in glass.text)
        assert "was denied" in glass.row and "/state:denied" in glass.text
        await glass.press("escape")
        await glass.sees("was approved")
        await glass.press("slash", *"agent", "colon", *"api", "space", *"waits", "enter")
        await glass.until(lambda: "still waits" in glass.row)
        await glass.press("slash", *["backspace"] * 30, *"state", "colon", "x", "enter")
        await glass.sees("the states are pending, held")


async def test_a_new_escalation_is_counted_above_and_nothing_moves(fleet: Fleet, serve: Serve, console: Open) -> None:
    for n in range(40):
        fleet.ask(verdict={"does": f"act {n}"})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("2")
        await glass.sees("act 39")
        await glass.press("ctrl+d", "ctrl+d", "ctrl+d")
        before, row = glass.lines[5:12], glass.row
        fleet.ask(verdict={"does": "fresh"})
        await glass.sees("▲ 1 new above (g)")
        assert glass.row == row and set(before) & set(glass.lines)
        await glass.press("g")
        await glass.sees("fresh")


async def test_paging_goes_back_by_key(fleet: Fleet, serve: Serve, console: Open) -> None:
    from dataclasses import replace

    from sreconsole.store import escalations

    one = fleet.ask()

    def work(tx: object) -> None:
        for n in range(2, 701):
            escalations.add(tx.connection, replace(one, n=n, id=f"esc-x{n:04d}"))  # type: ignore[attr-defined]

    fleet.do(work)
    async with console() as glass:
        await glass.sees("live")
        await glass.press("2")
        screen = glass.app.floor.stage.tabs["escalations"]
        await glass.until(lambda: len(screen.window.rows) == 200)
        for _ in range(9):
            at = len(screen.window.rows)
            await glass.press("G")
            await glass.until(lambda at=at: len(screen.window.rows) > at or not screen.window.more_below)
        assert len(screen.window.rows) == 700 and not screen.window.more_below
        await glass.press("G")
        assert screen.window.chosen == "esc-0001"


async def test_the_log_follows_stands_still_and_filters(fleet: Fleet, serve: Serve, console: Open) -> None:
    for n in range(30):
        fleet.event("tool.ran", f"read file{n}", session="cc-77aa", agent="web-dev")
    fleet.event("tool.refused", "refused the volume", severity=2, session="cc-19f2", agent="api-dev")
    async with console() as glass:
        await glass.sees("live")
        await glass.press("3")
        await glass.sees("following")
        fleet.event("tool.ran", "the newest")
        await glass.until(lambda: "the newest" in glass.row)
        await glass.press("j", "j")
        row = glass.row
        fleet.event("tool.ran", "newer still")
        await glass.sees("1 new above")
        assert glass.row == row and "newer still" not in glass.text
        await glass.press("f")
        await glass.until(lambda: "newer still" in glass.row)
        for words, says in (("severe", "refused the volume"), ("kind:tool.refused", "refused the volume"),
                            ("session:cc-19f2", "refused the volume"), ("agent:api-dev volume", "refused the volume"),
                            ("file2", "read file29")):  # fmt: skip
            await glass.press("slash", "ctrl+u")
            await glass.type(words)
            await glass.press("enter")
            await glass.until(lambda says=says: says in glass.row)
        await glass.press("slash", "ctrl+u", *"kind", "colon", "enter")
        await glass.sees("kind: needs a value, such as kind:escalation.opened")


async def test_the_log_jumps_to_its_oldest_by_key(fleet: Fleet, serve: Serve, console: Open) -> None:
    def work(tx: object) -> None:
        for n in range(3000):
            tx.append(Event("tool.ran", now(), summary=f"step {n}"))  # type: ignore[attr-defined]

    fleet.do(work)
    async with console() as glass:
        await glass.sees("live")
        await glass.press("3", "G")
        await glass.until(lambda: "step 0 " in glass.row + " ")
        window = glass.app.floor.stage.log.window
        assert window.more_above and len(window.rows) == 200
        for _ in range(30):
            await glass.press("ctrl+u", "ctrl+u")
        await glass.until(lambda: len(window.rows) > 200)
        await glass.press("g")
        await glass.until(lambda: "step 2999" in glass.row)


@pytest.mark.parametrize("size", SIZES)
async def test_an_event_opens_in_full_with_its_links(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    fleet.event("tool.ran", "first")
    fleet.event("tool.ran", "second", data={"deep": {"er": ["x"]}}, subject="esc-0001", actor="dana")
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.press("3", "enter")
        await glass.sees("the hash is that of these columns")
        for words in ('"deep"', "follows #1", "esc-0001", "dana", "prev", "hash"):
            assert words in glass.text


async def test_agents_with_their_sessions(fleet: Fleet, console: Open) -> None:
    Serve(fleet, boundary="advisory", boundary_why="agents run as dana")
    fleet.agent("web-dev")
    fleet.agent("old-bot", revoked_at=1)
    fleet.session("cc-77aa")
    fleet.session("cc-19f2", provable=0, mapped_by="folder", parked_on="esc-0001")
    fleet.session("cx-1", agent="", calls=0, provable=0)
    async with console(size=(120, 40)) as glass:
        await glass.sees("advisory: agents run as dana")
        assert "ADVISORY" in glass.status
        await glass.press("4")
        for words in ("web-dev", "advisory", "└ cc-77aa", "provable", "not provable", "PARKED on esc-0001", "(no agent)",
                      "not enrolled", "no call gated yet", "revoked"):  # fmt: skip
            assert words in glass.text, words
        await glass.press("j", "j")
        await glass.until(lambda: "└ cc-" in glass.row)
        session = glass.row.split()[2]
        await glass.press("enter")
        await glass.sees(f"/session:{session}")


async def test_the_card_shows_what_stands_around(fleet: Fleet, serve: Serve, console: Open) -> None:
    from sreconsole.store import outbox

    row = fleet.ask()
    fleet.do(lambda tx: outbox.put(tx.connection, "k", "webhook", row.id, "{}", now()))
    fleet.grant()
    async with console(size=(120, 40)) as glass:
        await glass.sees("live")
        await glass.press("enter")
        for words in ("webhook waiting", "gr-0001 git.push", "escalation.opened", "then it is refused", row.digest):
            await glass.sees(words)
        await glass.press("R")
        await glass.sees('"command": "git push origin main"')
        await glass.press("L")
        await glass.sees("/session:cc-77aa")


async def test_a_deferred_question_names_the_resume_command(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(state="deferred")
    async with console() as glass:
        await glass.sees("live")
        await glass.press("enter")
        await glass.sees("claude --resume cc-77aa")


async def test_help_is_a_list_to_search_and_run(fleet: Fleet, serve: Serve, console: Open) -> None:
    async with console() as glass:
        await glass.sees("live")
        await glass.press("question_mark")
        await glass.sees("Keys on home")
        await glass.press("slash", *"fleet", "enter")
        await glass.until(lambda: "Fleet log" in glass.row)
        await glass.press("enter")
        await glass.sees("following")


async def test_commands_are_typed_and_completed(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("colon", *"open", "space")
        await glass.type("esc-0001")
        await glass.press("enter")
        await glass.sees("then it is refused")
        await glass.press("escape", "colon", *"esc", "tab", "enter")
        await glass.until(lambda: glass.app.floor.stage.tab == "escalations")
        await glass.press("colon", *"log", "space", *"severe", "enter")
        await glass.sees("/severe")
        await glass.press("colon", *"fly", "enter")
        assert ":fly is no command here; ? lists them" in glass.status
        await glass.press("colon", *"open", "space", "x", "enter")
        await glass.sees("there is no x")


async def test_a_theme_is_previewed_chosen_and_remembered(fleet: Fleet, serve: Serve, console: Open) -> None:
    async with console() as glass:
        await glass.sees("live")
        await glass.press("colon", *"theme", "enter", *"day")
        assert glass.app.theme == "day"
        await glass.press("escape")
        assert glass.app.theme == "night"
        assert not (fleet.home.state / "theme").exists()
        await glass.press("colon", *"theme", "space", *"day", "enter")
        assert glass.app.theme == "day"
        assert (fleet.home.state / "theme").read_text() == "day\n"
        await glass.press("colon", *"theme", "space", *"pink", "enter")
        assert "no theme pink; there are" in glass.status


async def test_copy_is_worded_honestly(
    fleet: Fleet, serve: Serve, console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.ask(input={"command": "ls \x1b[2J\u202e"})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("y")
        assert "sent to the terminal: " in glass.status and "copied" not in glass.text
        assert glass.app.clipboard == "ls ␛[2J⟨U+202E⟩"
        assert base64.b64encode(glass.app.clipboard.encode())
        await glass.press("ctrl+l")
        await glass.until(lambda: glass.lines[0].startswith("ls ␛[2J"))
        assert all(not line.strip() for line in glass.lines[1:])
        await glass.press("escape")
        await glass.sees("live")


async def test_a_copied_store_is_looked_at_without_anybody(fleet: Fleet, console: Open) -> None:
    fleet.ask()
    copy = fleet.home.state / "copy.db"
    fleet.writer.do(lambda tx: None).result(5)
    import sqlite3

    source = sqlite3.connect(fleet.home.store)
    source.execute("VACUUM INTO ?", (str(copy),))
    source.close()
    copy.chmod(0o400)
    async with console(read_only=True, database=copy) as glass:
        await glass.sees("pushes 3 commits")
        assert "read-only: a copy of the store, copy.db; its last event is of" in glass.text
        assert "SERVE IS DOWN" not in glass.text and "a copy" in glass.status
        await glass.rest()
        await glass.press("a")
        assert "this console is read-only" in glass.status


async def test_a_store_from_the_future_says_so(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.do(lambda tx: tx.connection.execute("PRAGMA user_version=99") and None)
    from sreconsole.console import themes
    from sreconsole.console.app import ConsoleApp
    from sreconsole.console.keys import Keyboard

    known, _ = themes.load(fleet.home)
    app = ConsoleApp(fleet.home, themes=known, theme=known["night"], keyboard=Keyboard(), start_serve=False)
    async with app.run_test(size=(120, 24)) as pilot:
        await Glass(app, pilot).sees("schema 99 is newer than this sreconsole knows")


async def test_the_size_can_change_at_any_time(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(input={"command": "\n".join(f"echo {n}" for n in range(50))})
    async with console() as glass:
        await glass.sees("live")
        for keys, sizes in (
            ((), [(120, 40), (40, 10), (20, 5), (300, 80), (80, 24)]),
            (("enter",), [(30, 8), (120, 40)]),
        ):
            await glass.press(*keys)
            for width, height in sizes:
                await glass.pilot.resize_terminal(width, height)
                await glass.pilot.pause(0.05)
                assert all(len(line) == width for line in glass.lines)
        assert glass.app.is_running


async def test_ascii_is_drawn_where_utf8_is_not(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(input={"command": "echo é日本 \u202e"})
    async with console(ascii_only=True, theme="mono") as glass:
        await glass.sees("live")
        assert glass.text.isascii()
        assert "> T3" in glass.text and "<U+00E9>" in glass.text and "<U+202E>" in glass.text


ARRIVE = {
    "home": (), "escalations": ("2",), "log": ("3",), "agents": ("4",), "grants": ("5",), "card": ("enter",),
    "reviews": ("6",), "review": ("6", "space"), "change": ("g", "j", "e"), "together": ("g", "j", "j", "a"),
    "event": ("3", "enter"), "plain": ("ctrl+l",), "help": ("question_mark",), "palette": ("ctrl+p",),
}  # fmt: skip


@pytest.mark.parametrize("screen", EVERYWHERE)
async def test_every_key_of_every_screen_can_be_pressed(
    fleet: Fleet, serve: Serve, console: Open, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key is pressed on each screen it lives on: it does or says something, and nothing breaks."""
    fleet.agent()
    fleet.session()
    fleet.ask(
        kind="question",
        choices=json.dumps([{"question": "q", "options": ["a", "b"]}, {"question": "r", "options": ["c"]}]),
    )
    fleet.ask()
    for _ in range(3):
        fleet.ask(alike="same", verdict={"does": "is asked thrice"})
    for _ in range(30):
        fleet.review()
    fleet.grant()
    assert agents.every(fleet.writer._connection)
    async with console() as glass:
        await glass.sees("live")
        monkeypatch.setattr(glass.app.looks, "by_hand", lambda text, name: text.replace("main", "next"))
        ended: list[int] = []
        monkeypatch.setattr(glass.app, "exit", lambda *a, **k: ended.append(1))
        for key in [key for one in glass.app.floor.keyboard.of(screen) for key in one.keys]:
            glass.app.floor.answered(None)
            glass.app.floor.stage.switch("home", 0)
            await glass.app.floor.refresh()
            await glass.press(*ARRIVE[screen])
            await glass.until(lambda: glass.app.floor.stage.current.name == screen)
            await glass.press(key)
            await glass.pilot.pause(0.02)
        assert glass.app.is_running and bool(ended) == (screen in LISTS)
        assert {key.id for key in KEYS} == {*glass.app.commands.acts, "choose"}
