"""The doctor's look at the clients: their settings, the hook in them, and a call through the very installed command."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from sreconsole.gate import hook_file, settings_file, standing
from sreconsole.gate.doctor import Check, Visit, bad, ok, warn
from sreconsole.gate.doctor_serve import listener
from sreconsole.gate.install import NotYours
from sreconsole.gate.settings_file import Unusable
from sreconsole.gate.standing import Standing
from sreconsole.gate.wiring import Wire

PATIENCE = 1.6
"""Seconds a call, or the client's word on its version, may take."""

NEEDED = (2, 1, 295)
"""First Claude Code that knows `onFailure`: before it, a hook that dies lets the tool run."""

INSTALL = "sreconsole hooks install claude-code"


class Clients:
    """One visit to the clients' settings. `doubts` say why the wiring, however whole, enforces nothing."""

    def __init__(self, visit: Visit, hello: Mapping[str, Any] | None) -> None:
        self.visit = visit
        self.hello = hello
        self.doubts: list[str] = []

    def checks(self) -> list[Check]:
        """What is found of the clients."""
        try:
            every = standing.standings(self.visit.home, self.visit.project, self.visit.managed)
        except (Unusable, NotYours) as problem:
            self.doubts.append("what was installed cannot be read")
            return [bad("hooks", str(problem), INSTALL)]
        wired = [one for one in every if one.found or one.recorded]
        with ThreadPoolExecutor(8) as pool:
            version = pool.submit(client_version, self.visit.environ)
            calls = [pool.submit(self._through, one) for one in wired if one.found]
            found = [*self._settings(wired), *self._files(wired), *(check for call in calls for check in call.result())]
            return [*found, *self._off(every), self._version(version.result())]

    def _settings(self, wired: list[Standing]) -> list[Check]:
        if not wired:
            self.doubts.append("no client is wired")
            return [bad("hooks", "no client runs the gate", INSTALL)]
        if not any(one.scope == "managed" and one.wired for one in wired):
            self.doubts.append("the hooks are in settings that an agent of the same user can rewrite, and that a project's "
                               "settings can switch off; managed settings cannot be")  # fmt: skip
        found = []
        for one in wired:
            name, words = f"hooks {one.scope}", f"{one.path}: {one.words}"
            if one.wired and not one.problem:
                found.append(ok(name, words))
            else:
                self.doubts.append(f"{one.path} does not run the gate as it was installed")
                found.append(bad(name, words, _again(one)))
        return found

    def _files(self, wired: list[Standing]) -> list[Check]:
        """The hook files that installed commands run, against the ones this version would install.

        Only what is on record is run or read here: a repository's settings may name any program.
        """
        found = []
        for wire in {one.installed for one in wired if one.installed is not None}:
            expected = {
                path.name: content for path, content in self._prepared(wire.python).files(wire.hook.parent).items()
            }
            words = f"{wire.hook}, run by {wire.python}"
            if problem := hook_file.unfit(wire.python, self.visit.home.kind == "system"):
                found.append(bad("interpreter", f"{wire.python}: {problem}", INSTALL))
            try:
                content = wire.hook.read_bytes()
            except OSError as error:
                found.append(bad("hook file", f"{wire.hook}: {error.strerror}: every call is refused", INSTALL))
                continue
            if wire.hook.name not in expected:
                found.append(warn("hook file", f"{words}: of another version of sreconsole", INSTALL))
            elif content != expected[wire.hook.name]:
                found.append(bad("hook file", f"{words}: not what this sreconsole installs", INSTALL))
            else:
                found.append(ok("hook file", f"{words}, {settings_file.digest(content)[:12]}"))
        return found

    @cached_property
    def _kept(self) -> dict[Path, hook_file.HookFile]:
        return {}

    def _prepared(self, python: Path) -> hook_file.HookFile:
        if python not in self._kept:
            self._kept[python] = hook_file.prepared(python)
        return self._kept[python]

    def _through(self, one: Standing) -> list[Check]:
        """A call through the installed command must come back as our own refusal."""
        wire, name, command = one.installed, f"call {one.scope}", one.recorded.get("PreToolUse", "")
        if wire is None or one.found.get("PreToolUse") != [command]:
            self.doubts.append(f"{one.path} does not ask this gate before a tool runs")
            return [
                bad(name, f"{one.path}: not tried: PreToolUse does not run what was installed from here", _again(one))
            ]
        if problem := self._other_end(wire):
            self.doubts.append("the hook does not reach this gate")
            return [
                bad(name, f"not tried: {problem}", INSTALL if self.hello is not None else "sreconsole service install")
            ]
        answer = synthetic(command, self.visit.environ)
        if answer:
            self.doubts.append("a call through the installed hook was not answered by the gate")
            return [bad(name, f"{one.path}: {answer}", _again(one))]
        return [ok(name, f"{one.path}: a call through the installed command came back refused by this gate")]

    def _other_end(self, wire: Wire) -> str:
        """Why the baked-in socket and user are not this home's gate ("" if they are)."""
        seen = listener(wire.socket)
        if seen is None:
            return f"nobody listens on {wire.socket}, so every call is refused"
        if seen[1] != wire.uid:
            return f"{wire.socket} belongs to user {seen[1]}, the hook trusts user {wire.uid}: every call is refused"
        if self.hello is not None and seen[0] != self.hello.get("pid"):
            return f"{wire.socket} is another serve's (pid {seen[0]}), not this home's"
        return ""

    def _off(self, every: list[Standing]) -> list[Check]:
        """Settings and variables that switch hooks off. Managed hooks run all the same, unless managed settings say so."""
        managed = any(one.wired and one.scope == "managed" for one in every)
        against = [(one, words) for one in every for words in one.off if one.scope == "managed" or not managed]
        found = [
            bad("hooks on", f"{one.path}: {words}", f"$EDITOR {shlex.quote(str(one.path))}") for one, words in against
        ]
        if not managed:
            found += [
                bad("hooks on", words, f"unset {standing.SIMPLE}") for words in standing.variables(self.visit.environ)
            ]
        only = next((one for one in every if one.only_managed), None)
        if only is not None and not managed:
            found.append(bad("hooks on", f"{only.path}: only managed hooks run, and the gate is not among them",
                             f"sudo {INSTALL} --scope managed"))  # fmt: skip
        found += [bad("hooks on", one.problem, _again(one)) for one in every if one.problem and not one.recorded]
        self.doubts += [one.found for one in found]
        if found:
            return found
        idle = [str(one.path) for one in every if one.off]
        if idle:
            return [ok("hooks on", f"{', '.join(idle)} switch hooks off, but not managed ones")]
        return [ok("hooks on", "no settings here switch hooks off")]

    def _version(self, said: str) -> Check:
        found = re.match(r"(\d+)\.(\d+)\.(\d+)", said)
        needed = ".".join(str(one) for one in NEEDED)
        if found is None:
            self.doubts.append("the client's version is not known")
            return warn("client", f"{said}; the gate needs Claude Code {needed} or newer", "claude --version")
        if tuple(int(one) for one in found.groups()) < NEEDED:
            self.doubts.append(f"Claude Code {found[0]} lets a tool run when its hook dies")
            return bad("client", f"Claude Code {found[0]} does not know onFailure: needs {needed}", "claude update")
        return ok("client", f"Claude Code {found[0]}")


