"""What the settings hold: ours go in and come out, everything else stays as and where it was."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sreconsole.gate.wiring import (
    EVENTS,
    GATES,
    LONGEST_WAIT,
    MATCHED,
    WAITS,
    Odd,
    Wire,
    ours,
    parts,
    unwired,
    wired,
    wirings,
)

WIRE = Wire(Path("/usr/bin/python3.11"), Path("/v/hooks/sreconsole-hook-1.pyc"), Path("/run/s/hook.sock"), 991)
OTHER = Wire(Path("/opt/py/bin/python3"), Path("/my home/hooks/sreconsole-hook-12.py"), Path("/run/a b/hook.sock"), 0)

words = st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
events = st.sampled_from([*EVENTS, "MessageDisplay", "NoSuchEvent"]) | words
commands = words | st.sampled_from(["echo hi", "cat sreconsole-hook-1.py", "python3 /x/sreconsole-hook-1.py", 'a "b'])
hooks = st.fixed_dictionaries(
    {"type": st.just("command"), "command": commands}, optional={"timeout": st.integers(1, 600)}
)
entries = st.fixed_dictionaries({"hooks": st.lists(hooks, max_size=3)}, optional={"matcher": words}) | values
well_shaped = st.dictionaries(events, st.lists(entries, max_size=3), max_size=5)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Settings with anything in them, hooks anywhere between the other keys."""
    items = list(draw(st.dictionaries(words, values, max_size=4)).items())
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), ("hooks", draw(well_shaped)))
    return dict(items) if len({key for key, _ in items}) == len(items) else dict(items[:1])


def meaning(value: dict[str, Any]) -> dict[str, Any]:
    """Settings without lists of hooks that hold nothing: they say nothing."""
    left = {key: one for key, one in value.items() if key != "hooks"}
    found = value.get("hooks")
    if isinstance(found, dict):
        found = {event: one for event, one in found.items() if one != [] or event not in EVENTS}
    return {**left, **({"hooks": found} if found not in ({}, None) or (found is None and "hooks" in value) else {})}


@settings(max_examples=300)
@given(documents())
def test_what_goes_in_comes_out(document: dict[str, Any]) -> None:
    if not isinstance(document.get("hooks", {}), dict):
        return
    before = copy.deepcopy(document)
    try:
        after = wired(document, WIRE, "claude-code")
    except Odd:
        assert any(not isinstance(document["hooks"].get(event, []), list) for event in EVENTS)
        return
    assert document == before, "the settings given are not touched"
    assert meaning(unwired(after)) == meaning(document)
    assert json.dumps(meaning(unwired(after))) == json.dumps(meaning(document)), "in the order they were in"


@settings(max_examples=200)
@given(documents())
def test_a_second_install_changes_nothing(document: dict[str, Any]) -> None:
    try:
        once = wired(document, WIRE, "claude-code")
    except Odd:
        return
    assert json.dumps(wired(once, WIRE, "claude-code")) == json.dumps(once)


@settings(max_examples=200)
@given(documents())
def test_another_install_takes_the_place_of_the_first(document: dict[str, Any]) -> None:
    try:
        again = wired(wired(document, OTHER, "claude-code"), WIRE, "claude-code")
    except Odd:
        return
    assert wirings(again) == {event: [WIRE.command("claude-code", event)] for event in EVENTS}
    assert again == wired(document, WIRE, "claude-code")


@given(documents())
def test_settings_without_ours_are_left_alone(document: dict[str, Any]) -> None:
    assert unwired(document) == document
    assert list(unwired(document)) == list(document)


@given(values)
def test_hooks_of_any_shape_never_crash_and_never_lose_a_thing(odd: Any) -> None:
    document = {"model": "opus", "hooks": odd}
    assert unwired(document) == document
    assert wirings(document) == {}
    if not isinstance(odd, dict):
        with pytest.raises(Odd, match=r"hooks: is .*, must be an object of events"):
            wired(document, WIRE, "claude-code")


@pytest.mark.parametrize("odd", [None, True, 3, 1.5, "x", {}, {"hooks": []}])
def test_an_event_that_is_no_list_is_refused_by_name(odd: Any) -> None:
    with pytest.raises(Odd, match=r"hooks\.PreToolUse: is .*, must be a list"):
        wired({"hooks": {"PreToolUse": odd}}, WIRE, "claude-code")


def test_an_odd_event_we_do_not_need_is_kept() -> None:
    document = {"hooks": {"MessageDisplay": "later", "Stop": [{"hooks": "later"}]}}
    after = wired(document, WIRE, "claude-code")
    assert after["hooks"]["MessageDisplay"] == "later"
    assert unwired(after) == document


def test_an_entry_shared_with_somebody_else_keeps_theirs() -> None:
    mine, theirs = WIRE.entry("claude-code", "Stop")["hooks"][0], {"type": "command", "command": "say done"}
    assert unwired({"hooks": {"Stop": [{"hooks": [theirs, mine]}]}}) == {"hooks": {"Stop": [{"hooks": [theirs]}]}}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_deadline_of_its_own_before_the_clients(event: str) -> None:
    entry = WIRE.entry("claude-code", event)
    hook = entry["hooks"][0]
    assert int(shlex.split(hook["command"])[8]) < hook["timeout"], "the hook answers before the client gives up"
    assert (entry.get("matcher") == "*") == (event in MATCHED)
    assert (hook.get("onFailure") == "block") == (event in GATES)
    assert hook["command"].endswith("exit 2; }") == (event in GATES)
    assert (hook["timeout"] == LONGEST_WAIT) == (event in WAITS)


@pytest.mark.parametrize("wire", [WIRE, OTHER])
@pytest.mark.parametrize("event", EVENTS)
def test_a_command_says_what_it_has_baked_in(wire: Wire, event: str) -> None:
    assert parts(wire.command("claude-code", event)) == wire
    assert ours({"type": "command", "command": wire.command("claude-code", event)})


@pytest.mark.parametrize(
    "command",
    [
        "", "echo sreconsole-hook-1.py", "vim /v/hooks/sreconsole-hook-1.py", "/usr/bin/python3 -I -S /x/other.py a b 0 c d 1",
        "python3 -I -S sreconsole-hook-1.py", "'unclosed sreconsole-hook-1.py", "p -I -S /x/my-sreconsole-hook-1.py s 0 c e 1",
        "p -I -S /x/sreconsole-hook-1.py s zero claude-code Stop 1", "p -I -S /x/sreconsole-hook-x.py s 0 c e 1",
    ],
)  # fmt: skip
def test_a_command_that_only_names_our_file_is_somebody_elses(command: str) -> None:
    assert not ours({"type": "command", "command": command})


@pytest.mark.parametrize(
    "hook", [None, 1, "x", [], {}, {"command": None}, {"command": ["sreconsole-hook-1.py"]}, {"url": "http://x"}]
)
def test_a_hook_of_another_kind_is_somebody_elses(hook: Any) -> None:
    assert not ours(hook)
