"""The review lane, equal questions decided at once, what is put off, and arguments that are edited."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest
from fleet import Fleet, Serve, now
from glass import Open
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.console import edited
from sreconsole.console.edited import NotEdited
from sreconsole.console.together import gathered

sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))

from ttybench import TtyApp

SIZES = [(80, 24), (120, 40)]
MINUTE = 60_000


@pytest.mark.parametrize("size", SIZES)
async def test_unread_reviews_are_counted_calmly(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    async with console(size=size) as glass:
        await glass.sees("Nobody needs you.")
        for _ in range(3):
            fleet.review()
        await glass.sees("3 ran without asking and wait to be looked at (6)")
        assert "6 Reviews 3" in glass.text and "Nobody needs you." in glass.text
        fleet.ask()
        await glass.sees("pushes 3 commits")
        shown = [line for line in glass.lines[3:9] if line.strip()]
        assert "pushes 3 commits" in shown[0] and "REV" in shown[1] and "3 ran without asking" in shown[1]
        assert "1 Needs me 1" in glass.text
        await glass.press("G", "enter")
        await glass.until(lambda: glass.app.floor.stage.tab == "reviews")


@pytest.mark.parametrize("size", SIZES)
async def test_reviews_are_grouped_opened_read_and_ok(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    for n in range(3):
        fleet.review(at=now() - (7 - n) * MINUTE, does=f"writes file{n}")
    fleet.review("network", does="fetches a page", at=now() - 26 * 60 * MINUTE)
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.press("6")
        await glass.sees("3 unread  5 min ago")
        assert "1 unread  1 d ago" in glass.text and "network" in glass.text
        assert "o ok" not in glass.keys and "O ok all" in glass.keys
        await glass.press("o")
        assert "this is a whole rule: enter opens it" in glass.status
        await glass.press("enter")
        await glass.sees("Reviews of write")
        await glass.until(lambda: "writes file2" in glass.row)
        assert "o ok" in glass.keys and "f flag" in glass.keys
        await glass.press("space")
        await glass.sees("rev-0003")
        assert "does       writes file2" in glass.text and "log #" in glass.text
        await glass.rest()
        await glass.press("o")
        await glass.sees("rev-0003 is ok")
        assert serve.acts("review_ok")[0]["ids"] == ["rev-0003"]
        await glass.until(lambda: "writes file1" in glass.row)
        await glass.press("o")
        assert "came under your finger just now" in glass.status
        assert len(serve.acts("review_ok")) == 1


async def test_a_whole_rule_is_ok_only_after_y_and_only_what_was_there(
    fleet: Fleet, serve: Serve, console: Open
) -> None:
    for _ in range(3):
        fleet.review()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("6")
        await glass.sees("3 unread")
        await glass.press("O")
        await glass.sees("ok for all 3 of write, read or not")
        await glass.rest()
        await glass.press("enter")
        assert "type y exactly" in glass.keys and serve.acts("review_ok") == []
        fleet.review(does="came while you typed")
        await glass.press("y", "enter")
        await glass.until(lambda: serve.acts("review_ok"))
        assert sorted(serve.acts("review_ok")[0]["ids"]) == ["rev-0001", "rev-0002", "rev-0003"]
        await glass.sees("came while you typed")


async def test_a_flag_needs_a_reason(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.review()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("6", "space")
        await glass.sees("rev-0001")
        await glass.press("f", "enter")
        assert "say what is wrong" in glass.keys
        await glass.type("not yours")
        await glass.press("enter")
        await glass.sees("rev-0001 is flagged")
        assert serve.acts("review_flag")[0]["review"] == "rev-0001"
        assert serve.acts("review_flag")[0]["reason"] == "not yours"
        await glass.sees("Nothing is unread.")


async def test_nothing_is_reviewed_read_only(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.review()
    async with console(read_only=True) as glass:
        await glass.sees("read-only")
        await glass.press("6", "enter")
        await glass.sees("Reviews of write")
        for key in ("o", "O", "f"):
            await glass.press(key)
            assert "this console is read-only" in glass.status, key
        assert [one["do"] for one in serve.asked] == ["hello", "subscribe"]


@pytest.mark.parametrize("size", SIZES)
async def test_radius_and_standing_are_on_home_and_card(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    standing = {"denials": [0, 2], "budgets": {"files": [38, 40], "lines": [10, 400]}}
    row = fleet.ask(verdict={"standing": standing})
    async with console(size=size) as glass:
        await glass.sees("radius     measuring…")
        assert "denials 0/3 2/20 · files 38/40 · esc-0001" in glass.text
        fleet.change(row, radius=json.dumps({"words": "3 commits · 14 files", "unmeasured": ""}))
        await glass.sees("radius     3 commits · 14 files")
        fleet.change(fleet.get(row.id), radius=json.dumps({"words": "3 commits", "unmeasured": "no remote"}))
        await glass.sees("3 commits · not measurable: no remote")
        fleet.change(fleet.get(row.id), radius=json.dumps({"words": "", "unmeasured": "it timed out"}))
        await glass.press("enter")
        await glass.sees("radius     not measurable: it timed out")
        assert "denials 0/3 2/20 · files 38/40 · lines 10/400" in glass.text
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")


@pytest.mark.parametrize(
    "standing",
    [5, [], {"denials": "x", "budgets": []}, {"denials": [1], "budgets": {"a": [1, 0], "b": ["x", 2], "c": None}},
     {"denials": [True, 1], "budgets": {"\x1b[2J": [1, 2]}}, {"budgets": {"x" * 5000: [1e300, 2]}}],
)  # fmt: skip
async def test_a_standing_that_makes_no_sense_is_left_out(
    fleet: Fleet, serve: Serve, console: Open, standing: object
) -> None:
    fleet.ask(verdict={"standing": standing}, radius='{"words": 5, "unmeasured": ["x"]}')
    async with console() as glass:
        await glass.sees("pushes 3 commits")
        await glass.press("enter")
        await glass.sees("bound to")
        assert "\x1b" not in glass.text and "denials" not in glass.text


def three(fleet: Fleet, **words: object) -> None:
    for n in range(3):
        fleet.ask(alike="same", agent=f"web-{n}", input={"command": f"git push origin v{n}"}, **words)


@pytest.mark.parametrize("size", SIZES)
async def test_equal_questions_are_one_row_that_unfolds(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    three(fleet)
    fleet.ask(alike="", verdict={"does": "stands alone"})
    async with console(size=size) as glass:
        await glass.sees("live")
        assert "×3 pushes 3 commits" in glass.row and "3 agents" in glass.row and "1 Needs me 4" in glass.text
        assert "a approve all 3" in glass.keys or "(a approve all 3)" in glass.keys
        await glass.press("right")
        await glass.until(lambda: glass.text.count("└") == 3)
        await glass.press("j", "j")
        assert "web-1" in glass.row
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0002")
        assert [one["escalation"] for one in serve.acts("approve")] == ["esc-0002"]
        await glass.press("k")
        await glass.until(lambda: "×2" in glass.text)
        await glass.press("g", "left")
        await glass.until(lambda: "└" not in glass.text)
        await glass.press("enter")
        await glass.until(lambda: glass.text.count("└") == 2)


@pytest.mark.parametrize("size", SIZES)
async def test_all_are_read_then_their_number_is_typed(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int]
) -> None:
    three(fleet)
    async with console(size=size) as glass:
        await glass.sees("live")
        await glass.press("a")
        await glass.sees("1 of 3 · esc-0001")
        assert serve.acts("approve_alike") == []
        await glass.rest()
        for _ in range(4):
            await glass.press("space")
        assert "3 of 3 · esc-0003" in glass.text and "git push origin v2" in glass.text
        await glass.press("a")
        await glass.sees("type 3:")
        await glass.rest()
        await glass.press("y", "enter")
        assert "type 3 exactly" in glass.keys
        await glass.press("backspace", "3", "enter")
        await glass.sees("approving esc-0001 and 2 more")
        sent = serve.acts("approve_alike")[0]
        assert [one["id"] for one in sent["members"]] == ["esc-0001", "esc-0002", "esc-0003"]
        assert [one["digest"] for one in sent["members"]] == [fleet.get(f"esc-000{n}").digest for n in (1, 2, 3)]
        await glass.press("u")
        await glass.sees("taken back: esc-0001 and 2 more wait again")
        assert [fleet.get(f"esc-000{n}").state for n in (1, 2, 3)] == ["pending"] * 3


async def test_a_long_group_is_scrolled_to_its_end_first(fleet: Fleet, serve: Serve, console: Open) -> None:
    for n in range(12):
        fleet.ask(alike="same", input={"command": f"rm -rf build{n}"})
    async with console() as glass:
        await glass.sees("×12")
        await glass.press("a")
        await glass.rest()
        await glass.press("a")
        assert "read what each of them would run to its end first" in glass.status
        assert glass.app.floor.asking is None


async def test_all_are_denied_at_once_and_esc_denies_none(fleet: Fleet, serve: Serve, console: Open) -> None:
    three(fleet)
    async with console() as glass:
        await glass.sees("live")
        await glass.press("d")
        await glass.sees("deny all 3")
        await glass.sees("1 of 3 · esc-0001")
        await glass.press("escape")
        assert "nothing was decided" in glass.status and serve.acts("deny_alike") == []
        await glass.press("d")
        await glass.type("not now")
        await glass.press("enter")
        await glass.sees("3 are denied")
        assert serve.acts("deny_alike")[0]["reason"] == "not now"
        assert {fleet.get(f"esc-000{n}").state for n in (1, 2, 3)} == {"denied"}


async def test_a_member_that_changes_must_be_read_again(fleet: Fleet, serve: Serve, console: Open) -> None:
    three(fleet)
    async with console() as glass:
        await glass.sees("live")
        await glass.press("a", "space", "space")
        await glass.rest()
        fleet.change(fleet.get("esc-0002"), digest="e" * 64, input=json.dumps({"command": "rm -rf /"}))
        await glass.until(lambda: glass.app.floor.stage.group[1].row.digest == "e" * 64)
        await glass.press("a")
        assert glass.app.floor.asking is None
        fleet.change(fleet.get("esc-0001"), state="denied", decided_by="mia")
        await glass.sees("2 alike")


@pytest.mark.parametrize(
    ("words", "says"),
    [({"verdict": {"approvers": 2}}, "needs 2 people: decide it by itself"), ({"tier": 4}, "tier 4")],
)
async def test_some_are_not_decided_together(
    fleet: Fleet, serve: Serve, console: Open, words: dict[str, object], says: str
) -> None:
    three(fleet, **{name: dict(value) if isinstance(value, dict) else value for name, value in words.items()})
    async with console(size=(120, 40)) as glass:
        await glass.sees("×3")
        assert "(a approve all 3)" in glass.keys
        await glass.press("a")
        await glass.rest()
        await glass.press("a")
        assert says in glass.status
        assert serve.acts("approve_alike") == []


async def test_together_in_production_the_target_is_typed_too(fleet: Fleet, serve: Serve, console: Open) -> None:
    for _ in range(2):
        fleet.ask(alike="same", verdict={"confirm": "type", "target": "prod-eu"})
    async with console(size=(120, 40)) as glass:
        await glass.sees("×2")
        await glass.press("a")
        await glass.rest()
        await glass.press("a")
        await glass.sees("type prod-eu:")
        await glass.rest()
        await glass.type("prod-eu")
        await glass.press("enter")
        await glass.sees("type 2:")
        await glass.press("escape")
        assert serve.acts("approve_alike") == []


def test_only_what_waits_is_gathered(fleet: Fleet) -> None:
    from sreconsole.console.question import Question

    rows = [fleet.ask(alike=alike, state=state, kind=kind) for alike, state, kind in (
        ("a", "pending", "tool"), ("b", "pending", "tool"), ("a", "pending", "tool"), ("a", "held", "tool"), ("", "pending", "tool"),
        ("", "pending", "tool"), ("a", "pending", "question"))]  # fmt: skip
    groups = gathered(Question(row) for row in rows)
    assert [[one.row.n for one in group] for group in groups] == [[1, 3], [2], [4], [5], [6], [7]]


async def test_later_refuses_now_and_is_allowed_once(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        await glass.press("l", "enter")
        await glass.sees("esc-0001 is refused for now")
        sent = serve.acts("later")[0]
        assert sent["reason"] == "not now; it may be allowed later" and sent["digest"] == fleet.get("esc-0001").digest
        await glass.press("2")
        await glass.until(lambda: "a allow once" in glass.keys)
        await glass.rest()
        await glass.press("a")
        await glass.sees("allow esc-0001 once")
        await glass.press("y", "enter")
        assert serve.acts("allow_later") == []
        await glass.rest()
        await glass.press("enter")
        await glass.sees("gr-0001: esc-0001 may run once")
        assert serve.acts("allow_later")[0]["escalation"] == "esc-0001"


async def test_later_is_not_for_tier_four_nor_questions(fleet: Fleet, serve: Serve, console: Open) -> None:
    fleet.ask(tier=4)
    fleet.ask(kind="question", choices='[{"question": "q", "options": ["a"]}]', verdict={"does": ""})
    async with console() as glass:
        await glass.sees("live")
        await glass.press("l")
        assert "nobody can allow it later either" in glass.status
        await glass.press("j", "l")
        assert "is a question: answer it, or deny it" in glass.status
        assert serve.acts("later") == []


@pytest.mark.parametrize("size", SIZES)
async def test_edited_arguments_are_shown_and_then_held(
    fleet: Fleet, serve: Serve, console: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = fleet.ask()
    async with console(size=size) as glass:
        await glass.sees("live")
        monkeypatch.setattr(glass.app.looks, "by_hand", lambda text, name: text.replace("origin main", "origin next"))
        await glass.press("e")
        await glass.sees("esc-0001 EDITED")
        assert "−   git push origin main" in glass.text and "+   git push origin next" in glass.text
        assert "    publish" in glass.text
        await glass.press("a")
        assert "came under your finger just now" in glass.status
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")
        sent = serve.acts("approve")[0]
        assert sent["answer"] == {"input": {"command": "git push origin next", "description": "publish"}}
        assert (sent["digest"], sent["hold"]) == (row.digest, 3.0)
        await glass.until(lambda: glass.app.floor.stage.current.name == "home")
        await glass.press("e")
        assert "is approved by" in glass.status or "held" in glass.status


async def test_esc_leaves_an_edit_alone(
    fleet: Fleet, serve: Serve, console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.ask()
    async with console() as glass:
        await glass.sees("live")
        monkeypatch.setattr(glass.app.looks, "by_hand", lambda text, name: text.replace("main", "next"))
        await glass.press("enter", "e")
        await glass.sees("EDITED")
        await glass.press("escape")
        await glass.until(lambda: glass.app.floor.card() is not None and "EDITED" not in glass.text)
        await glass.rest()
        await glass.press("a")
        await glass.sees("approving esc-0001")
        assert "answer" not in serve.acts("approve")[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"command": "ls"}', "nothing was changed"), ('{"command": "ls",}', "line 1 is not JSON"), ("", "line 1 is not JSON"),
        ("[]", "must stay a JSON object"), ('{"command": NaN}', "NaN is not JSON"), ("[" * 100_000, "nested too deep"),
        ('{"command": "curl -H [REDACTED:token]"}', "would run as it stands"), ('{"a": 1, "a": 2}', "twice"),
        ('{"command": "' + "x" * 300_000 + '"}', "more than anybody reads"),
    ],
)  # fmt: skip
def test_what_is_not_sent(text: str, says: str) -> None:
    with pytest.raises(NotEdited, match=says):
        edited.read(text, {"command": "ls"})


async def test_why_not_is_said_on_the_screen(
    fleet: Fleet, serve: Serve, console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.ask()
    fleet.ask(input="not json")
    fleet.ask(verdict={"approvers": 2})
    async with console() as glass:
        await glass.sees("live")
        monkeypatch.setattr(glass.app.looks, "by_hand", lambda text, name: text)
        await glass.press("e")
        assert "esc-0001: nothing was changed; nothing was sent" in glass.status
        await glass.press("j", "e")
        assert "cannot be read as JSON" in glass.status
        await glass.press("j", "e")
        assert "must see the same" in glass.status
        assert glass.app.floor.stage.current.name == "home"


async def test_a_terminal_that_cannot_be_lent_says_so(
    fleet: Fleet, serve: Serve, console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.ask()
    monkeypatch.setenv("EDITOR", "true")
    async with console() as glass:
        await glass.sees("live")
        await glass.press("e")
        assert "this terminal cannot be lent to an editor" in glass.status


def test_the_file_is_private_and_nothing_of_it_stays(tmp_path: Path) -> None:
    editor = tmp_path / "ed it.py"
    editor.write_text(
        "#!/usr/bin/env python3\nimport os, sys\nfrom pathlib import Path\n"
        "file = Path(sys.argv[1]); mode = oct(file.stat().st_mode & 0o777); over = oct(file.parent.stat().st_mode & 0o777)\n"
        "file.with_suffix('.swp').write_text('left behind')\nfile.write_text(f'{mode} {over} {file.parent.parent} ' + file.read_text())\n"
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "run"
    folder.mkdir()
    before = os.umask(0)
    try:
        text = edited.by_hand("{}", folder, "esc-0001", {**os.environ, "VISUAL": "", "EDITOR": f"'{editor}'"})
    finally:
        os.umask(before)
    assert text == f"0o600 0o700 {folder} {{}}"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("named", "says"), [("no-such-editor", "there is no editor no-such-editor"), ("false", "false ended with 1"), ("'", "there is")]
)  # fmt: skip
def test_an_editor_that_fails_sends_nothing(tmp_path: Path, named: str, says: str) -> None:
    with pytest.raises(NotEdited, match=says):
        edited.by_hand("{}", tmp_path, "x", {**os.environ, "VISUAL": named})
    assert list(tmp_path.iterdir()) == []


TEXTS = st.text(st.sampled_from('vimexVIM:=<7 -*Local Variables\\"\n\x1b\u202eé日{}'))


@given(st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS) | st.integers(), max_size=4))
def test_what_is_spelt_out_is_harmless_and_reads_back_the_same(arguments: dict[str, object]) -> None:
    text = edited.spelt(arguments)
    assert text.isascii() and all(char.isprintable() or char == "\n" for char in text)
    assert not re.search(r"(?im)(^|\s)(vim?[<=>]?\d*|ex):", text)
    assert "-*-" not in text and "Local Variables" not in text
    assert json.loads(text) == arguments


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_a_difference_holds_both(old: dict[str, str], new: dict[str, str]) -> None:
    lines = edited.difference(old, new)
    assert [text for mark, _, text in lines if mark != "+"] == edited._lines(old)
    assert [text for mark, _, text in lines if mark != "−"] == edited._lines(new)


@pytest.mark.torture
def test_the_terminal_is_lent_to_an_editor_and_comes_back(fleet: Fleet, serve: Serve) -> None:
    fleet.ask()
    program = (
        "import sys; from pathlib import Path; from sreconsole import paths; from sreconsole.console import open_console; "
        "sys.exit(open_console(paths.at(Path(sys.argv[1])), start_serve=False))"
    )
    env = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LC_ALL": "C.UTF-8",
        "VISUAL": "",
        "EDITOR": "sed -i s/main/next/",
    }
    with TtyApp([sys.executable, "-c", program, str(fleet.home.config)], size=(80, 24), env=env) as app:
        assert app.wait(lambda: "live" in app.text() and "esc-0001" in app.text(), 20) is not None
        app.send("e")
        assert app.wait(lambda: "EDITED" in app.text() and "origin next" in app.text(), 10) is not None, app.text()
        app.settle(0.7, 3)
        app.send("a")
        assert app.wait(lambda: "approving esc-0001" in app.text(), 5) is not None, app.text()
    assert serve.acts("approve")[0]["answer"]["input"]["command"] == "git push origin next"
    assert not list(fleet.home.runtime.glob("edit-*"))
