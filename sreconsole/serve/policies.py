"""The policy files: found, snapshotted, compared, and never replaced by a bad one."""

from __future__ import annotations

import difflib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sreconsole.gate import escalation as life
from sreconsole.gate.settings_file import contents
from sreconsole.paths import Home
from sreconsole.policy.action import bind
from sreconsole.policy.folder import files_of
from sreconsole.serve import peers
from sreconsole.serve.judges import Judges, Poison, PolicyBroken
from sreconsole.serve.questions import Moved, Questions, Unknown
from sreconsole.store.escalations import Escalation
from sreconsole.text.canonical import canonical


@dataclass(frozen=True, slots=True)
class Candidate:
    """A copy of the policy files as they were at one moment; `problems` names those that could not be read."""

    folder: Path
    paths: list[str]
    text: str
    problems: list[str]


class Policies:
    """A home's policy: `policy.yaml` and `policy.d/*.yaml`, over the starter policy that comes with sreconsole."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._good = home.state / "policy"

    def files(self) -> list[Path]:
        """The files in force, in order."""
        return files_of(self._home.config)

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes whenever a file or the configuration does."""
        marks = []
        for path in [*self.files(), self._home.settings]:
            if seen := _look(path):
                marks.append((str(path), seen.st_mtime_ns, seen.st_size))
        return tuple(marks)

    def author(self) -> str:
        """The owner of the file changed last."""
        seen = [one for path in self.files() if (one := _look(path))]
        return peers.user(max(seen, key=lambda one: one.st_mtime_ns).st_uid) if seen else "sreconsole"

    def candidate(self) -> Candidate:
        """Copy the files, so that all workers read the same bytes.

        Raises PolicyBroken for a file that cannot be read, and on a system install for one that is not root's alone.
        """
        if self._home.kind == "system" and (loose := [what for one in self._places() if (what := foreign(one))]):
            raise PolicyBroken(loose)
        folder = self._good.with_name("policy.next")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        paths, texts, problems = [], [], []
        for path in self.files():
            copy = folder / path.name
            paths.append(str(copy))
            try:
                content = contents(path)
            except OSError as error:
                # Without its copy no worker can load the candidate either.
                problems.append(f"{path}: cannot be read: {error.strerror}")
                continue
            copy.write_bytes(content)
            texts.append(f"# {path.name}\n{content.decode(errors='replace')}")
        return Candidate(folder, paths, "".join(texts), problems)

    def _places(self) -> list[Path]:
        """Whatever decides which policy is read: the folders, and the files in them."""
        folder = self._home.config / "policy.d"
        return [self._home.config, *([folder] if folder.is_dir() else []), *self.files()]

    def keep(self, candidate: Candidate) -> str:
        """Make a candidate the good one; the unified diff to the one before ("" if nothing changed)."""
        mark = self._good / "text"
        before = mark.read_text() if mark.exists() else ""
        if before == candidate.text:
            return ""
        old = self._good.with_name("policy.old")
        shutil.rmtree(old, ignore_errors=True)
        (candidate.folder / "text").write_text(candidate.text)
        (candidate.folder / "order").write_text(json.dumps([Path(path).name for path in candidate.paths]))
        if self._good.exists():
            self._good.rename(old)
        candidate.folder.rename(self._good)
        lines = difflib.unified_diff(before.splitlines(), candidate.text.splitlines(), "before", "after", lineterm="")
        return "\n".join(lines)

    def last_good(self) -> list[str]:
        """The files of the last policy that loaded, or none."""
        order = self._good / "order"
        return [str(self._good / name) for name in json.loads(order.read_text())] if order.exists() else []

    def tampered(self, path: str) -> str:
        """What is wrong with a changed client settings file: gone, unreadable, hooks off, or our gate missing."""
        record = self._home.hooks / "installed.json"
        installed = json.loads(record.read_text()) if record.exists() else {}
        try:
            settings = json.loads(contents(Path(path)))
        except FileNotFoundError:
            return f"{path} was removed, and the gate's hooks with it" if path in installed else ""
        except (OSError, ValueError, RecursionError):
            return f"{path} cannot be read any more"
        if not isinstance(settings, dict):
            return f"{path} is not a JSON object any more"
        if settings.get("disableAllHooks"):
            return f"{path} switches all hooks off"
        if path in installed and not _still_there(settings, installed[path]):
            return f"{path} no longer runs the gate's hooks"
        return ""

    async def judge_again(self, e: Escalation, questions: Questions, judges: Judges) -> None:
        """One waiting question under the new policy: bound anew if it still waits, let go or refused if not."""
        try:
            if e.state == life.State.HELD:
                e = await questions.withdraw(e.id, None, "the policy changed")
            waiter = questions.waiters.get(e.id)
            if waiter:
                # What is stored is redacted, and a secret's place may hold a command: judge what would run.
                again = await judges.call(e.client, "PreToolUse", waiter.raw, waiter.home)
                if not again["ok"]:
                    return
            else:
                again = await judges.again(e.client, e.tool, json.loads(e.input), e.cwd)
            verdict = again["verdict"]
            tier = int(verdict["tier"])
            if json.loads(e.verdict).get("raised") and tier <= e.tier:
                # What raised it is the session's conduct, which a new policy does not undo.
                verdict, tier = {}, e.tier
            if tier == e.tier:
                digest = bind(
                    e.asked, cwd=e.cwd, session=e.session, subagent=e.subagent, agent=e.agent, policy=again["policy"]
                )
                kept = {**json.loads(e.verdict), **verdict}
                text = canonical(kept).decode()
                await questions.step(e.id, lambda row, now: life.rebind(row, digest, again["policy"], text, tier, now), None,
                                     note="the policy changed")  # fmt: skip
                return
            why = f"the policy changed: this is tier {tier} now"
            if not waiter:
                why = "the policy changed while nobody waited"
                await questions.step(e.id, lambda row, now: life.invalidate(row, why, now), None, note=why)
                return
            await questions.step(e.id, lambda row, now: life.retier(row, tier, why, now), None, note=why)
        except (life.Late, Moved, Unknown, Poison):
            # Decided meanwhile; or unreadable, in which case it goes on waiting as it was.
            return


def _look(path: Path) -> os.stat_result | None:
    """What is to be said of a file, or of the link that leads nowhere; None when there is neither."""
    for follow in (True, False):
        try:
            return path.stat(follow_symlinks=follow)
        except OSError:
            continue
    return None


def _still_there(settings: dict[str, object], commands: dict[str, str]) -> bool:
    """Whether each event still runs the command that was installed."""
    hooks = settings.get("hooks")
    if not isinstance(hooks, dict):
        return False
    text = {event: json.dumps(entries) for event, entries in hooks.items()}
    return all(json.dumps(command)[1:-1] in text.get(event, "") for event, command in commands.items())


def foreign(path: Path) -> str:
    """What lets others than root change a file or folder of a system's policy, with the fix; "" if nothing does."""
    try:
        seen = path.stat()
    except OSError as error:
        return f"{path}: cannot be looked at: {error.strerror}"
    if seen.st_uid != 0:
        return f"{path}: belongs to {peers.user(seen.st_uid)}, not to root, so nothing is read: chown root {path}"
    if seen.st_mode & 0o022:
        mode = seen.st_mode & 0o777
        return f"{path}: others than root may write it (mode {mode:04o}), so nothing is read: chmod go-w {path}"
    return ""
