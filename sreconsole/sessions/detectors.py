"""Signals: a session goes in circles, fails again and again, is refused, burns money, storms commits, thrashes, claims
what no exit code proves, dies unnoticed, waits unheard. Pure; every signal carries its evidence.

Thresholds were measured on 307 ordinary sessions: what pages fires on at most 2 % of them, what warns on at most 5 %
(`docs/sessions.md` has the table).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from .cost import Budget, budgets_used, burn
from .prices import PriceList
from .session import MINUTE, Session, Step, Thread
from .standing import Standing

Level = Literal["note", "warn", "page"]
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen, and when (UTC milliseconds). `text` is foreign: it is made safe before it is drawn."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One finding. `key` is the same while it is the same finding, so it opens one incident, not one a minute."""

    detector: str
    level: Level
    summary: str
    key: str
    agent: str = ""
    since: int = 0
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Where warning ends and paging begins; (warn, page)."""

    same_result: tuple[int, int] = (4, 5)
    same_call: int = 5
    breaks: tuple[int, int] = (3, 5)
    test_failing: tuple[int, int] = (4, 5)
    denials: tuple[int, int] = (2, 3)
    denials_in_all: tuple[int, int] = (10, 20)
    burn: tuple[Decimal, Decimal] = (Decimal(40), Decimal(80))
    commits_an_hour: tuple[int, int] = (5, 8)
    repositories: tuple[int, int] = (3, 5)
    commits_in_many: int = 20
    compactions: tuple[int, int] = (2, 3)
    turns_between: int = 3
    silent: tuple[int, int] = (0, 10 * MINUTE)
    unheard: tuple[int, int] = (5 * MINUTE, 15 * MINUTE)
    budget: Budget = field(default_factory=Budget)
    budget_warn: float = 0.8


@dataclass(frozen=True, slots=True)
class Seen:
    """What the log cannot know: what the session is doing, and whether a human was told about its question."""

    standing: Standing | None = None
    human_told: bool = True


def detect(
    session: Session, now: int, seen: Seen | None = None, prices: PriceList | None = None, limits: Limits | None = None
) -> list[Signal]:
    """Every signal that holds at `now` (UTC milliseconds), the most urgent first."""
    limits, seen = limits or Limits(), seen or Seen()
    found: list[Signal] = []
    for thread in session.threads.values():
        if now - thread.last < HOUR:
            for rule in (going_in_circles, error_streak, failing_test, denial_streak):
                found.extend(rule(thread, limits))
    found.extend(denied_in_all(session, limits))
    found.extend(commit_storm(session, now, limits))
    found.extend(thrashing(session, limits))
    found.extend(unproven(session))
    found.extend(silent_death(session, now, seen, limits))
    found.extend(unheard(session, now, seen, limits))
    if prices is not None:
        found.extend(burning(session, now, prices, limits))
        found.extend(over_budget(session, prices, limits))
    order = {"page": 0, "warn": 1, "note": 2}
    return sorted(found, key=lambda signal: (order[signal.level], signal.since, signal.detector))


def _level(value: float | Decimal, bounds: tuple[float | Decimal, float | Decimal]) -> Level | None:
    return "page" if value >= bounds[1] else "warn" if value >= bounds[0] else None


def _steps(steps: list[Step]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(one.at, f"{one.call.tool} {one.call.command or ' '.join(one.call.paths)}"[:200]) for one in steps
    )


def going_in_circles(thread: Thread, limits: Limits) -> Iterator[Signal]:
    """The same call with the same result again and again among the last calls; looking again (polling) is
    not that, and a check that is run again after edits has a rule of its own."""
    steps = [one for one in thread.steps if not one.poll]
    pairs = Counter((one.call.digest, one.result.digest) for one in steps)
    if pairs:
        (digest, result), times = pairs.most_common(1)[0]
        level = _level(times, limits.same_result)
        if level:
            same = [one for one in steps if (one.call.digest, one.result.digest) == (digest, result)]
            summary = (
                f"the same {same[-1].call.tool} call gave the same result {times} times in {len(thread.steps)} calls"
            )
            yield Signal("loop", level, summary, f"loop:{thread.id}:{digest}", thread.id, same[0].at, _steps(same))
            return
    calls = Counter(one.call.digest for one in steps if not one.check)
    if calls:
        digest, times = calls.most_common(1)[0]
        if times >= limits.same_call:
            same = [one for one in steps if one.call.digest == digest]
            summary = f"the same {same[-1].call.tool} call {times} times in {len(thread.steps)} calls"
            yield Signal("loop", "warn", summary, f"loop:{thread.id}:{digest}", thread.id, same[0].at, _steps(same))


def error_streak(thread: Thread, limits: Limits) -> Iterator[Signal]:
    """Calls that failed one after another. Refusals, and calls dropped because a sibling failed, do not count."""
    level = _level(thread.breaks, limits.breaks)
    if level:
        broke = [one for one in thread.steps if one.broke][-thread.breaks :]
        since = broke[0].at if broke else thread.last
        yield Signal(
            "error streak",
            level,
            f"{thread.breaks} calls failed in a row",
            f"errors:{thread.id}:{since}",
            thread.id,
            since,
            _steps(broke),
        )


def failing_test(thread: Thread, limits: Limits) -> Iterator[Signal]:
    """The same test command failing again and again, whatever is edited in between."""
    failed = Counter(one.call.digest for one in thread.steps if one.test and one.broke)
    if not failed:
        return
    digest, times = failed.most_common(1)[0]
    runs = [one for one in thread.steps if one.test and one.call.digest == digest]
    level = _level(times, limits.test_failing)
    if level and runs[-1].broke:
        yield Signal(
            "test failing",
            level,
            f"the same test failed {times} times in {len(thread.steps)} calls",
            f"test:{thread.id}:{digest}",
            thread.id,
            runs[0].at,
            _steps(runs),
        )


def denial_streak(thread: Thread, limits: Limits) -> Iterator[Signal]:
    """Refused by policy again and again; reads in between do not end the streak, and a person's no is not one."""
    level = _level(thread.denials, limits.denials)
    if level:
        refused = [one for one in thread.steps if one.result.denied == "policy"]
        since = refused[0].at if refused else thread.last
        yield Signal(
            "denial streak",
            level,
            f"{thread.denials} refusals by policy in a row",
            f"denials:{thread.id}",
            thread.id,
            since,
            _steps(refused),
        )