def client_version(environ: Mapping[str, str]) -> str:
    """What Claude Code says its version is, or why nothing is known. $SRECONSOLE_CLAUDE names one off the PATH."""
    binary = environ.get("SRECONSOLE_CLAUDE") or shutil.which("claude", path=environ.get("PATH"))
    if not binary:
        return "Claude Code is not on the PATH"
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False,
                              env={**environ, "DISABLE_AUTOUPDATER": "1"}, stdin=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{binary} did not say its version within {PATIENCE} s"
    except OSError as error:
        return f"{binary}: {error.strerror}"
    return done.stdout.strip()[:200] or f"{binary} says nothing"


def synthetic(command: str, environ: Mapping[str, str]) -> str:
    """Run an installed command as the client would, with a call that the gate always refuses.

    Returns "" when the refusal came and names this very call, else what came instead.
    """
    session = f"sreconsole-doctor-{secrets.token_hex(8)}"
    payload = {
        "session_id": session, "transcript_path": "", "cwd": "/", "hook_event_name": "PreToolUse",
        "permission_mode": "default", "tool_name": "Bash", "tool_input": {"command": "true"}, "tool_use_id": session,
    }  # fmt: skip
    kept = {name: value for name, value in environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=kept, cwd="/", start_new_session=True)  # fmt: skip
    try:
        out, err = process.communicate(json.dumps(payload).encode(), timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        # Its own group, started here: the shell and the hook under it.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"no answer within {PATIENCE} s"
    try:
        said = json.loads(out)["hookSpecificOutput"]
        decision, reason = said["permissionDecision"], str(said["permissionDecisionReason"])
    except (ValueError, KeyError, TypeError):
        words = (err or out).decode(errors="replace").strip().splitlines()[:1] or ["nothing"]
        return f"exit {process.returncode}, and not the gate's answer: {words[0][:200]}"
    if process.returncode == 0 and decision == "deny" and session in reason:
        return ""
    return f"exit {process.returncode}, {decision}: {reason[:200]}"


def _again(one: Standing) -> str:
    extra = "" if one.scope == "user" else f" --scope {one.scope}"
    project = f" --project {shlex.quote(str(one.path.parent.parent))}" if one.scope == "project" else ""
    return f"{'sudo ' if one.scope == 'managed' else ''}{INSTALL}{extra}{project}"
