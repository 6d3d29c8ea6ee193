"""The worker that reads what agents send: parses, redacts and judges, in a process that may die of it.

Frames on standard input: one JSON line, then `size` raw bytes. One JSON line back for each, in order.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sreconsole.agents import repository
from sreconsole.gate import ask, claude_code
from sreconsole.gate.call import Call, Unreadable
from sreconsole.policy.action import Action, Effect, Verdict, asked
from sreconsole.policy.files import branch
from sreconsole.policy.judge import Facts, judge
from sreconsole.policy.policy import Policy, load
from sreconsole.policy.problems import PolicyError
from sreconsole.policy.repositories import Repositories, broken
from sreconsole.serve import deeds
from sreconsole.text.canonical import canonical
from sreconsole.text.redact import redact, redact_value
from sreconsole.text.safe import look, safe

READERS = {claude_code.CLIENT: claude_code.read, ask.CLIENT: ask.read}

ASKING = ("question", "plan", "elicitation", "ask")
"""Kinds that are a person's to answer, whatever the policy."""

ENDS = ("PostToolUse", "PostToolUseFailure")

PRODUCTION = "prod"
"""The environment in which every tier-3 question asks to type its target, whether or not its rule says so."""

REMEMBERED = 30.0
"""Seconds for which a folder's repository is not looked up again."""

SUMMARY = 240
"""Characters of a summary: what full-text search covers and a row shows."""

MOST_FOLDERS = 1000

LARGEST = 4 * 1024 * 1024
"""Bytes of redacted arguments a human could still be shown; more is refused."""

MEMORY = 3 * 1024**3


