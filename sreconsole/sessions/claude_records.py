"""Claude Code's log lines → records. Kinds and fields as written by 2.0.64 … 2.1.328; what is new is counted, not read."""

from collections.abc import Iterator
from typing import Any

from .callbook import EMBEDDED, FAST, SIDECHAIN, About
from .claude_usage import text
from .logfiles import CLAUDE
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
    Returned,
    Skipped,
    TurnEnded,
    millis,
)
from .results import KEPT, call_digest, denial, digest, exit_code, flat, patched_lines
from .tokens import Tokens, count, of_anthropic

QUIET = frozenset(
    {
        "file-history-snapshot",
        "queue-operation",
        "attachment",
        "last-prompt",
        "summary",
        "ai-title",
        "custom-title",
        "tag",
    }
    | {
        "agent-name",
        "agent-color",
        "agent-setting",
        "mode",
        "atis-latch",
        "tools-used",
        "api-request",
        "api-request-blob",
        "api-request-shape",
    }
)
"""Known kinds that change nothing here."""

OVER = ("end_turn", "stop_sequence", "refusal")
"""Stop reasons that end a turn. Most lines of older versions have none: no reason says nothing."""

ASKS_HUMAN = frozenset({"AskUserQuestion", "ExitPlanMode"})
_NOT_A_PROMPT = (
    "<task-notification>",
    "<local-command",
    "<command-",
    "<system-reminder>",
    "Caveat:",
    "[Request interrupted",
)


def records(line: dict[str, Any]) -> Iterator[Record]:
    """The records of one parsed line."""
    kind = text(line.get("type"))
    at, agent = millis(line.get("timestamp")), text(line.get("agentId"))
    if kind in ("user", "assistant", "system", "progress") and (line.get("cwd") or line.get("sessionId")):
        words = (text(line.get(word)) for word in ("sessionId", "version", "cwd", "gitBranch"))
        session, version, cwd, branch = words
        yield Opened(at, agent, session, CLAUDE, version, cwd, branch)
    if kind == "assistant":
        yield from _assistant(line, at, agent, 0)
    elif kind == "user":
        yield from _user(line, at, agent)
    elif kind == "progress":
        yield from _progress(line, at)
    elif kind == "system":
        yield from _system(line, at, agent)
    elif kind == "permission-mode":
        yield Changed(at, agent, "permission mode", text(line.get("permissionMode")) or text(line.get("mode")))
    elif kind == "pr-link":
        yield Linked(at, agent, count(line.get("prNumber")), text(line.get("prUrl")), text(line.get("prRepository")))
    elif kind == "cost-state":
        yield OwnTotal(at, agent, own_total(line), _number(line.get("totalCostUSD")))
    elif kind not in QUIET:
        yield Skipped(at, agent, kind or "no type")


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def own_total(line: dict[str, Any]) -> Tokens:
    """The tokens of a `cost-state` record, all models together."""
    own = Tokens()
    models = line.get("modelUsage")
    for used in models.values() if isinstance(models, dict) else ():
        if isinstance(used, dict):
            hour = count(used.get("cacheCreationEphemeral1hInputTokens"))
            written = max(0, count(used.get("cacheCreationInputTokens")) - hour)
            sent, out, read = (
                count(used.get(word)) for word in ("inputTokens", "outputTokens", "cacheReadInputTokens")
            )
            own = own.plus(Tokens(sent, out, read, written, hour))
    return own


def _assistant(line: dict[str, Any], at: int, agent: str, flags: int) -> Iterator[Record]:
    message = line.get("message")
    if not isinstance(message, dict):
        return
    if line.get("isApiErrorMessage") is True or message.get("model") == "<synthetic>":
        yield Errored(at, agent, flat(message.get("content"))[:KEPT], 0, True)
        return
    blocks = message.get("content")
    blocks = blocks if isinstance(blocks, list) else []
    used = message.get("usage")
    if isinstance(used, dict):
        flags |= SIDECHAIN if line.get("isSidechain") is True else 0
        flags |= FAST if used.get("speed") == "fast" else 0
        identity, request, uuid = text(message.get("id")), text(line.get("requestId")), text(line.get("uuid"))
        key = identity or (f"\0{request}" if request else f"\0\0{uuid}" if uuid else "")
        day = text(line.get("timestamp"))[:10]
        about = About(CLAUDE, text(message.get("model")) or "unknown", day, text(line.get("sessionId")), agent)
        request = request if identity else ""
        said, effort = flat(blocks)[:KEPT], text(line.get("effort"))
        yield Answered(at, agent, key, request, about, flags, of_anthropic(used), said, effort)
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "tool_use":
            yield _called(block, at, agent)
    if message.get("stop_reason") in OVER and not any(
        one.get("type") == "tool_use" for one in blocks if isinstance(one, dict)
    ):
        yield TurnEnded(at, agent)


