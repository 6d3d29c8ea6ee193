"""Gemini CLI's log lines → records. A message is written again as it grows: only what is new in it is told."""

import re
from collections.abc import Iterator
from typing import Any

from .callbook import About
from .claude_usage import text
from .logfiles import GEMINI
from .record import Answered, Called, Errored, Opened, Prompted, Record, Returned, Skipped, millis
from .results import KEPT, call_digest, denial, digest, exit_code, flat
from .tokens import count, of_gemini

_WORKSPACE = re.compile(r"Workspace Directories:\**\n\s*- (.+)")
KINDS = frozenset({"user", "gemini", "info", "warning", "error"})


class GeminiReader:
    """Turns lines into records. Remembers which calls were told, because their message is written several times."""

    def __init__(self) -> None:
        self.session = ""
        self._told: dict[str, bool] = {}

    def records(self, line: dict[str, Any]) -> Iterator[Record]:
        """The records of one parsed line; also of a whole legacy document."""
        if "sessionId" in line:
            self.session = text(line.get("sessionId"))
            folders = line.get("directories")
            cwd = text(folders[0]) if isinstance(folders, list) and folders else ""
            yield Opened(millis(line.get("startTime")), "", self.session, GEMINI, "", cwd)
        changed = line.get("$set")
        for listed in (line.get("messages"), changed.get("messages") if isinstance(changed, dict) else None):
            for message in listed if isinstance(listed, list) else ():
                if isinstance(message, dict):
                    yield from self._message(message)
        if "type" in line:
            yield from self._message(line)
        elif not ({"sessionId", "$set", "$rewindTo"} & line.keys()):
            yield Skipped(0, "", "no type")

    def _message(self, line: dict[str, Any]) -> Iterator[Record]:
        kind, at = text(line.get("type")), millis(line.get("timestamp"))
        if kind == "gemini":
            yield from self._answer(line, at)
        elif kind == "user":
            yield from self._prompt(line, at)
        elif kind == "error":
            yield Errored(at, "", flat(line.get("content"))[:KEPT], 0, True)
        elif kind not in KINDS:
            yield Skipped(at, "", kind or "no type")

    def _prompt(self, line: dict[str, Any], at: int) -> Iterator[Record]:
        content = line.get("content")
        returned = isinstance(content, list) and any(
            isinstance(one, dict) and "functionResponse" in one for one in content
        )
        said = flat(content)
        folder = _WORKSPACE.search(said[:4_000]) if said.startswith("<session_context>") else None
        if folder:
            yield Opened(at, "", self.session, GEMINI, "", folder[1].strip())
        if said and not returned and self._first(f"user {line.get('id')}"):
            yield Prompted(at, "", said[:KEPT], not said.startswith("<session_context>"))

    def _first(self, what: str) -> bool:
        """Whether it is told for the first time."""
        if what in self._told:
            return False
        self._told[what] = True
        return True

    def _answer(self, line: dict[str, Any], at: int) -> Iterator[Record]:
        identity, used = text(line.get("id")), line.get("tokens")
        if isinstance(used, dict) and any(map(count, used.values())):
            scope = "" if len(identity) >= 32 else self.session
            about = About(GEMINI, text(line.get("model")) or "unknown", text(line.get("timestamp"))[:10], self.session)
            said = flat(line.get("content"))[:KEPT]
            yield Answered(at, "", f"gemini\0{scope}\0{identity}", "", about, 0, of_gemini(used), said)
        calls = line.get("toolCalls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                yield from self._call(call, at)

    def _call(self, call: dict[str, Any], at: int) -> Iterator[Record]:
        identity, tool, given = text(call.get("id")), text(call.get("name")), call.get("args")
        given = given if isinstance(given, dict) else {}
        agent = text(call.get("agentId"))
        if self._first(f"call {identity}"):
            paths = tuple(
                text(given[word]) for word in ("file_path", "absolute_path") if isinstance(given.get(word), str)
            )
            yield Called(at, agent, identity, tool, call_digest(tool, given), text(given.get("command"))[:KEPT], paths)
        status = call.get("status")
        if status in ("success", "error", "cancelled") and self._first(f"result {identity}"):
            yield self._result(call, identity, agent, status, millis(call.get("timestamp")) or at)

    def _result(self, call: dict[str, Any], identity: str, agent: str, status: str, at: int) -> Returned:
        said = text(call.get("resultDisplay")) or flat(call.get("result"))
        shown = call.get("resultDisplay")
        added = removed = 0
        paths: tuple[str, ...] = ()
        if isinstance(shown, dict):
            stat = shown.get("diffStat")
            stat = stat if isinstance(stat, dict) else {}
            added, removed = count(stat.get("model_added_lines")), count(stat.get("model_removed_lines"))
            paths = (shown["filePath"],) if isinstance(shown.get("filePath"), str) else ()
        code = exit_code(said)
        failed = status == "error" or bool(code)
        who = "user" if status == "cancelled" else denial(said, failed)
        failed = failed or status == "cancelled"
        return Returned(at, agent, identity, failed, code, who, digest(said), said[:KEPT], added, removed, paths)