class Judge:
    """Reads calls under one policy."""

    def __init__(self) -> None:
        self.policy: Policy | None = None
        self._paths: list[str] = []
        self._day = date.min
        self._guarded: tuple[str, ...] = ()
        self._files = deeds.Reader()
        self._key = b""
        self._own: Repositories | None = None
        self._repositories: dict[str, tuple[float, tuple[str, ...]]] = {}

    def load(self, paths: list[str], guarded: list[str] | None = None, key: str = "") -> dict[str, Any]:
        """Load the policy over the starter policy; a bad one changes nothing and is reported line by line.

        `key` (hexadecimal) is the home's key for fingerprints of secrets.
        """
        self._key = bytes.fromhex(key) or self._key
        today = datetime.now(UTC).date()
        try:
            self.policy = load([Path(path) for path in paths], today, starter=True)
        except PolicyError as error:
            return {"ok": False, "problems": error.problems}
        self._paths, self._day = paths, today
        self._own = Repositories(self.policy, today, self._files)
        self._guarded = tuple(guarded) if guarded is not None else self._guarded
        return {"ok": True, "version": self.policy.version}

    def moved(self, paths: list[str]) -> None:
        """The files that were loaded stand elsewhere now."""
        self._paths = paths

    def call(
        self, client: str, event: str, raw: bytes, home: str, remembered: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Everything `serve` needs to know about one hook call, redacted and made safe.

        `remembered` maps paths to scripts as this session wrote them, where the disk shows something else.
        """
        if self.policy and datetime.now(UTC).date() != self._day:
            # Exceptions end by date: a new day is a new policy, from the same files.
            self.load(self._paths)
        try:
            reader = READERS.get(client)
            if reader is None:
                raise Unreadable(f"unknown client {client}")
            call = reader(raw, event)
        except Unreadable as problem:
            return {"ok": False, "problem": str(safe(str(problem)))[:300]}
        named = _without_secrets(call)
        arguments, kinds = redact_value(dict(call.input))
        news, more = redact_value(dict(call.news))
        shown = canonical(arguments)
        seen = look(_essence(call, arguments))
        result: dict[str, Any] = {
            "ok": True, "kind": call.kind, "event": call.event, "session": named.session, "cwd": named.cwd,
            "subagent": named.subagent, "subagent_type": str(safe(named.subagent_type)), "tool": str(safe(named.tool)),
            "call": named.call,
            "mode": named.mode, "transcript": named.transcript, "input": arguments if len(shown) <= LARGEST else {},
            "too_large": len(shown) > LARGEST, "news": news, "choices": redact_value(list(call.choices))[0],
            "kinds": sorted({*kinds, *more}), "summary": str(seen.text)[:SUMMARY], "hidden": seen.hidden,
            "warning": seen.warning, "repositories": self.repositories(call.cwd),
        }  # fmt: skip
        if call.kind in ("tool", "permission", *ASKING):
            result.update(self.verdict(call, home, remembered))
            result["place"] = self._place(call.cwd)
        elif call.event in ENDS and self.policy:
            result["conduct"] = deeds.of_end(
                call, self.policy, self._files.project(call.cwd), self._files, home, bool(more), self._key
            )
        return result

    def verdict(self, call: Call, home: str, remembered: dict[str, str] | None = None) -> dict[str, Any]:
        """The tier of a call with its reasons; without a usable policy everything is refused."""
        action = Action(call.client, call.tool, call.input, call.cwd, call.session, call.subagent, home=home)
        conduct: dict[str, Any] = {}
        if self.policy is None or self._own is None:
            verdict = Verdict(4, "gate.no-policy", "there is no usable policy, so nothing is allowed",
                              instead="wait until a human has mended the policy (sreconsole policy check)")  # fmt: skip
            version = ""
        elif call.kind in ASKING:
            verdict, version = _asking(call), self.policy.version
        else:
            own = self._own.at(call.cwd)
            facts = self._facts(call.cwd)
            self._files.seen.clear()
            verdict, version = judge(action, own.policy, facts), own.policy.version
            if remembered:
                # What is there now, or what was written before: whichever is worse is what may run.
                before = judge(action, own.policy, replace(facts, remembered=remembered))
                verdict = max(verdict, before, key=lambda one: one.tier)
            verdict = broken(verdict, own.problem)
            conduct = deeds.of_call(call, action, verdict.effects, own.policy, facts.project, self._files, self._key)
        if verdict.tier == 3 and verdict.environment == PRODUCTION and not verdict.confirm:
            verdict = replace(verdict, confirm="type")
        body = {**_fields(verdict), "effects": [_fields(effect) for effect in verdict.effects]}
        return {"asked": asked(action), "verdict": redact_value(body)[0], "policy": version, "conduct": conduct}

    def _place(self, cwd: str) -> str:
        """A folder within its repository ("" outside of one): questions from equal places may be alike."""
        project = self._files.project(cwd)
        return os.path.relpath(cwd, project) if project else ""

    def _facts(self, cwd: str) -> Facts:
        project = self._files.project(cwd)
        return Facts(self._files, project, branch(self._files, project), guarded=self._guarded)

    def repositories(self, cwd: str) -> tuple[str, ...]:
        """The names of the repository around a folder. Here and not in `serve`: a folder can hang who looks at it."""
        now = time.monotonic()
        known = self._repositories.get(cwd)
        if known is None or now > known[0]:
            if len(self._repositories) > MOST_FOLDERS:
                self._repositories.clear()
            known = self._repositories[cwd] = (now + REMEMBERED, repository.names(cwd))
        return known[1]

    def again(self, client: str, tool: str, arguments: dict[str, Any], cwd: str, home: str = "") -> dict[str, Any]:
        """The verdict of a stored, redacted or of an edited action under the policy of now."""
        call = Call(client, "PreToolUse", claude_code.QUESTIONS.get(tool, "tool"), "", cwd, tool=tool, input=arguments)
        return {"ok": True, **self.verdict(call, home)}


def _without_secrets(call: Call) -> Call:
    """The call with nothing secret in its names. What is taken out leaves a mark, so that two stay two."""
    return replace(
        call, session=_marked(call.session), subagent=_marked(call.subagent), subagent_type=_marked(call.subagent_type),
        tool=_marked(call.tool), call=_marked(call.call), mode=_marked(call.mode), transcript=_marked(call.transcript),
        cwd=_marked(call.cwd),
    )  # fmt: skip


def _marked(name: str) -> str:
    shown = redact(name).text
    return name if shown == name else f"{shown}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _fields(record: Verdict | Effect) -> dict[str, Any]:
    """What a record holds, by name. Not `asdict`, which copies everything that redaction copies again."""
    return {name: getattr(record, name) for name in type(record).__slots__}


def _asking(call: Call) -> Verdict:
    """What the agent asks a person is always a person's to answer."""
    words = {"plan": "asks to go on with its plan", "elicitation": "is asked for input"}.get(
        call.kind, "asks a question"
    )
    verdict = Verdict(3, f"agent.{call.kind}", "the agent asks a person", does=words, target=call.tool or call.kind)
    if call.kind == "ask":
        # It has no dialog of its own for the person who may sit there.
        return replace(verdict, wait=float(call.news["wait"]), attended="gate")
    return verdict


def _essence(call: Call, arguments: dict[str, Any]) -> str:
    """What a row shows of a call: its command, its file, its question; else all of its arguments."""
    for name in ("command", "file_path", "notebook_path", "url", "plan", "prompt", "pattern"):
        if isinstance(value := arguments.get(name), str) and value:
            return value
    if call.choices:
        return str(redact(str(call.choices[0].get("question", ""))).text)
    if call.tool:
        return canonical(arguments).decode(errors="replace")
    words = (
        call.news.get(name) for name in ("last_assistant_message", "prompt", "message", "error", "source", "reason")
    )
    return redact(next((word for word in words if isinstance(word, str) and word), call.event)).text


def answer(judge: Judge, request: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """The reply to one frame."""
    match request["do"]:
        case "policy":
            return judge.load(request["paths"], request["guarded"], request.get("key", ""))
        case "paths":
            judge.moved(request["paths"])
            return {"ok": True}
        case "call":
            return judge.call(
                request["client"], request["event"], raw, request.get("home", ""), request.get("remembered")
            )
        case "again":
            return judge.again(
                request["client"], request["tool"], request["input"], request["cwd"], request.get("home", "")
            )
    return {"ok": False, "problem": f"unknown request {request['do']}"}


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer frames until the source ends."""
    judge = Judge()
    while line := source.readline():
        request = json.loads(line)
        raw = source.read(request.get("size", 0))
        try:
            reply = answer(judge, request, raw)
        except RecursionError:
            reply = {"ok": False, "problem": "nested too deeply to be read"}
        sink.write(json.dumps(reply).encode() + b"\n")
        sink.flush()


def main() -> None:
    """Run as `python -m sreconsole.serve.judge`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    work(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
