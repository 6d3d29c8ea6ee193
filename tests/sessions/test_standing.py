"""What a session is doing: every source, in their order, and what a log can and cannot say."""

import pytest
from story import MINUTE, SECOND, Story

from sreconsole.sessions.record import Errored, Returned
from sreconsole.sessions.session import Session
from sreconsole.sessions.standing import (
    ENDED,
    Hooks,
    Process,
    Question,
    Registry,
    end_word,
    standing,
    thread_standing,
)

ALIVE, GONE = Process(True, 0), Process(False, 0)


def word(story: Story, **known: object) -> tuple[str, str]:
    said = standing(story.session, story.now, **known)  # type: ignore[arg-type]
    return said.word, said.source


def test_nothing_heard_is_unknown() -> None:
    said = standing(Session(), 0)
    assert (said.word, said.source) == ("unknown", "none")


def test_an_open_turn_runs_and_says_it_is_inferred() -> None:
    story = Story().prompt().answer("thinking")
    said = standing(story.session, story.now)
    assert (said.word, said.source, said.inferred) == ("running", "log", True)


def test_an_ended_turn_waits_for_input_and_later_is_idle() -> None:
    story = Story().prompt().answer("hello").end()
    ended = story.now
    assert word(story) == ("waiting for input", "log")
    said = standing(story.session, story.now + 16 * MINUTE)
    assert (said.word, said.since) == ("idle", ended)


def test_a_turn_without_a_marker_is_over_once_it_is_quiet() -> None:
    story = Story().prompt().answer("hello")
    said = standing(story.session, story.now + 90 * SECOND)
    assert (said.word, said.inferred) == ("waiting for input", True)


@pytest.mark.parametrize(("tool", "after", "expected"), [
    ("Edit", 20 * SECOND, "running"), ("Edit", 31 * SECOND, "waiting for approval"), ("Read", 31 * SECOND, "waiting for approval"),
    ("Bash", 31 * SECOND, "running"), ("Bash", 9 * MINUTE, "running"), ("Bash", 31 * MINUTE, "stuck"), ("mcp__x__y", 11 * MINUTE, "stuck"),
])  # fmt: skip
def test_an_open_call_of_a_quick_tool_waits_for_approval_and_a_shell_may_be_long(
    tool: str, after: int, expected: str
) -> None:
    story = Story().prompt()
    call = story.open(tool, "make", "/a" if tool != "Bash" else "")
    said = standing(story.session, story.now + after)
    assert (said.word, said.source, said.inferred) == (expected, "log", True)
    if expected == "waiting for approval":
        assert (said.question, said.since) == (call, story.now)


def test_a_question_to_a_human_waits_at_once_and_is_no_inference() -> None:
    story = Story().prompt()
    story.open("AskUserQuestion", asks=True)
    said = standing(story.session, story.now + SECOND)
    assert (said.word, said.inferred) == ("waiting for input", False)


def test_where_no_approval_is_ever_asked_an_open_edit_is_no_wait() -> None:
    story = Story("codex")
    story.session.permission = "never"
    story.prompt().open("apply_patch", path="/a")
    assert standing(story.session, story.now + MINUTE).word == "running"


def test_which_subagent_asks_is_said() -> None:
    story = Story().prompt()
    story.open("Agent")
    story.prompt("sub", False, agent="a1").open("Write", path="/a", agent="a1")
    said = standing(story.session, story.now + MINUTE)
    assert (said.word, said.asked_by) == ("waiting for approval", "a1")


def test_background_work_is_not_waited_for() -> None:
    story = Story().prompt()
    story.open("Edit", path="/a", background=True)
    story.end()
    assert word(story.wait(MINUTE)) == ("waiting for input", "log")


def test_silence_without_a_process_is_unknown_never_running() -> None:
    story = Story().prompt()
    story.open("Bash", "make")
    assert word(story.wait(61 * MINUTE)) == ("unknown", "log")


def test_the_process_outranks_what_the_log_says_last() -> None:
    story = Story().prompt()
    story.open("Bash", "make")
    said = standing(story.session, story.now, process=GONE, registry=Registry("busy", story.now, True))
    assert (said.word, said.source, said.why) == ("ended", "process", "died")
    assert standing(Story().prompt().answer().end().session, 0, process=GONE).why == "finished"
    assert standing(Session(), 0, process=GONE).why == "unknown end"
    assert standing(Story().prompt().answer("well").session, 0, process=GONE).why == "exited", "its last word was said"
    assert standing(Story().prompt().answer("well").run("ls").session, 0, process=GONE).why == "died"


def test_a_process_that_gave_up_did_not_die() -> None:
    story = Story().prompt().tell(Errored(Story().now + 5 * SECOND, "", "overloaded", 10, True))
    assert standing(story.session, story.now, process=GONE).why == "gave up"
    assert standing(story.session, story.now).word == "stuck"


