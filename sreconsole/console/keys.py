"""THE table of keys: footer, `?`, palette, `:` commands and docs/keys.md are all made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Danger(StrEnum):
    """What a key costs before it does something."""

    NONE = "at once"
    REASON = "asks for a reason, enter sends"
    BOUNDS = "asks for its bounds, then decides"
    HELD = "held first, so that it can be taken back"
    TYPED = "type it to go on"
    EDITED = "opens your editor, shows the difference, then held"


@dataclass(frozen=True, slots=True)
class Key:
    """One thing a key does: `id` is its name for remapping and `:`; `on` the screens where it lives.

    `keys` are Textual's names, the first is shown. `twin` is the command line that does the same; `short` its word
    in the footer (empty: not shown there).
    """

    id: str
    keys: tuple[str, ...]
    on: tuple[str, ...]
    words: str
    short: str = ""
    danger: Danger = Danger.NONE
    twin: str = ""


LISTS = ("home", "escalations", "log", "agents", "grants", "reviews")
PAGES = ("card", "change", "together", "event", "review", "plain")
MENUS = ("help", "palette")
EVERYWHERE = (*LISTS, *PAGES, *MENUS)
ASKING = ("home", "escalations", "card")
LANE = ("reviews", "review")

FORBIDDEN = ("ctrl+b", "ctrl+a", "ctrl+j", "ctrl+s", "ctrl+enter")
"""Owned by multiplexers or flow control, or not sent by many terminals; `alt+` anything as well."""

KEYS = (
    Key("approve", ("a",), (*ASKING, "change", "together"), "approve what is shown; the agent goes on after the hold",
        "approve", Danger.HELD, "sreconsole escalations approve ID"),
    Key("deny", ("d",), (*ASKING, "together"), "deny what is shown, with a reason the agent reads", "deny", Danger.REASON,
        "sreconsole escalations deny ID --reason TEXT"),
    Key("undo", ("u",), (*ASKING, "change", "together"), "take an approval back while it is held", "undo",
        twin="sreconsole escalations approve ID --undo"),
    Key("grant", ("A",), ASKING, "approve this and its like for a bounded time and number of uses", "bound…",
        Danger.BOUNDS, "sreconsole escalations grant ID --target PATTERN --minutes N --uses N"),
    Key("edit", ("e",), ASKING, "edit the arguments, then approve; a question: answer in your own words", "edit",
        Danger.EDITED, "sreconsole escalations approve ID --edit"),
    Key("later", ("l",), ASKING, "refuse now; approve under Escalations then allows it once", "later", Danger.REASON,
        "sreconsole escalations later ID --reason TEXT"),
    Key("break-glass", ("B",), ASKING, "approve alone what needs two people; it pages and is audited", "",
        Danger.TYPED, "sreconsole escalations approve ID --break-glass --reason TEXT"),
    Key("release", ("r",), ("home", "agents"), "let a parked session ask again", "release", Danger.REASON,
        "sreconsole sessions release ID"),
    Key("revoke", ("x",), ("grants",), "end a grant now", "revoke", Danger.REASON, "sreconsole grants revoke ID"),
    Key("choose", ("1", "2", "3", "4", "5", "6", "7", "8", "9"), ("card",), "pick or drop that choice of a question",
        "choose"),
    Key("next-question", ("tab",), ("card",), "go to the next question of several"),
    Key("ok", ("o",), LANE, "this one is fine", "ok", twin="sreconsole reviews ok ID"),
    Key("ok-all", ("O",), LANE, "all of this rule are fine, read or not", "ok all", Danger.TYPED,
        "sreconsole reviews ok --rule RULE"),
    Key("flag", ("f",), LANE, "this should not have happened; somebody follows it up", "flag", Danger.REASON,
        "sreconsole reviews flag ID --reason TEXT"),
    Key("read", ("space",), ("reviews",), "read one in full", "read"),
    Key("unfold", ("right", "plus"), ("home",), "show each of several equal questions"),
    Key("fold", ("left", "minus"), ("home",), "show equal questions in one row again"),
    Key("open", ("enter",), (*LISTS, *MENUS), "open what is chosen", "open"),
    Key("back", ("escape",), EVERYWHERE, "go back; never decides anything", "back"),
    Key("quit", ("q",), EVERYWHERE, "leave this screen; on a tab, leave the console"),
    Key("leave", ("ctrl+c",), EVERYWHERE, "twice: leave the console from anywhere"),
    Key("down", ("j", "down"), EVERYWHERE, "one down"),
    Key("up", ("k", "up"), EVERYWHERE, "one up"),
    Key("half-down", ("ctrl+d", "pagedown"), EVERYWHERE, "half a screen down"),
    Key("half-up", ("ctrl+u", "pageup"), EVERYWHERE, "half a screen up"),
    Key("peek-down", ("space",), ("home", "escalations", "log", "agents", "grants"),
        "scroll the peek on, and round to its top", "peek"),
    Key("page-down", ("space",), PAGES, "a screen down", "down"),
    Key("top", ("g", "home"), EVERYWHERE, "to the first"),
    Key("bottom", ("G", "end"), EVERYWHERE, "to the last"),
    Key("next", ("n",), ("home", "escalations", "card"), "the next that waits", "next"),
    Key("previous", ("N",), ("home", "escalations", "card"), "the one before that waits"),
    Key("filter", ("slash",), (*LISTS, *MENUS), "filter: words, and state: agent: kind: session: severe", "filter"),
    Key("follow", ("f",), ("log",), "follow the newest, or stop", "follow"),
    Key("raw", ("R",), ("card",), "the whole redacted input as JSON, and back", "raw"),
    Key("trail", ("L",), ("card",), "the fleet log of this session", "log"),
    Key("copy", ("y",), (*LISTS, *PAGES), "send what is shown to the terminal's clipboard (OSC 52)"),
    Key("plain", ("ctrl+l",), (*LISTS, *PAGES), "the same as plain text over the whole screen, to select by hand"),
    Key("home", ("1",), LISTS, "Needs me: what waits for a human"),
    Key("escalations", ("2",), LISTS, "Escalations: every question, in every state",
        twin="sreconsole escalations list"),
    Key("log", ("3",), LISTS, "Fleet log", twin="sreconsole log"),
    Key("agents", ("4",), LISTS, "Agents and their sessions", twin="sreconsole agents list"),
    Key("grants", ("5",), LISTS, "Grants", twin="sreconsole grants list"),
    Key("reviews", ("6",), LISTS, "Reviews: what ran without asking, to be looked at later",
        twin="sreconsole reviews list"),
    Key("command", ("colon",), (*LISTS, *PAGES), "type a command; tab completes"),
    Key("palette", ("ctrl+p",), (*LISTS, *PAGES), "every command, as a list to search"),
    Key("help", ("question_mark", "f1"), (*LISTS, *PAGES), "every key of this screen, as a list to search", "help"),
    Key("mouse", ("M",), EVERYWHERE, "mouse on or off (off gives the terminal's own selection back)"),
    Key("theme", (), LISTS, "choose a theme: `:theme NAME`", twin="sreconsole themes list"),
)  # fmt: skip

SHOWN = {
    "slash": "/", "colon": ":", "question_mark": "?", "escape": "esc", "ctrl+p": "ctrl-p", "ctrl+l": "ctrl-l",
    "ctrl+c": "ctrl-c", "ctrl+d": "ctrl-d", "ctrl+u": "ctrl-u", "f1": "F1", "pagedown": "page down",
    "pageup": "page up", "right": "→", "left": "←", "plus": "+", "minus": "-",
}  # fmt: skip


class BadKeymap(Exception):
    """A keymap that names an unknown id, a forbidden key or one key twice; one line says which."""


class Keyboard:
    """The table with a user's changes applied."""

    def __init__(self, changes: Mapping[str, str] | None = None) -> None:
        """`changes` maps ids to keys, several separated by commas. Raises BadKeymap."""
        self.keys = tuple(_remapped(KEYS, changes or {}))
        for problem in problems(self.keys):
            raise BadKeymap(problem)
        self._by_key = {(screen, key): one for one in self.keys for screen in one.on for key in one.keys}

    def find(self, screen: str, key: str) -> Key | None:
        """What a key does on a screen."""
        return self._by_key.get((screen, key))

    def named(self, id: str) -> Key | None:
        """The entry of that id."""
        return next((one for one in self.keys if one.id == id), None)

    def of(self, screen: str) -> list[Key]:
        """Everything that can be done on a screen, in the table's order."""
        return [one for one in self.keys if screen in one.on]

    def shown(self, id: str) -> str:
        """How the first key of an entry is written."""
        one = self.named(id)
        return written(one.keys[0]) if one and one.keys else f":{id}"


