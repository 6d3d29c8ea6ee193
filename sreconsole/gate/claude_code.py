"""Claude Code's hook protocol: its payloads in, its answers out.

Source: the client's documented hooks interface, and answers proven against the real client (2.1.328).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sreconsole.gate.call import Call, Reply, Unreadable

CLIENT = "claude-code"

COMMON = ("session_id", "transcript_path", "cwd", "hook_event_name", "permission_mode", "agent_id", "agent_type")
TOOL = ("tool_name", "tool_input", "tool_use_id")

LONGEST_NAME = 256
LONGEST_PATH = 4096

QUESTIONS = {"AskUserQuestion": "question", "ExitPlanMode": "plan"}
"""Tools by which the agent asks a person."""


def read(raw: bytes, event: str) -> Call:
    """The call in a hook's standard input. Raises Unreadable."""
    try:
        payload = json.loads(raw, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise Unreadable("not a JSON object")
    if payload.get("hook_event_name") != event:
        raise Unreadable(f"hook_event_name is not {event}")
    tool, kind = "", "news"
    if event in ("PreToolUse", "PermissionRequest"):
        tool = _text(payload, "tool_name")
        kind = QUESTIONS.get(tool, "tool") if event == "PreToolUse" else "permission"
    elif event in ("PostToolUse", "PostToolUseFailure", "PermissionDenied"):
        tool = _text(payload, "tool_name")
    elif event == "Elicitation":
        kind = "elicitation"
    elif event == "ConfigChange":
        kind = "settings"
    arguments = payload.get("tool_input", {})
    if not isinstance(arguments, dict):
        raise Unreadable("tool_input is not an object")
    call = (
        _name(payload, "tool_use_id") if event == "PreToolUse" else str(payload.get("tool_use_id", ""))[:LONGEST_NAME]
    )
    return Call(
        client=CLIENT, event=event, kind=kind, session=_name(payload, "session_id"), cwd=_text(payload, "cwd"),
        subagent=_optional(payload, "agent_id"), subagent_type=_optional(payload, "agent_type"), tool=tool,
        call=call, input=arguments, mode=_optional(payload, "permission_mode"),
        transcript=_optional(payload, "transcript_path"), choices=_choices(kind, arguments, payload),
        news={key: value for key, value in payload.items() if key not in COMMON and key not in TOOL},
    )  # fmt: skip


def allow(reason: str = "", updated: Mapping[str, Any] | None = None) -> Reply:
    """Let the tool run, with other arguments if given. The client's own deny and ask rules still apply."""
    extra = {"updatedInput": dict(updated)} if updated is not None else {}
    return _decision("allow", reason, **extra)


def deny(reason: str) -> Reply:
    """Do not run it; the model reads the reason. Holds in every permission mode."""
    return _decision("deny", reason)


def ask(reason: str) -> Reply:
    """Let the person who sits there decide, even where permissions are bypassed; with nobody there it is a no."""
    return _decision("ask", reason)


def defer(reason: str) -> Reply:
    """End the unattended run with the question open: `claude -p --resume` asks it again."""
    return _decision("defer", reason)


def stop(reason: str) -> Reply:
    """Kill switch: not run, and the session ends. `continue: false` alone would let the tool run."""
    body = {"continue": False, "stopReason": reason, **_body("deny", reason)}
    return Reply(out=_line(body))


def permit(allowed: bool, reason: str) -> Reply:
    """Answer the client's own permission dialog."""
    decision = {"behavior": "allow"} if allowed else {"behavior": "deny", "message": reason}
    return Reply(out=_line({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}))


def keep_settings(reason: str) -> Reply:
    """Do not apply the changed settings to this session."""
    return Reply(out=_line({"decision": "block", "reason": reason}))


def elicited(action: str, content: Mapping[str, Any] | None) -> Reply:
    """Answer an MCP server's question: accept (with content), decline or cancel."""
    body: dict[str, Any] = {"hookEventName": "Elicitation", "action": action}
    if content is not None:
        body["content"] = dict(content)
    return Reply(out=_line({"hookSpecificOutput": body}))


def chosen(arguments: Mapping[str, Any], answers: Mapping[str, Any]) -> Reply:
    """Answer AskUserQuestion: its own input with `answers` filled in, question text to label(s)."""
    filled = {key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in answers.items()}
    return allow("answered by the on-call engineer", {**arguments, "answers": filled})


def _decision(decision: str, reason: str, **extra: Any) -> Reply:
    return Reply(out=_line(_body(decision, reason, **extra)))


def _body(decision: str, reason: str, **extra: Any) -> dict[str, Any]:
    words = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason}
    return {"hookSpecificOutput": {**words, **extra}}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice: who reads the first and who reads the last would see different calls."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a number of JSON")
    return number


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode() + b"\n"


def _choices(kind: str, arguments: Mapping[str, Any], payload: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if kind == "question":
        questions = arguments.get("questions")
        if not isinstance(questions, list) or not all(isinstance(one, dict) for one in questions):
            raise Unreadable("tool_input.questions is not a list of questions")
        return tuple(
            {
                "question": str(one.get("question", "")),
                "header": str(one.get("header", "")),
                "options": [_option(option) for option in one.get("options") or []],
                "multi": bool(one.get("multiSelect")),
            }
            for one in questions
        )
    if kind == "elicitation":
        return ({"question": str(payload.get("message", "")), "header": str(payload.get("mcp_server_name", "")),
                 "options": [], "multi": False, "schema": payload.get("requested_schema")},)  # fmt: skip
    return ()


def _option(option: Any) -> Mapping[str, str]:
    if not isinstance(option, dict):
        return {"label": str(option), "description": ""}
    return {"label": str(option.get("label", "")), "description": str(option.get("description", ""))}


def _text(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is missing or not text")
    if len(value) > LONGEST_PATH or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise Unreadable(f"{key} is too long or not text")
    return value


def _name(payload: Mapping[str, Any], key: str) -> str:
    """An id: short and printable, or it is not one."""
    value = _text(payload, key)
    if len(value) > LONGEST_NAME or not value.isprintable():
        raise Unreadable(f"{key} is not an id")
    return value


def _optional(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key, "")
    return _text(payload, key) if isinstance(value, str) and value else ""
