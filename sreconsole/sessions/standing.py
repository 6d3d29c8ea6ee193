"""What a session is doing, who says so, and why it is believed. Pure rules over what is known at a moment.

Sources, in the order they are believed: a parking or stop of our own, the process, the client's registry file, its
hooks, the log. What a log does not show is not guessed: "unknown" is an answer, and is never green.
"""

from dataclasses import dataclass
from typing import Literal

from .record import Called
from .session import MINUTE, SHELLS, Session, Thread

Word = Literal["running", "waiting for approval", "waiting for input", "idle", "stuck", "parked", "ended", "unknown"]
Source = Literal["ours", "process", "registry", "hooks", "log", "none"]
ENDED = (
    "finished",
    "exited",
    "cleared",
    "resumed elsewhere",
    "logged out",
    "stopped by us",
    "gave up",
    "died",
    "unknown end",
)
"""Why a session ended: a closed list."""

_END_WORDS = {
    "clear": "cleared",
    "resume": "resumed elsewhere",
    "logout": "logged out",
    "prompt_input_exit": "exited",
    "exit": "exited",
    "other": "exited",
    "bypass_permissions_disabled": "exited",
}
SECOND = 1_000
APPROVAL_AFTER = 30 * SECOND
"""An open edit or read is answered within this in 86 % (edits) and 99.8 % (reads) of calls: after it, it most likely
waits for an approval. A shell command may simply be long."""
SETTLED = 20 * SECOND
IDLE_AFTER = 15 * MINUTE
STUCK_AFTER = 10 * MINUTE
LONG_COMMAND = 30 * MINUTE
STALE_AFTER = 60 * MINUTE
_QUICK = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit", "Read", "Glob", "Grep", "LS", "apply_patch", "replace"}
                   | {"write_file", "read_file", "edit"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """An open question at the gate: its id, since when, which subagent asked ("" the main thread), and what."""

    id: str
    at: int
    agent: str = ""
    what: str = ""
    for_input: bool = False


@dataclass(frozen=True, slots=True)
class Registry:
    """The client's own file about its process (`sessions/<pid>.json`). `alive`: that very process still exists;
    None: it cannot be seen from here (another pid namespace)."""

    status: str
    at: int
    alive: bool | None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the gate heard last from the session. `ended` is SessionEnd's reason, "" while it goes on."""

    last: str = ""
    at: int = 0
    ended: str = ""
    questions: tuple[Question, ...] = ()
    parked_on: str = ""
    stopped: str = ""
    parked_at: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """Whether the recorded process (by pid, start time and boot) is there, and when that was looked up."""

    alive: bool
    at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer. `since` is 0 where nothing says; `inferred`: nobody said so, it was concluded."""

    word: Word
    source: Source
    why: str
    since: int = 0
    inferred: bool = False
    question: str = ""
    asked_by: str = ""


def standing(
    session: Session,
    now: int,
    registry: Registry | None = None,
    hooks: Hooks | None = None,
    process: Process | None = None,
) -> Standing:
    """What the session is doing at `now` (UTC milliseconds)."""
    hooks = hooks or Hooks()
    for said in (
        _by_us(hooks),
        _by_process(session, hooks, registry, process),
        _by_end(session, hooks),
        _by_registry(session, now, registry, hooks),
        _by_hooks(session, now, hooks),
    ):
        if said is not None:
            return said
    return by_log(session, now, known_alive=bool(process and process.alive))


def _by_us(hooks: Hooks) -> Standing | None:
    if hooks.stopped:
        return Standing("ended", "ours", f"stopped by us: {hooks.stopped}", hooks.parked_at)
    if hooks.parked_on:
        return Standing("parked", "ours", "a question expired unanswered", hooks.parked_at, question=hooks.parked_on)
    return None


def _by_process(session: Session, hooks: Hooks, registry: Registry | None, process: Process | None) -> Standing | None:
    gone = (process is not None and not process.alive) or (
        process is None and registry is not None and registry.alive is False
    )
    if not gone:
        return None
    since = max(session.heard, hooks.at)
    if hooks.ended:
        return Standing("ended", "hooks", end_word(hooks.ended), hooks.at)
    if session.main.gave_up:
        return Standing("ended", "process", "gave up", since)
    main = session.main
    if not session.heard or main.open or (main.turn_open and not main.spoke_last):
        why = "died" if session.heard else "unknown end"
        return Standing("ended", "process", why, since)
    finished = main.turn_ended and not main.turn_open
    return Standing("ended", "process", "finished" if finished else "exited", since)


def _by_end(session: Session, hooks: Hooks) -> Standing | None:
    if hooks.ended and hooks.at + SECOND >= session.heard:
        return Standing("ended", "hooks", end_word(hooks.ended), hooks.at)
    return None


def end_word(reason: str) -> str:
    """A client's reason for ending, in our closed list."""
    return _END_WORDS.get(reason, reason if reason in ENDED else "unknown end")


def _asked(hooks: Hooks) -> Standing | None:
    """Waiting, by the oldest open question."""
    if not hooks.questions:
        return None
    one = min(hooks.questions, key=lambda question: question.at)
    word: Word = "waiting for input" if one.for_input else "waiting for approval"
    return Standing(
        word, "hooks", one.what or "a question is open at the gate", one.at, question=one.id, asked_by=one.agent
    )


def _by_registry(session: Session, now: int, registry: Registry | None, hooks: Hooks) -> Standing | None:
    """The client's own word. One thing is known to be wrong in it: idle, while a question is open."""
    if registry is None or registry.alive is False or registry.status not in ("busy", "waiting", "idle", "shell"):
        return None
    if registry.alive is None and now - registry.at >= STALE_AFTER:
        return None
    asked = _asked(hooks)
    if asked is not None:
        return asked
    if registry.status == "waiting":
        waits = _awaited(session, now, after=0)
        if waits is not None:
            return Standing(
                waits.word, "registry", waits.why, registry.at, question=waits.question, asked_by=waits.asked_by
            )
        return Standing("waiting for input", "registry", "the client says it waits", registry.at)
    if registry.status == "idle":
        word: Word = "idle" if now - registry.at >= IDLE_AFTER else "waiting for input"
        return Standing(word, "registry", "the client says it is idle", registry.at)
    return _busy(
        session, now, max(registry.at, session.heard, hooks.at), "registry", f"the client says {registry.status}"
    )


def _by_hooks(session: Session, now: int, hooks: Hooks) -> Standing | None:
    asked = _asked(hooks)
    if asked is not None:
        return asked
    if not hooks.at or hooks.at + SECOND < session.heard:
        return None
    if hooks.last in ("PermissionRequest", "Notification"):
        waits = _awaited(session, now, after=0)
        question, agent = (waits.question, waits.asked_by) if waits else ("", "")
        return Standing(
            "waiting for approval", "hooks", "the client asks its user", hooks.at, question=question, asked_by=agent
        )
    if hooks.last in ("Stop", "AfterAgent", "TeammateIdle"):
        word: Word = "idle" if now - hooks.at >= IDLE_AFTER else "waiting for input"
        return Standing(word, "hooks", "its turn is over", hooks.at)
    if hooks.last == "StopFailure":
        return Standing("stuck", "hooks", "its last model call failed", hooks.at)
    if hooks.last in (
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "SubagentStart",
    ):
        return _busy(session, now, hooks.at, "hooks", f"{hooks.last} was heard last")
    return None


def _busy(session: Session, now: int, heard: int, source: Source, why: str) -> Standing:
    """Running, unless it has been silent for longer than what it does can take."""
    quiet = now - heard
    open_calls = [call for thread in session.threads.values() for call in thread.open.values()]
    long_ones = any(call.tool in SHELLS for call in open_calls)
    if quiet >= (LONG_COMMAND if long_ones else STUCK_AFTER):
        return Standing("stuck", source, f"nothing was heard for {quiet // MINUTE} min; {why}", heard)
    return Standing("running", source, why, heard)


def _awaited(session: Session, now: int, after: int = APPROVAL_AFTER) -> Standing | None:
    """An open call that waits for a human: because it asks one, or because it is long since done otherwise."""
    found: tuple[int, Called, Thread] | None = None
    for thread in session.threads.values():
        for call in thread.open.values():
            waits = call.asks_human or (not call.background and call.tool in _QUICK and now - call.at > after)
            waits = waits or (after == 0 and not call.background)
            if waits and (found is None or call.at < found[0]):
                found = (call.at, call, thread)
    if found is None:
        return None
    at, call, thread = found
    word: Word = "waiting for input" if call.asks_human else "waiting for approval"
    why = f"{call.tool} asks" if call.asks_human else f"{call.tool} has no result after {(now - at) // SECOND} s"
    return Standing(word, "log", why, at, not call.asks_human, call.call, thread.id)


def by_log(session: Session, now: int, known_alive: bool = False) -> Standing:
    """What the log alone says. Every answer but a question to a human is an inference, and is marked so."""
    if not session.heard or not session.threads:
        return Standing("unknown", "none", "nothing was heard yet")
    quiet, main = now - session.heard, session.main
    waits = _awaited(session, now)
    if quiet >= STALE_AFTER and not known_alive:
        return Standing(
            "unknown", "log", f"nothing was written for {quiet // MINUTE} min, no process is known", session.heard, True
        )
    if waits is not None and session.permission not in ("never", "bypassPermissions"):
        return waits
    if waits is not None and waits.word == "waiting for input":
        return waits
    if main.gave_up:
        return Standing("stuck", "log", "its last model call failed and it gave up", main.last, True)
    open_calls = [call for thread in session.threads.values() for call in thread.open.values() if not call.background]
    if open_calls:
        return _inferred(_busy(session, now, session.heard, "log", f"{open_calls[0].tool} is open"))
    working = any(thread.turn_open and not thread.finished for thread in session.threads.values() if thread.id)
    if main.turn_open or (working and quiet < SETTLED):
        if quiet < SETTLED * 3:
            return Standing("running", "log", "its turn is open", session.heard, True)
        if session.client == "codex" and quiet < STUCK_AFTER:
            return Standing("running", "log", "its turn is open", session.heard, True)
        if main.turn_ended < main.turn_began and session.client == "codex":
            return Standing(
                "stuck", "log", f"its turn is open and silent for {quiet // MINUTE} min", session.heard, True
            )
    word: Word = "idle" if quiet >= IDLE_AFTER else "waiting for input"
    how = "its turn is over" if main.turn_ended and not main.turn_open else "no call is open and nothing is written"
    return Standing(word, "log", how, main.turn_ended or session.heard, True)


def _inferred(said: Standing) -> Standing:
    return Standing(said.word, said.source, said.why, said.since, True, said.question, said.asked_by)


def thread_standing(session: Session, thread: Thread, now: int, hooks: Hooks | None = None) -> Standing:
    """What one subagent is doing: its own questions, its own open calls; ended when its spawning call returned."""
    if thread.finished:
        return Standing("ended", "log", "finished", thread.finished)
    asked = [one for one in (hooks or Hooks()).questions if one.agent == thread.id]
    if asked:
        found = _asked(Hooks(questions=tuple(asked)))
        if found is not None:
            return found
    alone = Session(client=session.client, permission=session.permission, heard=thread.last, threads={"": thread})
    said = by_log(alone, now)
    return Standing(said.word, said.source, said.why, said.since, said.inferred, said.question, thread.id)
