"""Playing the night: printed line by line with a desk of its own, or in the background of a console."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for

from sreconsole.demo import story
from sreconsole.demo.stage import Client, Played, Stage
from sreconsole.demo.story import Answer, Beat
from sreconsole.store import audit, database, escalations
from sreconsole.store.escalations import Escalation

HOUR = 40.0
"""Seconds an hour of the night takes at speed 1."""

PATIENCE = 20.0
"""Seconds for anything that should happen at once."""

WORDS = {"passed": "tool.passed", "refused": "tool.refused", "asked": "escalation.opened", "approved": "escalation.approved",
         "denied": "escalation.denied", "expired": "escalation.expired"}  # fmt: skip
"""The morning's counts, and the kinds of event they count."""


class Night:
    """One night on a stage, with somebody who tells what happens."""

    def __init__(self, stage: Stage, speed: float | None, tell: Callable[[str], None]) -> None:
        """`speed` None plays without pauses; `tell` takes each line of the story."""
        self._stage, self._speed, self._tell = stage, speed, tell
        self._over = threading.Event()
        self.problems: list[str] = []

    def play(self) -> Counter[str]:
        """The whole night with a desk of its own; the counts of the morning. `problems` says what went otherwise."""
        self._line("22:00:00", "night shift", f"{len(story.AGENTS)} agents at work, dana on call")
        before = "22:00:00"
        for beat in story.NIGHT:
            self._pause(before, beat.at)
            before = beat.answer.at if beat.answer else beat.at
            self._beat(beat)
        self._release()
        for client in self._stage.clients.values():
            client.finish()
        return self._morning()

    def play_behind(self) -> None:
        """The same night without a desk, each session at its own pace: whoever sits at the console decides."""
        for client in self._stage.clients.values():
            threading.Thread(target=self._alone, args=(client,), daemon=True).start()

    def end(self) -> None:
        """Stop what plays behind."""
        self._over.set()

    def _alone(self, client: Client) -> None:
        before = "22:00:00"
        for beat in (one for one in story.NIGHT if one.agent == client.agent.name):
            self._pause(before, beat.at)
            before = beat.at
            if self._over.is_set():
                return
            end = client.call(beat)
            while not end.done() and not self._over.is_set():
                wait_for([end], 0.2)
            if end.done() and end.exception() is not None:
                return

    def _beat(self, beat: Beat) -> None:
        client = self._stage.clients[beat.agent]
        end = client.call(beat)
        question = self._question(client, end)
        met = "asked" if question else ("passed" if end.result(PATIENCE).ran else "refused")
        self._line(beat.at, beat.agent, f"{story.shown(beat):<62} {met}")
        if met != beat.expect:
            self._wrong(beat, f"was {met} and not {beat.expect}{f': {end.result().reason}' if end.done() else ''}")
        if question:
            self._asked(beat, question, end)
        elif met == "refused":
            self._more(brief(end.result().reason))
        if beat.tells and met == beat.expect:
            self._more(f"({beat.tells})")
        if end.done() and end.result().ran != beat.runs:
            self._wrong(beat, "ran, which it must not" if end.result().ran else "did not run")

    def _asked(self, beat: Beat, question: Escalation, end: Future[Played]) -> None:
        verdict = json.loads(question.verdict)
        self._more(f"{question.id} waits for a human: {verdict['why']}")
        answer = beat.answer or Answer(beat.at, "deny", "nobody expected this")
        self._pause(beat.at, answer.at)
        self._answer(answer, question)
        try:
            played = end.result(PATIENCE)
        except TimeoutError:
            self._wrong(beat, f"{question.id} was answered, and its hook was not")
            return
        if played.ran:
            self._more(f"it ran{f', with the answer {answer.words}' if answer.do == 'choose' else ''}")
        else:
            self._more(brief(played.reason))
        if answer.do == "choose" and played.reason != answer.words:
            self._wrong(beat, f"was answered {played.reason!r} and not {answer.words!r}")

    def _answer(self, answer: Answer, e: Escalation) -> None:
        if answer.do == "sleep":
            self._line(answer.at, "dana", f"sleeps; {e.id} expires")
        elif answer.do == "deny":
            self._stage.decide(e.id, "deny", self._look, reason=answer.words)
            self._line(answer.at, "dana", f"denies {e.id}: {answer.words}")
        else:
            chosen = {"choices": {story.QUESTION: [answer.words]}} if answer.do == "choose" else None
            self._stage.decide(e.id, "approve", self._look, hold=0, reason=answer.words, answer=chosen)
            self._line(answer.at, "dana", f"{'answers' if chosen else 'approves'} {e.id}: {answer.words}")

    def _release(self) -> None:
        parked = self._stage.clients["dep-upgrader"].session
        was = self._stage.ask("release", session=parked, reason="talked to jonas; it may go on by day")["was"]
        self._line(story.RELEASED_AT, "dana", f"releases dep-upgrader, parked on {was or 'nothing'}")
        if not was:
            self.problems.append("dep-upgrader was not parked by the question that expired")

    def _morning(self) -> Counter[str]:
        reader = database.open_reader(self._stage.home.store)
        try:
            kinds = Counter(dict(reader.execute("SELECT kind, count(*) FROM events GROUP BY kind").fetchall()))
            report = audit.verify(reader)
        finally:
            reader.close()
        count = Counter({word: kinds[kind] for word, kind in WORDS.items()})
        count["calls"] = count["passed"] + count["refused"] + count["asked"] + kinds["tool.asked"]
        for word, wanted in story.expected().items():
            if count[word] != wanted:
                self.problems.append(f"the log counts {count[word]} {word} and not {wanted}")
        if not self._stage.volume_stands:
            self.problems.append("the production volume is gone")
        if not report.ok:
            self.problems.append(f"the log's chain does not verify: {report.problem or report.missing_guards}")
        chain = f"the log's chain of {report.entries} events verifies" if report.ok else "the log's chain is broken"
        volume = "the production volume stands" if self._stage.volume_stands else "the production volume is GONE"
        self._line("06:00:00", "handover", f"{volume}; {chain}")
        return count

    def _question(self, client: Client, end: Future[Played]) -> Escalation | None:
        """The open question of the call under way, or None once it has ended without one."""
        until = time.monotonic() + PATIENCE
        reader = database.open_reader(self._stage.home.store)
        try:
            while time.monotonic() < until:
                if open_ := escalations.of_session(reader, client.session):
                    return open_[-1]
                if end.done():
                    return None
                wait_for([end], 0.01)
        finally:
            reader.close()
        return None

    def _look(self, id: str) -> Escalation:
        reader = database.open_reader(self._stage.home.store)
        try:
            found = escalations.get(reader, id)
        finally:
            reader.close()
        assert found is not None
        return found

    def _pause(self, before: str, at: str) -> None:
        if self._speed:
            self._over.wait(max(0.0, story.minutes(at) - story.minutes(before)) / 60 * HOUR / self._speed)

    def _line(self, at: str, who: str, words: str) -> None:
        self._tell(f"{at[:5]}  {who:<14} {words}")

    def _more(self, words: str) -> None:
        self._tell(f"{'':21} → {words}")

    def _wrong(self, beat: Beat, what: str) -> None:
        self.problems.append(f"{beat.at[:5]} {beat.agent} {story.shown(beat)}: {what}")


def brief(reason: str) -> str:
    """A refusal without the advice that is meant for the model; pure."""
    return (
        reason.partition(" Do not try ")[0].partition(" Allowed instead: ")[0].partition(" This session's further ")[0]
    )
