"""One session, folded from its records: threads with their open calls, facts, and what the detectors look back on.

`fold` is deterministic and does no I/O. It changes the state it is given and returns it: copying the memory of ten
thousand calls for every record would cost more than reading it.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import commands
from .callbook import FAST, CallBook
from .record import (
    Answered,
    Called,
    Changed,
    Compacted,
    Errored,
    Linked,
    Opened,
    OwnTotal,
    Prompted,
    Record,
    Restarted,
    Returned,
    Skipped,
    TurnEnded,
)
from .tokens import NO_TOKENS, Tokens

LOOK_BACK = 20
RUNBOOKS = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
SHELLS = frozenset(
    {"Bash", "PowerShell", "exec_command", "shell", "shell_command", "local_shell_call", "run_shell_command"}
)
READS = frozenset(
    {"Read", "Grep", "Glob", "LS", "WebFetch", "WebSearch", "NotebookRead", "read_file", "list_directory"}
)
SPAWNS = frozenset({"Agent", "Task", "spawn_agent"})
MINUTE = 60_000
RESUMED_AFTER = 5_000
"""A subagent's last words may be stamped after its result; what it does later than this is work it was sent back to."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call with its result, as the detectors look back on it."""

    at: int
    call: Called
    result: Returned
    test: bool = False
    check: bool = False
    poll: bool = False

    @property
    def refused(self) -> bool:
        return bool(self.result.denied)

    @property
    def broke(self) -> bool:
        """Failed by itself: not refused, and not dropped because another call of its batch failed."""
        return self.result.failed and not self.result.denied


@dataclass(slots=True)
class Thread:
    """The main thread ("") or a subagent. `turn` counts prompts; times are UTC milliseconds, 0 = never."""

    id: str
    started: int = 0
    last: int = 0
    spawned_by: str = ""
    finished: int = 0
    turn: int = 0
    turn_open: bool = False
    turn_began: int = 0
    turn_ended: int = 0
    how: str = ""
    open: dict[str, Called] = field(default_factory=dict)
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=LOOK_BACK))
    breaks: int = 0
    denials: int = 0
    tokens: Tokens = NO_TOKENS
    last_said: str = ""
    last_said_at: int = 0
    spoke_last: bool = False
    last_check: Step | None = None
    edited_at: int = 0
    handed_over_at: int = 0
    errors: int = 0
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    at: int
    folder: str
    branch: str
    sha: str


