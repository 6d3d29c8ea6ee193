"""Tells a session as records, for tests of state and detectors: `now` moves on by itself."""

import itertools

from sreconsole.sessions.callbook import About
from sreconsole.sessions.record import Answered, Called, Compacted, Opened, Prompted, Record, Returned, TurnEnded
from sreconsole.sessions.results import call_digest, digest
from sreconsole.sessions.session import Session, fold
from sreconsole.sessions.tokens import Tokens

START = 1_772_359_200_000  # 2026-03-01T10:00:00Z
SECOND, MINUTE = 1_000, 60_000


class Story:
    def __init__(self, client: str = "claude-code", model: str = "claude-opus-4-5", began: int = START) -> None:
        self.now, self.model, self.client = began, model, client
        self.session = Session()
        self._ids = itertools.count(1)
        self.tell(Opened(self.now, "", "s1", client, "2.1.100", "/home/dev/proj", "main"))

    def tell(self, *records: Record) -> "Story":
        for record in records:
            self.session = fold(self.session, record, self.now)
        return self

    def wait(self, milliseconds: int) -> "Story":
        self.now += milliseconds
        return self

    def prompt(self, text: str = "go", by_human: bool = True, agent: str = "") -> "Story":
        return self.wait(SECOND).tell(Prompted(self.now, agent, text, by_human))

    def answer(self, text: str = "", tokens: Tokens = Tokens(100, 50), agent: str = "") -> "Story":
        self.wait(SECOND)
        about = About(self.client, self.model, "2026-03-01", "s1", agent)
        return self.tell(Answered(self.now, agent, f"m{next(self._ids)}", "r", about, 0, tokens, text))

    def open(
        self,
        tool: str,
        command: str = "",
        path: str = "",
        agent: str = "",
        asks: bool = False,
        background: bool = False,
    ) -> str:
        """Calls a tool and leaves it open; returns the call's id."""
        self.wait(SECOND)
        call, paths = f"t{next(self._ids)}", (path,) if path else ()
        given = {"command": command, "file_path": path}
        self.tell(Called(self.now, agent, call, tool, call_digest(tool, given), command, paths, asks, background))
        return call

    def close(
        self,
        call: str,
        text: str = "",
        failed: bool = False,
        exit: int | None = None,
        denied: str = "",
        agent: str = "",
        **more: object,
    ) -> "Story":
        self.wait(SECOND)
        return self.tell(Returned(self.now, agent, call, failed, exit, denied, digest(text), text, **more))  # type: ignore[arg-type]

    def run(self, command: str, text: str = "ok", exit: int = 0, tool: str = "Bash", agent: str = "") -> "Story":
        return self.close(self.open(tool, command, agent=agent), text, exit != 0, exit, agent=agent)

    def edit(self, path: str = "/home/dev/proj/a.py", text: str = "done") -> "Story":
        return self.close(self.open("Edit", path=path), f"{text}{next(self._ids)}", added=1, removed=1, paths=(path,))

    def refuse(self, command: str, denied: str = "policy", tool: str = "Bash") -> "Story":
        return self.close(self.open(tool, command), "refused", True, None, denied)

    def compact(self) -> "Story":
        return self.wait(SECOND).tell(Compacted(self.now, "", "auto", 150_000, 20_000))

    def end(self, how: str = "complete") -> "Story":
        return self.wait(SECOND).tell(TurnEnded(self.now, "", how))
