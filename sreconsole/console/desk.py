"""The desk where decisions are made: each key's act on what was painted, and its one line of answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sreconsole.console import decision
from sreconsole.console.card import Card
from sreconsole.console.decision import Standing
from sreconsole.console.dialogs import Prompt
from sreconsole.console.draw import Ink
from sreconsole.console.edited import Change
from sreconsole.console.question import CHOOSING, Question
from sreconsole.serve.client import Refused, ServeDown
from sreconsole.store.grants import Grant
from sreconsole.store.sessions import Session


class Floor(Protocol):
    """What the desk needs of the console around it."""

    def now(self) -> int:
        """UTC milliseconds."""

    def tell(self, words: str, ink: Ink = Ink.PLAIN) -> None:
        """Say something in the status line."""

    def hold_seconds(self) -> float:
        """How long an approval is held before it counts."""

    def painted(self) -> Question | None:
        """The question under the finger as it was last painted."""

    def standing(self) -> Standing:
        """What is known at this moment."""

    def card(self) -> Card | Change | None:
        """The card on screen, or the changed arguments."""

    def open_card(self, question: Question) -> None:
        """Put a card on the screen."""

    def sent(self, question: Question) -> None:
        """An approval of it was taken: a page that was only there for this goes."""

    async def prompt(self, prompt: Prompt) -> str | None:
        """Ask for one line; None when it was given up."""

    async def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Send one act to `serve`."""