@dataclass(slots=True)
class Facts:
    """Counts and names out of the log, over the whole session and all its subagents."""

    turns: int = 0
    calls: int = 0
    failures: int = 0
    denied_by_policy: int = 0
    denied_by_user: int = 0
    commands: int = 0
    added: int = 0
    removed: int = 0
    tools: Counter[str] = field(default_factory=Counter)
    files: dict[str, int] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, int] = field(default_factory=dict)
    pull_requests: dict[str, Linked] = field(default_factory=dict)
    runbooks: dict[str, int] = field(default_factory=dict)
    changes: list[Changed] = field(default_factory=list)
    compactions: list[tuple[int, int]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens used at a moment, kept for an hour to tell how fast money goes."""

    at: int
    model: str
    day: str
    fast: bool
    tokens: Tokens
    context: int


@dataclass(slots=True)
class Session:
    """Everything the log told. `heard` is the newest time in the log, `told` when we read it."""

    id: str = ""
    client: str = ""
    version: str = ""
    cwd: str = ""
    branch: str = ""
    commit: str = ""
    repository: str = ""
    parent: str = ""
    model: str = ""
    effort: str = ""
    permission: str = ""
    began: int = 0
    heard: int = 0
    told: int = 0
    book: CallBook = field(default_factory=CallBook)
    threads: dict[str, Thread] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    spent: deque[Spent] = field(default_factory=deque)
    own_total: OwnTotal | None = None
    calls_seen: set[str] = field(default_factory=set)

    @property
    def main(self) -> Thread:
        return self.threads.setdefault("", Thread(""))

    @property
    def tokens(self) -> Tokens:
        total = NO_TOKENS
        for used in self.book.per_session().values():
            total = total.plus(used)
        return total


def fold(state: Session, record: Record, now: int) -> Session:
    """The state after one more record, read at `now` (UTC milliseconds)."""
    state.told = now
    if isinstance(record, Restarted):
        return Session(id=state.id, client=state.client, told=now)
    if isinstance(record, Skipped):
        state.facts.skipped[record.kind] += 1
        return state
    if record.at:
        state.began = min(state.began or record.at, record.at)
        state.heard = max(state.heard, record.at)
    if isinstance(record, OwnTotal):
        state.own_total = record
        return state
    if isinstance(record, Opened):
        _opened(state, record)
        return state
    thread = _thread(state, record)
    if isinstance(record, Answered):
        _answered(state, thread, record)
    elif isinstance(record, Called):
        _called(state, thread, record)
    elif isinstance(record, Returned):
        _returned(state, thread, record)
    elif isinstance(record, Prompted):
        _prompted(state, thread, record)
    elif isinstance(record, TurnEnded):
        thread.turn_open, thread.turn_ended, thread.how = False, record.at, record.how
        if record.how == "aborted":
            thread.open.clear()
    elif isinstance(record, Compacted):
        state.facts.compactions.append((record.at, thread.turn))
    elif isinstance(record, Errored):
        thread.errors, thread.gave_up = thread.errors + 1, record.gave_up
    elif isinstance(record, Changed):
        _changed(state, record)
    elif isinstance(record, Linked):
        state.facts.pull_requests[record.url or str(record.number)] = record
    return state


def fold_all(state: Session, records: Iterable[Record], now: int) -> Session:
    for record in records:
        state = fold(state, record, now)
    return state


def _thread(state: Session, record: Record) -> Thread:
    thread = state.threads.get(record.agent)
    if thread is None:
        thread = state.threads[record.agent] = Thread(record.agent, started=record.at)
        if record.agent:
            thread.turn_open, thread.turn_began = True, record.at
    thread.last = max(thread.last, record.at)
    if thread.finished and record.at > thread.finished + RESUMED_AFTER:
        thread.finished = 0
    return thread


def _opened(state: Session, record: Opened) -> None:
    """A subagent's file names the same session: only what is said is taken, and a fork keeps its own name."""
    if not state.id:
        state.id, state.parent = record.session, record.parent
    state.client = record.client or state.client
    state.version = record.version or state.version
    state.cwd = record.cwd or state.cwd
    state.commit = record.commit or state.commit
    state.repository = record.repository or state.repository
    if record.branch:
        state.branch = record.branch
        state.facts.branches.setdefault(record.branch, record.at)


def _changed(state: Session, record: Changed) -> None:
    held = {"model": state.model, "effort": state.effort}.get(record.what, state.permission)
    if held == record.value:
        return
    if record.what == "model":
        state.model = record.value
    elif record.what == "effort":
        state.effort = record.value
    else:
        state.permission = record.value
    if held:
        state.facts.changes.append(record)


def _answered(state: Session, thread: Thread, record: Answered) -> None:
    thread.errors, thread.gave_up = 0, False
    thread.turn_open = True
    thread.spoke_last = bool(record.text)
    if record.text:
        thread.last_said, thread.last_said_at = record.text, record.at
    if record.effort and not record.agent:
        _changed(state, Changed(record.at, "", "effort", record.effort))
    if record.tokens == NO_TOKENS:
        return
    if not record.agent:
        _changed(state, Changed(record.at, "", "model", record.about.model))
    before = state.book.tokens_of(record.key)
    if record.about.client == "gemini":
        state.book.replace(record.key, record.about, record.tokens)
    else:
        state.book.add(record.key, record.request, record.about, record.flags, record.tokens)
    after = state.book.tokens_of(record.key) if record.key else record.tokens
    grown = Tokens(*(max(0, new - old) for new, old in zip(after, before, strict=True)))
    if grown != NO_TOKENS:
        thread.tokens = thread.tokens.plus(grown)
    if grown != NO_TOKENS and record.at > state.heard - 60 * MINUTE:
        fast = bool(record.flags & FAST)
        state.spent.append(Spent(record.at, record.about.model, record.about.day, fast, grown, record.tokens.context))
        while state.spent and state.spent[0].at < record.at - 60 * MINUTE:
            state.spent.popleft()


def _called(state: Session, thread: Thread, record: Called) -> None:
    if record.call in state.calls_seen:
        return
    state.calls_seen.add(record.call)
    facts = state.facts
    thread.turn_open, thread.spoke_last = True, False
    thread.open[record.call] = record
    facts.calls += 1
    facts.tools[record.tool] += 1
    facts.commands += record.tool in SHELLS
    for path in record.paths:
        if path.rsplit("/", 1)[-1] in RUNBOOKS:
            facts.runbooks.setdefault(path, record.at)


def _returned(state: Session, thread: Thread, record: Returned) -> None:
    call = thread.open.pop(record.call, None)
    if call is None:
        return
    facts = state.facts
    shell = call.tool in SHELLS
    check = shell and not call.background and commands.is_check(call.command)
    test = check and commands.is_test(call.command)
    step = Step(record.at, call, record, test, check, commands.is_poll(call.tool, call.command))
    thread.steps.append(step)
    facts.failures += step.broke
    facts.denied_by_policy += record.denied == "policy"
    facts.denied_by_user += record.denied == "user"
    if record.denied == "policy":
        thread.denials += 1
    elif call.tool not in READS and not record.denied:
        thread.denials = 0
    if step.broke:
        thread.breaks += 1
    elif not record.denied:
        thread.breaks = 0
    if check and not step.refused:
        thread.last_check = step
    facts.added += record.added
    facts.removed += record.removed
    edited = record.paths or (call.paths if not step.result.failed and call.tool not in READS else ())
    for path in edited:
        facts.files[path] = record.at
        thread.edited_at = record.at
    if call.tool in SPAWNS:
        _spawned(state, call, record)
    if shell and not record.failed:
        _worked_with_git(state, thread, call, record)


def _spawned(state: Session, call: Called, record: Returned) -> None:
    if record.subagent:
        child = state.threads.setdefault(record.subagent, Thread(record.subagent, started=call.at, last=record.at))
        child.spawned_by, child.finished = call.call, record.at
        child.turn_open = False
        child.open.clear()


def _worked_with_git(state: Session, thread: Thread, call: Called, record: Returned) -> None:
    if commands.is_commit(call.command):
        where = commands.folder(call.command, state.cwd)
        for branch, sha in commands.committed(record.text):
            state.facts.commits.append(Commit(record.at, where, branch, sha))
            state.facts.branches.setdefault(branch, record.at)
            thread.handed_over_at = record.at
    elif commands.is_handover(call.command):
        thread.handed_over_at = record.at


def _prompted(state: Session, thread: Thread, record: Prompted) -> None:
    thread.turn_open, thread.turn_began, thread.how, thread.spoke_last = True, record.at, "", False
    thread.last_check, thread.edited_at, thread.handed_over_at = None, 0, 0
    thread.last_said = ""
    if record.by_human:
        thread.turn += 1
        if not record.agent:
            state.facts.turns += 1