def written(key: str) -> str:
    """A key as a person reads it."""
    return SHOWN.get(key, key)


def problems(keys: Iterable[Key]) -> list[str]:
    """What is wrong with a table: clashes on one screen and forbidden keys, one line each."""
    found, taken = list[str](), dict[tuple[str, str], str]()
    for one in keys:
        for key in one.keys:
            if key in FORBIDDEN or key.startswith("alt+"):
                found.append(f"keys.{one.id}: {key} does not reach every terminal; choose another")
            for screen in one.on:
                other = taken.setdefault((screen, key), one.id)
                if other != one.id:
                    found.append(f"keys.{one.id}: {key} is already {other} on {screen}; choose another")
    return found


def _remapped(keys: tuple[Key, ...], changes: Mapping[str, str]) -> list[Key]:
    known = {one.id for one in keys}
    for id in changes:
        if id not in known:
            raise BadKeymap(f"keys.{id}: there is no such command; `?` lists them")
        if not isinstance(changes[id], str) or not changes[id].strip():
            raise BadKeymap(f'keys.{id}: wants one or more keys in quotes, such as "Y" or "y, ctrl+y"')
    named = {word: key for key, word in SHOWN.items()}
    return [
        replace(one, keys=tuple(named.get(key.strip(), key.strip()) for key in changes[one.id].split(",")))
        if one.id in changes
        else one
        for one in keys
    ]


def document() -> str:
    """docs/keys.md, made from the table."""
    parts = [
        "# Keys",
        "",
        "Made from `sreconsole/console/keys.py` by `python -m sreconsole.console.keys`; do not edit it here.",
        "",
        "Every entry can be given other keys by its id in `config.toml`:",
        "",
        "```toml",
        "[keys]",
        'approve = "Y"',
        'down = "j, down, ctrl+n"',
        "```",
        "",
        f"Never used, as terminals and multiplexers keep them: {', '.join(f'`{key}`' for key in FORBIDDEN)}, `alt`.",
    ]
    for screen in EVERYWHERE:
        parts += ["", f"## On {screen}", "", "| key | id | does | costs | command line |", "|---|---|---|---|---|"]
        for one in (one for one in KEYS if screen in one.on):
            shown = " ".join(f"`{written(key)}`" for key in one.keys) or f"`:{one.id}`"
            twin = f"`{one.twin}`" if one.twin else ""
            parts.append(f"| {shown} | {one.id} | {one.words} | {one.danger} | {twin} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(document(), end="")
