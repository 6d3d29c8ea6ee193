"""The command line as a whole: every word documented, quick to start, completed by the shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from hand import Hand
from house import ROOT, House

from sreconsole.cli import man
from sreconsole.cli.app import run
from sreconsole.cli.man import Entry, entries

ALL = entries()
HEAVY = ("textual", "rich", "httpx", "keyring", "pydantic", "sqlite_utils", "yaml", "sreconsole.serve.daemon")
OWN = ("serve", "agents", "escalations", "log", "emit", "grants", "policy", "sessions", "pages", "man")
SOURCES = "\n".join(path.read_text() for path in sorted((ROOT / "tests/cli").glob("test_cli_*.py")))


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.words)
def test_every_command_has_help(entry: Entry, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*entry.words.split()[1:], "--help"]) == 0
    out = capsys.readouterr().out
    assert entry.says.split()[0] in out
    assert "╭" not in out, "help is plain text"
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.words)
def test_every_command_says_what_it_does(entry: Entry) -> None:
    assert entry.says.strip().endswith((".", "?")), entry.words
    for one in entry.parameters:
        assert one.says, f"{entry.words}: {one.name} has no help"


@pytest.mark.parametrize(
    "entry", [one for one in ALL if one.words.split()[-1] == "list"], ids=lambda entry: entry.words
)
def test_every_listing_takes_json(entry: Entry) -> None:
    assert "--json" in [one.name for one in entry.parameters]


@pytest.mark.parametrize("name", ["cli.md", "sreconsole.1"])
def test_the_generated_pages_are_current(name: str) -> None:
    stored = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert stored == man.pages()[name], "stale; run: python -m sreconsole.cli.man --write"


def test_the_pages_name_every_command() -> None:
    pages = man.pages()
    for entry in ALL:
        assert f" {entry.words}\n" in pages["cli.md"]
        assert entry.group or f".SS {entry.words}\n" in pages["sreconsole.1"]


def test_man_prints_the_page(hand: Hand) -> None:
    done = hand("man")
    assert (done.code, done.out) == (0, man.roff())


def test_the_manual_page_is_sound_troff() -> None:
    import shutil

    if not shutil.which("groff"):
        pytest.skip("groff is not here")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", str(ROOT / "docs/sreconsole.1")], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"sreconsole escalations approve" in re.sub(b".\x08", b"", done.stdout)


def test_stale_pages_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(man, "DOCS", tmp_path / "docs")
    assert man.main([]) == 1
    assert "docs/cli.md is stale" in capsys.readouterr().err
    assert man.main(["--write"]) == 0
    assert man.main([]) == 0


@pytest.mark.parametrize(
    "command",
    [["--help"], ["--version"], ["escalations", "list"], ["escalations", "show", "1", "--json"], ["log", "word"], ["sessions", "list"], ["emit", "x.y"],
     ["escalations", "--help"], ["nonsense"]],
    ids=" ".join,
)  # fmt: skip
def test_nothing_heavy_is_loaded(hand: Hand, command: list[str]) -> None:
    hand.asked()
    loaded = _loaded(hand.house, f"run({command!r})")
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("command", [[], ["--read-only"], ["--theme=day"]], ids=" ".join)
def test_the_console_waits_for_no_command(fleet: House, command: list[str]) -> None:
    loaded = _loaded(fleet, f"console.open_console = lambda home, **words: 0; assert run({command!r}) == 0")
    assert [name for name in ("typer", "click", *HEAVY) if name in loaded] == []


def _loaded(house: House, act: str) -> set[str]:
    """The modules in a fresh interpreter after an act."""
    script = f"import sys, json, sreconsole.console as console\nfrom sreconsole.cli.app import run\n{act}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=house.environment, capture_output=True, text=True, timeout=30, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("command", "opened"),
    [
        ([], {}),
        (["--read-only"], {"read_only": True}),
        (["--theme", "day"], {"theme": "day"}),
        (["--theme=day", "--read-only"], {"theme": "day", "read_only": True}),
        (["--database", "/x/fleet.db"], {"database": "/x/fleet.db"}),
        (["--database=/x/fleet.db", "--theme", "night"], {"database": "/x/fleet.db", "theme": "night"}),
    ],
)
def test_alone_it_opens_the_console(
    hand: Hand, monkeypatch: pytest.MonkeyPatch, command: list[str], opened: dict[str, object]
) -> None:
    import sreconsole.console

    seen: dict[str, object] = {}

    def show(home: object, **words: object) -> int:
        seen.update(words, home=home)
        return 7

    monkeypatch.setattr(sreconsole.console, "open_console", show, raising=False)
    assert hand(*command).code == 7
    found = {name: str(value) if name == "database" and value else value for name, value in seen.items()}
    assert found == {"home": hand.house.home, "read_only": False, "database": None, "theme": None, **opened}


def test_the_console_gets_the_keys_of_the_configuration(empty: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    import sreconsole.console

    seen: dict[str, object] = {}
    monkeypatch.setattr(
        sreconsole.console, "open_console", lambda home, **words: seen.update(words) or 0, raising=False
    )
    empty.house.home.settings.write_text('[console]\nkeys = { approve = "y" }\n')
    assert empty().code == 0
    assert seen["keymap"] == {"approve": "y"}
    empty.house.home.settings.write_text("[console]\nkeys = 7\n")
    wrong = empty()
    assert (wrong.code, "console.keys" in wrong.err) == (2, True)


def test_the_consoles_options_take_no_command(hand: Hand) -> None:
    for command in (["--read-only", "log"], ["--theme", "day", "escalations", "list"], ["--database", "/x", "man"]):
        done = hand(*command)
        assert (done.code, "open the console" in done.err) == (2, True)


def test_a_word_whose_module_is_not_there_is_absent(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    from sreconsole.cli import words

    monkeypatch.setattr(words, "WORDS", (*words.WORDS, "teleport"))
    assert "teleport" not in hand("--help").out
    done = hand("teleport")
    assert (done.code, "No such command" in done.err) == (2, True)


def test_a_module_may_hold_one_function(monkeypatch: pytest.MonkeyPatch, hand: Hand) -> None:
    import types

    from sreconsole.cli import words

    def command(rest: list[str]) -> None:
        """Say it again."""
        print(" ".join(rest))

    module = types.ModuleType("sreconsole.cli.parrot")
    module.command, module.CONTEXT = command, {"ignore_unknown_options": True}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sreconsole.cli.parrot", module)
    monkeypatch.setattr(words, "WORDS", (*words.WORDS, "parrot"))
    assert hand("parrot", "--", "a", "--b").out == "a --b\n"
    assert hand("parrot", "--help").code == 0


def _complete(house: House, line: str, **more: str) -> list[str]:
    """What bash would offer for a line."""
    words = line.split(" ")
    environment = {
        **house.environment,
        "_SRECONSOLE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-m", "sreconsole"], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_words_and_ids(hand: Hand) -> None:
    e = hand.asked()
    assert "escalations" in _complete(hand.house, "sreconsole esc")
    assert set(_complete(hand.house, "sreconsole escalations ")) >= {"list", "show", "approve", "deny", "grant"}
    assert e.id in _complete(hand.house, "sreconsole escalations approve ")
    assert e.id in _complete(hand.house, f"sreconsole escalations approve {e.id[:6]}")
    assert "--json" in _complete(hand.house, "sreconsole log --")


def test_completion_never_fails_and_never_starts_serve(empty: Hand) -> None:
    assert _complete(empty.house, "sreconsole escalations approve ") == []
    empty.house.home.store.write_bytes(b"not a database at all" * 100)
    assert _complete(empty.house, "sreconsole sessions show ") == []
    assert not empty.house.home.operator_socket.exists()


def test_completion_offers_nothing_hostile(hand: Hand) -> None:
    hand.ran("\x1b[2J$(reboot)")
    hand.ran("a b;c")
    hand.ran("plain-1")
    offered = _complete(hand.house, "sreconsole sessions show ")
    assert "plain-1" in offered
    assert not [one for one in offered if "\x1b" in one or ";" in one]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_made(hand: Hand, shell: str) -> None:
    done = hand.process(env={"_SRECONSOLE_COMPLETE": f"source_{shell}"})
    assert "_SRECONSOLE_COMPLETE" in done.out


@pytest.mark.parametrize(
    "entry", [one for one in ALL if not one.group and one.words.split()[1] in OWN], ids=lambda entry: entry.words
)
def test_every_command_of_this_room_is_tested(entry: Entry) -> None:
    quoted = [f'"{word}"' for word in entry.words.split()[1:]]
    assert [word for word in quoted if word not in SOURCES] == []


def test_a_process_without_a_home_folder_says_so() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "SRECONSOLE_HOME")}
    done = subprocess.run([sys.executable, "-m", "sreconsole", "log"], env={**environment, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"},
                          capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
