"""Codex CLI's rollout lines → records. Approval waits are not in these files: they are inferred from open calls."""

import json
from collections.abc import Iterator
from typing import Any

from .callbook import About
from .claude_usage import text
from .codex_usage import Raw, as_tokens, is_old, of_own_turn, time_of
from .logfiles import CODEX
from .record import (
    Answered,
    Called,
    Changed,
    Compacted,
    Errored,
    Opened,
    OwnTotal,
    Prompted,
    Record,
    Returned,
    Skipped,
    TurnEnded,
    millis,
)
from .results import KEPT, call_digest, denial, diff_lines, digest, exit_code, flat, patched_paths
from .tokens import NO_TOKENS, count

QUIET_EVENTS = frozenset(
    {
        "agent_reasoning",
        "agent_reasoning_section_break",
        "agent_message",
        "user_message",
        "item_completed",
        "web_search_end",
    }
    | {"thread_settings_applied", "exec_command_end", "patch_apply_end", "view_image_tool_call", "mcp_tool_call_end"}
    | {"entered_review_mode", "exited_review_mode", "thread_name_updated", "item_started", "thread_goal_updated"}
)
QUIET_ITEMS = frozenset({"reasoning", "web_search_call", "ghost_snapshot", "compaction", "compaction_summary", "other"})


class CodexReader:
    """Turns lines into records. Knows the model and the running total, because the lines that need them do not."""

    def __init__(self) -> None:
        self.session = ""
        self.model = ""
        self.effort = ""
        self.approval = ""
        self._total: Raw | None = None
        self._turn_id = ""
        self._fork = self._replaying = False
        self._born = self._before = ""

    def records(self, line: dict[str, Any]) -> Iterator[Record]:
        """The records of one parsed line."""
        at, kind, payload = millis(line.get("timestamp")), text(line.get("type")), line.get("payload")
        if self._replaying and isinstance(payload, dict) and self._inherited(payload, text(line.get("timestamp"))):
            return
        if not isinstance(payload, dict):
            yield Skipped(at, "", kind or "no type")
            return
        if kind == "session_meta":
            yield from self._meta(payload, at, text(line.get("timestamp")))
        elif kind == "turn_context":
            yield from self._turn(payload, at)
        elif kind == "event_msg":
            yield from self._event(payload, at, text(line.get("timestamp"))[:10])
        elif kind == "response_item":
            yield from self._item(payload, at)
        elif kind == "compacted":
            yield Compacted(at, "", "auto")
        elif kind not in ("token_usage_record", "world_state", "inter_agent_communication"):
            yield Skipped(at, "", kind or "no type")

    def _inherited(self, payload: dict[str, Any], when: str) -> bool:
        """Whether a line of a fork is its parent's, written again. The running total is carried over from it."""
        self._turn_id = text(payload.get("turn_id")) or self._turn_id
        own = of_own_turn(self.session, self._turn_id)
        if own is None:
            if payload.get("type") != "token_count":
                return False
            own = not is_old(self.session, self._born, when, time_of(self._before))
            self._before = when
        if own:
            self._replaying = False
        elif payload.get("type") == "token_count" and isinstance(payload.get("info"), dict):
            total = payload["info"].get("total_token_usage")
            self._total = _raw(total) if isinstance(total, dict) else self._total
        return not own

    def _meta(self, payload: dict[str, Any], at: int, when: str) -> Iterator[Record]:
        if self.session:
            return
        self.session = text(payload.get("id")) or text(payload.get("session_id"))
        parent = text(payload.get("forked_from_id")) or text(payload.get("parent_thread_id"))
        source = payload.get("source")
        spawned = source.get("subagent") if isinstance(source, dict) else None
        spawned = spawned.get("thread_spawn") if isinstance(spawned, dict) else None
        parent = parent or (text(spawned.get("parent_thread_id")) if isinstance(spawned, dict) else "")
        self._fork = self._replaying = bool(parent)
        self._born, self._before = text(payload.get("timestamp")) or when, when
        git = payload.get("git")
        git = git if isinstance(git, dict) else {}
        branch, commit, repository = (text(git.get(word)) for word in ("branch", "commit_hash", "repository_url"))
        version, cwd = text(payload.get("cli_version")), text(payload.get("cwd"))
        yield Opened(at, "", self.session, CODEX, version, cwd, branch, commit, repository, parent)

    def _turn(self, payload: dict[str, Any], at: int) -> Iterator[Record]:
        for what, held, word in (
            ("model", self.model, "model"),
            ("effort", self.effort, "effort"),
            ("approval policy", self.approval, "approval_policy"),
        ):
            now = text(payload.get(word))
            if now and now != held:
                yield Changed(at, "", what, now)
        self.model = text(payload.get("model")) or self.model
        self.effort = text(payload.get("effort")) or self.effort
        self.approval = text(payload.get("approval_policy")) or self.approval
        yield Opened(at, "", self.session, CODEX, "", text(payload.get("cwd")))

    def _event(self, payload: dict[str, Any], at: int, day: str) -> Iterator[Record]:
        kind = text(payload.get("type"))
        if kind == "task_started":
            yield Prompted(at, "", "", True)
        elif kind == "task_complete":
            yield TurnEnded(at, "")
        elif kind == "turn_aborted":
            yield TurnEnded(at, "", "aborted")
        elif kind == "token_count":
            yield from self._counted(payload.get("info"), at, day)
        elif kind == "context_compacted":
            yield Compacted(at, "", "auto")
        elif kind in ("error", "stream_error"):
            yield Errored(at, "", text(payload.get("message"))[:KEPT], 0, kind == "error")
        elif kind not in QUIET_EVENTS:
            yield Skipped(at, "", f"event_msg/{kind}")

    def _counted(self, info: Any, at: int, day: str) -> Iterator[Record]:
        """The growth of the running total as one call, and the total as the client's own."""
        total = info.get("total_token_usage") if isinstance(info, dict) else None
        last = info.get("last_token_usage") if isinstance(info, dict) else None
        if not isinstance(total, dict):
            return
        now, before = _raw(total), self._total
        self._total = now
        if before is None and self._fork and isinstance(last, dict):
            grown = _raw(last)
        elif before is None:
            grown = now
        else:
            one, two, three, four, five = (new - old for new, old in zip(now, before, strict=True))
            grown = (one, max(0, two), max(0, three), four, max(0, five))
            if one < 0 or four < 0:
                grown = _raw(last) if isinstance(last, dict) else now
        used = as_tokens(grown)
        if used != NO_TOKENS:
            about = About(CODEX, self.model or "unknown", day, self.session)
            key = f"{self.session}\0{now}"
            yield Answered(at, "", key, "", about, 0, used, "", self.effort)
            yield OwnTotal(at, "", as_tokens(now), None)

    def _item(self, payload: dict[str, Any], at: int) -> Iterator[Record]:
        kind = text(payload.get("type"))
        call = text(payload.get("call_id")) or text(payload.get("id"))
        if kind in ("function_call", "custom_tool_call", "local_shell_call"):
            yield _called(payload, call, at)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            yield _returned(payload, call, at)
        elif kind == "message":
            if payload.get("role") == "assistant":
                about = About(CODEX, self.model or "unknown", "", self.session)
                yield Answered(at, "", "", "", about, 0, NO_TOKENS, flat(payload.get("content"))[:KEPT], self.effort)
        elif kind not in QUIET_ITEMS:
            yield Skipped(at, "", f"response_item/{kind}")