def denied_in_all(session: Session, limits: Limits) -> Iterator[Signal]:
    total = session.facts.denied_by_policy
    level = _level(total, limits.denials_in_all)
    if level:
        yield Signal("denials", level, f"{total} refusals by policy in this session", "denials", since=session.began)


def commit_storm(session: Session, now: int, limits: Limits) -> Iterator[Signal]:
    """Too many commits in an hour; or, slower, into too many repositories: a rate alone misses 47 commits in 11 hours."""
    commits = session.facts.commits
    last = [one for one in commits if now - HOUR < one.at <= now]
    level = _level(len(last), limits.commits_an_hour)
    if level:
        evidence = tuple(Evidence(one.at, f"{one.sha} {one.branch} {one.folder}") for one in last[-20:])
        yield Signal(
            "commit storm",
            level,
            f"{len(last)} commits in an hour",
            "commits:hour",
            since=last[0].at,
            evidence=evidence,
        )
    folders = {one.folder for one in commits}
    wide = _level(len(folders), limits.repositories)
    if len(commits) >= limits.commits_in_many and len(folders) > limits.repositories[0]:
        wide = "page"
    if wide:
        evidence = tuple(Evidence(one.at, f"{one.sha} {one.branch} {one.folder}") for one in commits[-20:])
        yield Signal(
            "commit storm",
            wide,
            f"{len(commits)} commits in {len(folders)} repositories",
            "commits:repositories",
            since=commits[0].at,
            evidence=evidence,
        )


def thrashing(session: Session, limits: Limits) -> Iterator[Signal]:
    """The context is compacted again within a few turns, several times running: nothing gets done in between."""
    run = 1
    marks = session.facts.compactions
    for (_, before), (_, after) in pairwise(marks):
        run = run + 1 if after - before < limits.turns_between else 1
    level = _level(run, limits.compactions) if len(marks) > 1 else None
    if level:
        evidence = tuple(Evidence(at, f"compaction in turn {turn}") for at, turn in marks[-run:])
        yield Signal(
            "compaction thrash",
            level,
            f"{run} compactions within {limits.turns_between} turns of one another",
            "thrash",
            since=marks[-run][0],
            evidence=evidence,
        )