def _called(block: dict[str, Any], at: int, agent: str) -> Called:
    tool, given = text(block.get("name")), block.get("input")
    given = given if isinstance(given, dict) else {}
    paths = tuple(
        text(given[word]) for word in ("file_path", "notebook_path", "path") if isinstance(given.get(word), str)
    )
    return Called(
        at,
        agent,
        text(block.get("id")),
        tool,
        call_digest(tool, given),
        text(given.get("command"))[:KEPT],
        paths,
        tool in ASKS_HUMAN,
        given.get("run_in_background") is True,
    )


def _user(line: dict[str, Any], at: int, agent: str) -> Iterator[Record]:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []
    results = [one for one in blocks if one.get("type") == "tool_result"]
    for block in results:
        yield _returned(block, line, at, agent)
    if results or line.get("isMeta") is True or line.get("isCompactSummary") is True:
        return
    said = flat(content)
    if said.startswith("[Request interrupted"):
        yield TurnEnded(at, agent, "aborted")
    elif said:
        yield Prompted(at, agent, said[:KEPT], not agent and not said.startswith(_NOT_A_PROMPT))


def _returned(block: dict[str, Any], line: dict[str, Any], at: int, agent: str) -> Returned:
    said, detail = flat(block.get("content")), line.get("toolUseResult")
    failed = block.get("is_error") is True
    added = removed = 0
    paths: tuple[str, ...] = ()
    subagent = ""
    if isinstance(detail, dict):
        added, removed = patched_lines(detail.get("structuredPatch"))
        if detail.get("type") == "create" and not added:
            added = len(text(detail.get("content")).splitlines())
        if isinstance(detail.get("filePath"), str) and ("structuredPatch" in detail or detail.get("type") == "create"):
            paths = (detail["filePath"],)
        subagent = text(detail.get("agentId"))
        if detail.get("interrupted") is True:
            failed = True
    ran = isinstance(detail, dict) and "stdout" in detail and not detail.get("backgroundTaskId")
    code = exit_code(said) if failed else 0 if ran else None
    who = denial(said, failed, line.get("permissionDecision"))
    call = text(block.get("tool_use_id"))
    return Returned(at, agent, call, failed, code, who, digest(said), said[:KEPT], added, removed, paths, subagent)


def _progress(line: dict[str, Any], at: int) -> Iterator[Record]:
    """A subagent's message inside its parent's log: the usage and the calls are the subagent's."""
    data = line.get("data")
    inner = data.get("message") if isinstance(data, dict) else None
    if not isinstance(inner, dict) or not isinstance(data, dict):
        return
    agent = text(data.get("agentId")) or text(line.get("parentToolUseID"))
    inner = {"sessionId": line.get("sessionId"), "timestamp": line.get("timestamp"), **inner}
    when = millis(inner.get("timestamp")) or at
    if inner.get("type") == "assistant":
        yield from _assistant(inner, when, agent, EMBEDDED | SIDECHAIN)
    elif inner.get("type") == "user":
        yield from _user(inner, when, agent)


def _system(line: dict[str, Any], at: int, agent: str) -> Iterator[Record]:
    subtype = text(line.get("subtype"))
    if subtype in ("turn_duration", "stop_hook_summary"):
        if line.get("preventedContinuation") is not True or subtype == "turn_duration":
            yield TurnEnded(at, agent)
    elif subtype in ("compact_boundary", "microcompact_boundary"):
        told = line.get("compactMetadata")
        told = told if isinstance(told, dict) else {}
        if subtype == "compact_boundary":
            yield Compacted(
                at, agent, text(told.get("trigger")), count(told.get("preTokens")), count(told.get("postTokens"))
            )
    elif subtype == "api_error":
        attempt, most = count(line.get("retryAttempt")), count(line.get("maxRetries"))
        yield Errored(at, agent, digest(line.get("error")), attempt, bool(most) and attempt >= most)
    elif subtype not in ("local_command", "informational", "away_summary", "bridge_status"):
        yield Skipped(at, agent, f"system/{subtype}")