def _raw(usage: dict[str, Any]) -> Raw:
    return (
        count(usage.get("input_tokens")),
        count(usage.get("cached_input_tokens")),
        count(usage.get("cache_write_input_tokens")),
        count(usage.get("output_tokens")),
        count(usage.get("reasoning_output_tokens")),
    )


def _called(payload: dict[str, Any], call: str, at: int) -> Called:
    tool = text(payload.get("name")) or text(payload.get("type"))
    raw = payload.get("arguments", payload.get("input", payload.get("action")))
    try:
        given = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        given = raw
    command = ""
    paths: tuple[str, ...] = ()
    if isinstance(given, dict):
        told = given.get("cmd", given.get("command"))
        command = (
            " ".join(map(str, told[-1:] if told[:2] == ["bash", "-lc"] else told))
            if isinstance(told, list)
            else text(told)
        )
    elif isinstance(given, str) and tool == "apply_patch":
        paths = patched_paths(given)
    if "*** Begin Patch" in command:
        paths = patched_paths(command)
    asks = tool in ("request_user_input", "ask_user_question")
    return Called(at, "", call, tool, call_digest(tool, given), command[:KEPT], paths, asks)


def _returned(payload: dict[str, Any], call: str, at: int) -> Returned:
    raw = payload.get("output")
    code: int | None = None
    said = flat(raw.get("content", raw.get("output")) if isinstance(raw, dict) else raw)
    if said.startswith("{"):
        try:
            parsed = json.loads(said)
            metadata = parsed.get("metadata")
            code = metadata.get("exit_code") if isinstance(metadata, dict) else None
            said = text(parsed.get("output")) or said
        except (ValueError, AttributeError):
            code = None
    if not isinstance(code, int):
        code = exit_code(said)
    success = raw.get("success") if isinstance(raw, dict) else None
    failed = (
        bool(code)
        or success is False
        or said.startswith(("unsupported call", "failed to", "error:", "aborted by user"))
    )
    who = "user" if "aborted by user" in said[:200] or "rejected by user" in said[:200] else denial(said, failed)
    stable = "\n".join(line for line in said.splitlines() if not line.startswith(("Chunk ID:", "Wall time:")))
    added, removed = diff_lines(said) if said.startswith("diff --git") else (0, 0)
    return Returned(at, "", call, failed, code, who, digest(stable), said[:KEPT], added, removed)