@pytest.mark.parametrize(("status", "age", "expected"), [
    ("busy", 0, "running"), ("shell", 0, "running"), ("idle", 0, "waiting for input"), ("idle", 20 * MINUTE, "idle"),
    ("waiting", 0, "waiting for approval"), ("busy", 40 * MINUTE, "stuck"),
])  # fmt: skip
def test_the_registry_is_believed_before_hooks_and_log(status: str, age: int, expected: str) -> None:
    story = Story().prompt()
    story.open("Bash", "make")
    at = story.now
    story.wait(age)
    said = standing(story.session, story.now, registry=Registry(status, at, True), hooks=Hooks("Stop", at))
    assert (said.word, said.source) == (expected, "registry")


def test_a_registry_that_says_idle_over_an_open_question_is_wrong() -> None:
    story = Story().prompt()
    asked = Hooks("PreToolUse", story.now, questions=(Question("esc-1", story.now, "a7", "drop table"),))
    said = standing(story.session, story.now, registry=Registry("idle", story.now, True), hooks=asked)
    assert (said.word, said.source, said.question, said.asked_by) == ("waiting for approval", "hooks", "esc-1", "a7")


def test_a_registry_without_status_and_one_whose_process_is_gone() -> None:
    story = Story().prompt().answer().end()
    assert word(story, registry=Registry("", 0, True)) == ("waiting for input", "log")
    assert word(story, registry=Registry("busy", 0, False)) == ("ended", "process")


def test_a_process_in_another_namespace_cannot_be_seen_and_its_word_gets_old() -> None:
    story = Story().prompt()
    story.open("Bash", "make")
    there = Registry("busy", story.now, None)
    assert word(story, registry=there) == ("running", "registry")
    assert word(story.wait(2 * 60 * MINUTE), registry=there) == ("unknown", "log")


@pytest.mark.parametrize(("last", "expected"), [
    ("PreToolUse", "running"), ("UserPromptSubmit", "running"), ("PermissionRequest", "waiting for approval"),
    ("Notification", "waiting for approval"), ("Stop", "waiting for input"), ("StopFailure", "stuck"), ("AfterAgent", "waiting for input"),
])  # fmt: skip
def test_hooks_are_believed_before_the_log(last: str, expected: str) -> None:
    story = Story().prompt()
    assert word(story, hooks=Hooks(last, story.now + SECOND)) == (expected, "hooks")


def test_hooks_that_went_quiet_are_not_believed_against_a_newer_log() -> None:
    story = Story().prompt()
    old = story.now
    story.wait(MINUTE).answer("on")
    assert word(story, hooks=Hooks("Stop", old)) == ("running", "log")


@pytest.mark.parametrize(("reason", "expected"), [
    ("clear", "cleared"), ("resume", "resumed elsewhere"), ("logout", "logged out"), ("prompt_input_exit", "exited"),
    ("other", "exited"), ("exit", "exited"), ("a new word", "unknown end"),
])  # fmt: skip
def test_the_reasons_for_an_end_are_a_closed_list(reason: str, expected: str) -> None:
    story = Story().prompt()
    said = standing(story.session, story.now, hooks=Hooks("SessionEnd", story.now, reason))
    assert (said.word, said.why) == ("ended", expected)
    assert end_word(reason) in ENDED


def test_a_session_that_goes_on_after_its_end_was_resumed() -> None:
    story = Story().prompt()
    ended = Hooks("SessionEnd", story.now, "clear")
    story.wait(MINUTE).prompt()
    assert word(story, hooks=ended)[0] == "running"


def test_our_own_word_is_first() -> None:
    story = Story().prompt()
    parked = Hooks("PreToolUse", story.now, parked_on="esc-2", parked_at=5)
    said = standing(story.session, story.now, registry=Registry("busy", story.now, True), hooks=parked, process=ALIVE)
    assert (said.word, said.source, said.question, said.since) == ("parked", "ours", "esc-2", 5)
    assert standing(story.session, story.now, hooks=Hooks(stopped="contained", parked_at=7)).word == "ended"


def test_a_subagents_own_standing() -> None:
    story = Story().prompt()
    call = story.open("Agent")
    story.prompt("sub", False, agent="a1").open("Write", path="/a", agent="a1")
    child = story.session.threads["a1"]
    assert thread_standing(story.session, child, story.now + MINUTE).word == "waiting for approval"
    asked = Hooks(questions=(Question("esc-3", story.now, "a1"),))
    assert thread_standing(story.session, child, story.now, asked).question == "esc-3"
    story.tell(Returned(story.now, "", call, subagent="a1"))
    said = thread_standing(story.session, child, story.now)
    assert (said.word, child.spawned_by, child.open) == ("ended", call, {})