@dataclass(slots=True)
class Hold:
    """An approval of ours that can still be taken back; `until` is UTC milliseconds, `more` those given with it."""

    id: str
    until: int
    more: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What is held, in words."""
        return f"{self.id} and {len(self.more)} more" if self.more else self.id


@dataclass(slots=True)
class Desk:
    """Keys that decide. Every one works on the id, version and digest that were painted when it was pressed."""

    floor: Floor
    busy: set[str] = field(default_factory=set)
    hold: Hold | None = None

    async def approve(self) -> None:
        """Yes, held first. A long command that was not read opens its card instead; what was put off is allowed once."""
        question, standing = self.floor.painted(), self.floor.standing()
        if question is not None and question.later:
            await self._allow(question, standing)
            return
        if question is not None and not standing.read and self.floor.card() is None:
            clear = decision.why_not_approve(question, _read(standing))
            if not clear:
                self.floor.open_card(question)
                self.floor.tell(
                    f"{question.id} is longer than the peek: read it to its end, then approve here", Ink.WARN
                )
                return
        if no := decision.why_not_approve(question, standing):
            self.floor.tell(no, Ink.WARN)
            return
        assert question is not None
        card = self.floor.card()
        if question.row.kind in CHOOSING and question.choices and card is None:
            self.floor.open_card(question)
            self.floor.tell(f"{question.id} is a question: choose an answer, then press again", Ink.WARN)
            return
        answer = card.answer() if card else None
        if question.typed and not await self.typed(question, "approve"):
            return
        await self._send_approval(question, answer)

    async def deny(self) -> None:
        """No, at once when enter sends it."""
        question = self.floor.painted()
        if no := decision.why_not_decide(question, self.floor.standing()):
            self.floor.tell(no, Ink.WARN)
            return
        assert question is not None
        about = f"deny {question.id} · enter denies, esc decides nothing · {question.does}"
        reason = await self.floor.prompt(Prompt("reason the agent reads", about, opened_by="d"))
        if reason is None:
            self.floor.tell("nothing was decided")
            return
        reply = await self.act(question.id, "deny", **decision.binding(question), reason=reason.strip() or "denied")
        if reply is not None:
            self._forget(question.id)
            self.floor.tell(f"{question.id} is denied", Ink.GOOD)

    async def later(self) -> None:
        """Refuse now; it may be allowed once later."""
        question = self.floor.painted()
        if no := decision.why_not_later(question, self.floor.standing()):
            self.floor.tell(no, Ink.WARN)
            return
        assert question is not None
        about = f"later: {question.id} is refused now, and may be allowed once later · enter sends · {question.does}"
        reason = await self.floor.prompt(Prompt("reason the agent reads", about, opened_by="l"))
        if reason is None:
            self.floor.tell("nothing was decided")
            return
        words = reason.strip() or "not now; it may be allowed later"
        if await self.act(question.id, "later", **decision.binding(question), reason=words) is not None:
            self._forget(question.id)
            self.floor.tell(f"{question.id} is refused for now; under Escalations `a` allows it once", Ink.GOOD)

    async def _allow(self, question: Question, standing: Standing) -> None:
        """Mint the one use of what was put off."""
        if no := decision.why_not_allow(question, standing):
            if not standing.read and self.floor.card() is None:
                self.floor.open_card(question)
            self.floor.tell(no, Ink.WARN)
            return
        if question.typed and not await self.typed(question, "allow once"):
            return
        about = f"allow {question.id} once · y and enter allow it, esc leaves it refused · {question.does}"
        if await self.floor.prompt(Prompt("type y", about, must="y", inert=True, opened_by="a")) is None:
            self.floor.tell("nothing was decided")
            return
        reply = await self.act(question.id, "allow_later", escalation=question.id)
        if reply is not None:
            made = f"{reply['grant']}: " if reply.get("grant") else ""
            self.floor.tell(f"{made}{question.id} may run once when its agent asks again (5 shows grants)", Ink.GOOD)

    async def undo(self) -> None:
        """Take a held approval back: the one just given, else the one under the finger."""
        question = self.floor.painted()
        id = self.hold.id if self.hold else question.id if question else None
        if id is None:
            self.floor.tell("there is nothing to take back", Ink.WARN)
            return
        more = self.hold.more if self.hold else ()
        taken = [one for one in (id, *more) if await self.act(one, "undo", escalation=one) is not None]
        if len(taken) == 1 + len(more):
            self._forget(id)
            waits = f"{id} waits" if not more else f"{id} and {len(more)} more wait"
            self.floor.tell(f"taken back: {waits} again", Ink.GOOD)

    async def grant(self) -> None:
        """Approve this and its like within bounds that are typed one after the other."""
        question, standing = self.floor.painted(), self.floor.standing()
        if no := decision.why_not_grant(question, standing):
            self.floor.tell(no, Ink.WARN)
            return
        assert question is not None
        if question.typed and not await self.typed(question, "grant"):
            return
        bounds = await self._bounds(question)
        if bounds is None:
            self.floor.tell("nothing was decided")
            return
        reply = await self.act(question.id, "grant", **decision.binding(question), **bounds)
        if reply is not None:
            target, time, uses = bounds["target"], bounds["minutes"], bounds["uses"]
            self.floor.tell(
                f"{question.id} approved; {target} allowed {uses} times for {time} min (5 shows grants)", Ink.GOOD
            )

    async def break_glass(self) -> None:
        """Approve alone what needs two people."""
        question, standing = self.floor.painted(), self.floor.standing()
        if no := decision.why_not_break_glass(question, standing):
            self.floor.tell(no, Ink.WARN)
            return
        assert question is not None
        about = f"BREAK GLASS on {question.id} · waives the second person, pages, is audited · {question.does}"
        reason = await self.floor.prompt(
            Prompt(
                "reason (needed)",
                about,
                opened_by="B",
                inert=True,
                check=lambda text: "" if text.strip() else "say why",
            )
        )
        if reason is None or not await self.typed(question, "break glass on"):
            self.floor.tell("nothing was decided")
            return
        reply = await self.act(question.id, "break_glass", **decision.binding(question), reason=reason.strip())
        if reply is not None:
            self.floor.tell(f"{question.id} is approved by breaking the glass", Ink.NOTICE)

    async def release(self, session: Session | None) -> None:
        """End a session's park."""
        if session is None or not session.parked_on:
            self.floor.tell("nothing here is parked", Ink.WARN)
            return
        if no := decision.why_not_send(self.floor.standing()):
            self.floor.tell(no, Ink.WARN)
            return
        about = f"release {session.id} ({session.agent or 'no agent'}), parked on {session.parked_on} · enter releases"
        reason = await self.floor.prompt(Prompt("reason", about, opened_by="r", inert=True))
        if reason is None:
            self.floor.tell("nothing was decided")
        elif await self.act(session.id, "release", session=session.id, reason=reason.strip() or "released") is not None:
            self.floor.tell(f"{session.id} may ask again", Ink.GOOD)

    async def revoke(self, grant: Grant | None) -> None:
        """End a grant now."""
        if grant is None or grant.revoked_at:
            self.floor.tell("no live grant is chosen", Ink.WARN)
            return
        if no := decision.why_not_send(self.floor.standing()):
            self.floor.tell(no, Ink.WARN)
            return
        about = f"revoke {grant.id}: {grant.effect} {grant.target} · enter revokes, esc leaves it"
        reason = await self.floor.prompt(Prompt("reason", about, opened_by="x"))
        if (
            reason is not None
            and await self.act(grant.id, "revoke_grant", grant=grant.id, reason=reason.strip()) is not None
        ):
            self.floor.tell(f"{grant.id} is revoked", Ink.GOOD)

    def settled(self, question: Question | None) -> None:
        """What the store now says of the approval that was held here."""
        if self.hold is None or question is None or question.id != self.hold.id or question.row.state == "held":
            return
        self.hold = None
        ink = Ink.GOOD if question.row.state == "approved" else Ink.WARN
        self.floor.tell(f"{question.id}: {question.fate(self.floor.now())}", ink)

    def countdown(self, now: int) -> str:
        """What the status line says while an approval of ours is held."""
        if self.hold is None:
            return ""
        rest = -(-(self.hold.until - now) // 1000)
        if rest <= 0:
            return f"{self.hold.what}: the hold is over, waiting for serve's word"
        return f"approving {self.hold.what} in {rest} s · u takes it back"

    async def _send_approval(self, question: Question, answer: dict[str, Any] | None) -> None:
        words: dict[str, Any] = {**decision.binding(question), "reason": "", "hold": self.floor.hold_seconds()}
        if answer is not None:
            words["answer"] = answer
        reply = await self.act(question.id, "approve", **words)
        if reply is None:
            return
        self.floor.sent(question)
        if not self.held(reply, (question.id,), words["hold"]):
            self.floor.tell(decision.outcome(question, reply, self.floor.now()), Ink.GOOD)

    def held(self, reply: dict[str, Any], ids: tuple[str, ...], seconds: float) -> bool:
        """Remember what a reply says is held; False when it says something else."""
        if reply.get("state") != "held":
            return False
        until = reply.get("hold_until")
        self.hold = Hold(ids[0], until if isinstance(until, int) else self.floor.now() + round(seconds * 1000), ids[1:])
        self.floor.tell("")
        return True

    async def typed(self, question: Question, verb: str) -> bool:
        """Have the target typed out; True when it was."""
        word = decision.to_type(question)
        about = f"{verb} {question.id} · enter goes on, esc decides nothing · {question.does}"
        typed = await self.floor.prompt(Prompt(f"type {word}", about, must=word, inert=True))
        if typed is None:
            self.floor.tell("nothing was decided")
        return typed is not None

    async def _bounds(self, question: Question) -> dict[str, Any] | None:
        where = f"{question.id} and its like, in its session"
        steps: list[tuple[str, str, str, str, Callable[[str], object]]] = [
            ("target", "target pattern", question.target, "", _some),
            ("minutes", f"minutes (1-{decision.MOST_MINUTES})", "15", "", decision.minutes),
            ("uses", "uses (1-100)", "3", "", decision.uses),
            ("reason", "reason", "", "enter approves and grants", str.strip),
        ]
        bounds: dict[str, Any] = {}
        for number, (name, label, filled, more, read) in enumerate(steps, 1):
            chosen = " · ".join(f"{key} {value}" for key, value in bounds.items())
            about = " · ".join(part for part in (where, chosen, more or "enter: next, esc: nothing") if part)
            prompt = Prompt(
                f"{number}/{len(steps)} {label}", about, text=filled, opened_by="A", inert=True, check=_checked(read)
            )
            typed = await self.floor.prompt(prompt)
            if typed is None:
                return None
            bounds[name] = read(typed)
        return bounds

    async def act(self, id: str, do: str, **words: Any) -> dict[str, Any] | None:
        """Send an act once; None when it was refused or not sent, which the status line then says."""
        if id in self.busy:
            self.floor.tell(f"{id}: your last key is still on its way", Ink.WARN)
            return None
        self.busy.add(id)
        try:
            return await self.floor.ask(do, **words)
        except (Refused, ServeDown) as error:
            self.floor.tell(str(error), Ink.BAD)
            return None
        finally:
            self.busy.discard(id)

    def _forget(self, id: str) -> None:
        if self.hold is not None and self.hold.id == id:
            self.hold = None


def _read(standing: Standing) -> Standing:
    return replace(standing, read=True, answered=True)


def _some(text: str) -> str:
    if not text.strip():
        raise ValueError("a target is needed")
    return text.strip()


def _checked(read: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            read(text)
        except ValueError as error:
            return str(error)
        return ""

    return check
