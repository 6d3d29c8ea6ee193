"""What a call means for its session's conduct, found in the worker: what it costs, the steps of chains it makes, the
fingerprints it carries. Only plain data leaves, and of secrets only marks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sreconsole.gate.call import Call
from sreconsole.policy import budgets, chains
from sreconsole.policy.action import Action, Effect
from sreconsole.policy.files import MAX_SCRIPT, RealFiles
from sreconsole.policy.paths import surroundings
from sreconsole.policy.policy import Policy
from sreconsole.text import fingerprint
from sreconsole.text.redact import redact

MOST_READ = 16
MOST_FILES = 1000
_WRITES = ("content", "file_text", "new_string", "new_str", "edits")


class Reader(RealFiles):
    """The local disk, remembering which texts were looked at for one verdict."""

    def __init__(self) -> None:
        self.seen: dict[str, str | None] = {}

    def read(self, path: str) -> str | None:
        """Text of a regular file of at most 64 KiB, or None."""
        text = super().read(path)
        self.seen[path] = text
        return text

    def size(self, path: str) -> int:
        """Lines of a regular file of at most 64 KiB, or -1."""
        text = super().read(path)
        return -1 if text is None else text.count("\n") + (not text.endswith("\n") and text != "")

    def texts(self) -> dict[str, list[str]]:
        """Real path to [hash of what is there ("" if unreadable), path as it was asked for]; git's own files apart."""
        looked = [(path, text) for path, text in self.seen.items() if "/.git" not in path][:MOST_READ]
        return {self.real(path): ["" if text is None else content_mark(text), path] for path, text in looked}


def content_mark(text: str) -> str:
    """A script's content, by hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def of_call(
    call: Call, action: Action, effects: Sequence[Effect], policy: Policy, project: str, files: Reader, key: bytes
) -> dict[str, Any]:
    """What a call about to run would cost and do."""
    place = surroundings(action.cwd, action.home, files, project)
    spent = budgets.spent(
        action.tool, action.input, [(one.kind, one.target, one.environment) for one in effects], files.size
    )
    looked_at = [*effects, *_wrote(effects, marks := _marks(action, effects, key))]
    steps = chains.steps(policy, action, looked_at, place)
    proof = any(step.uses for step in steps)
    answer = chains.answer(policy) if any(not one.kind.endswith(".read") for one in effects) else None
    text = str(action.input.get("command", ""))
    return {
        "cost": {name: count for name, count in spent.cost(0).items() if count},
        "files": [hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:24] for path in spent.files[:MOST_FILES]],
        "steps": [_step(step) for step in steps],
        "taken": [redact(one).text for one in chains.sources(text, effects)] if proof else [],
        "answer": _answer(answer), "budgets": dict(policy.budgets), "marks": list(marks),
        "words": fingerprint.words(dict(action.input), key) if proof else [],
        "read": files.texts() if text else {}, "script": _script(call, effects, files),
    }  # fmt: skip


def of_end(
    call: Call, policy: Policy, project: str, files: Reader, home: str, found: bool, key: bytes
) -> dict[str, Any]:
    """What the end of a call shows: the secrets in its response (`found` says whether there are any)."""
    if not found:
        return {"marks": [], "steps": []}
    shown = {name: value for name, value in call.news.items() if name in ("tool_response", "error")}
    marks = fingerprint.marks(shown, key)
    action = Action(call.client, call.tool, call.input, call.cwd, call.session, call.subagent, home=home)
    place = surroundings(call.cwd, home, files, project)
    effect = Effect("secret.read", facts={"secret": "shown", "traits": (), "tier": 1})
    return {
        "marks": list(marks),
        "steps": [_step(one) for one in chains.steps(policy, action, [effect], place)] if marks else [],
    }


def _marks(action: Action, effects: Sequence[Effect], key: bytes) -> dict[str, str]:
    """Secrets a call is about to write somewhere."""
    if not any(one.kind in ("fs.write", "secret.write") for one in effects):
        return {}
    return fingerprint.marks(dict(action.input), key)


def _wrote(effects: Sequence[Effect], marks: dict[str, str]) -> list[Effect]:
    """A file written with a secret in it is a secret written."""
    if not marks:
        return []
    return [Effect("secret.write", one.target, facts=one.facts) for one in effects if one.kind == "fs.write"]


def _step(step: chains.Step) -> list[Any]:
    sources = [redact(one).text for one in step.sources]
    return [
        step.chain,
        step.number,
        step.of,
        step.tier,
        step.why,
        step.within,
        step.page,
        step.uses,
        sources,
        step.where,
    ]


def _answer(answer: chains.Answer | None) -> list[Any] | None:
    if answer is None:
        return None
    return [answer.chain, answer.tier, answer.why, answer.within, answer.page, answer.other_tool, answer.where]


def _script(call: Call, effects: Sequence[Effect], files: Reader) -> list[str] | None:
    """[real path, hash, text] of a file as it will be once this call has written or edited it, or None."""
    target = next((one.target for one in effects if one.kind == "fs.write"), "")
    if not target or not any(name in call.input for name in _WRITES):
        return None
    content = call.input.get("content", call.input.get("file_text"))
    if not isinstance(content, str):
        content = _edited(call, target, files)
    if content is None or len(content) > MAX_SCRIPT:
        return None
    return [target, content_mark(content), redact(content).text]


def _edited(call: Call, path: str, files: Reader) -> str | None:
    text = RealFiles.read(files, path)
    if text is None:
        return None
    edits = call.input.get("edits")
    for pair in edits if isinstance(edits, list) else [call.input]:
        old, new = (pair.get("old_string"), pair.get("new_string")) if isinstance(pair, dict) else (None, None)
        if isinstance(old, str) and isinstance(new, str) and old:
            text = text.replace(old, new, -1 if pair.get("replace_all") else 1)
    return text