_DONE = re.compile(
    r"\b(?:(?:all (?:the )?)?tests? (?:are )?(?:all )?(?:now )?pass(?:ing|ed)?"
    r"|everything (?:works|passes)"
    r"|(?:is|are|it's|now) (?:now )?(?:done|complete|completed|finished|fixed|implemented)"
    r"|successfully (?:implemented|fixed|completed)"
    r"|(?:implementation|work|task|fix|migration|refactoring) is (?:now )?(?:done|complete|finished))\b",
    re.I,
)
_NOT_DONE = re.compile(
    r"\b(?:fail(?:s|ed|ing|ure)?|not (?:yet )?(?:done|complete|fixed|pass)|still|remaining|broken|unable|could not|couldn't)\b",
    re.I,
)


def claims_done(said: str) -> bool:
    """Whether a turn's last words claim that the work is done, and admit nothing to the contrary."""
    return bool(_DONE.search(said)) and not _NOT_DONE.search(said)


def unproven(session: Session) -> Iterator[Signal]:
    """ "Done" at the end of a turn that changed files, beside the last exit code of a check in that turn.

    A failed check below the claim is worth a look; it pages only where the work was committed, pushed or handed over
    after that check failed. No check at all is a note, never more: it is so in a quarter of ordinary turns.
    """
    main = session.main
    if main.turn_open or main.how == "aborted" or not claims_done(main.last_said):
        return
    check = main.last_check
    if check is not None and check.broke:
        handed = main.handed_over_at > check.at
        evidence = (*_steps([check]), Evidence(main.last_said_at, main.last_said[:200]))
        words = (
            f"says done; its last check ended with {check.result.exit if check.result.exit is not None else 'an error'}"
        )
        yield Signal(
            "done without evidence",
            "page" if handed else "warn",
            words + (", and was handed over" if handed else ""),
            f"done:{check.at}",
            since=check.at,
            evidence=evidence,
        )
    elif check is None and main.edited_at >= main.turn_began > 0:
        yield Signal(
            "done without evidence",
            "note",
            "says done; no check ran in that turn",
            f"done:{main.last_said_at}",
            since=main.last_said_at,
            evidence=(Evidence(main.last_said_at, main.last_said[:200]),),
        )


def silent_death(session: Session, now: int, seen: Seen, limits: Limits) -> Iterator[Signal]:
    """The process is gone in the middle of a turn, and nothing said goodbye."""
    said = seen.standing
    if said is None or said.word != "ended" or said.why != "died":
        return
    level: Level = "page" if now - said.since >= limits.silent[1] else "warn"
    calls = [call for thread in session.threads.values() for call in thread.open.values()]
    evidence = tuple(Evidence(call.at, f"{call.tool} {call.command} was open"[:200]) for call in calls)
    yield Signal(
        "silent death",
        level,
        "the process is gone in the middle of a turn",
        "death",
        since=said.since,
        evidence=evidence,
    )


def unheard(session: Session, now: int, seen: Seen, limits: Limits) -> Iterator[Signal]:
    """It waits for a human, and no human was told."""
    said = seen.standing
    if said is None or seen.human_told or not said.since or said.word not in ("waiting for approval", "stuck"):
        return
    level = _level(now - said.since, limits.unheard)
    if level:
        minutes = (now - said.since) // MINUTE
        yield Signal(
            "blocked and nobody told",
            level,
            f"{said.word} for {minutes} min: {said.why}",
            f"unheard:{said.question or said.since}",
            said.asked_by,
            said.since,
            (Evidence(said.since, said.why),),
        )


def burning(session: Session, now: int, prices: PriceList, limits: Limits) -> Iterator[Signal]:
    """Dollars per hour at list price over the last ten minutes."""
    rate = burn(session, prices, now)
    level = _level(rate, limits.burn)
    if level:
        yield Signal(
            "burn rate",
            level,
            f"${rate:.0f} an hour at list price over 10 min",
            "burn",
            since=now,
            evidence=(Evidence(now, f"${rate:.2f}/h"),),
        )


def over_budget(session: Session, prices: PriceList, limits: Limits) -> Iterator[Signal]:
    for one in budgets_used(session, limits.budget, prices):
        level = _level(one.share, (limits.budget_warn, 1.0))
        if level:
            yield Signal(
                "budget",
                level,
                f"{one.share:.0%} of the {one.what} budget is used",
                f"budget:{one.what}",
                since=session.heard,
                evidence=(Evidence(session.heard, f"{one.used} of {one.limit}"),),
            )
