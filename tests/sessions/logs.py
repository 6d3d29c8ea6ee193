"""Made log lines of the three clients, and a fixed price table: dollars per million tokens, easy to check by hand."""

import json
from pathlib import Path
from typing import Any

PRICES = {
    "models": {
        "claude-opus-4-6": {"input": 5, "output": 25, "cache_read": 0.5, "cache_write_5m": 6.25, "cache_write_1h": 10,
                            "above": {"200000": {"input": 10, "output": 37.5, "cache_read": 1, "cache_write_5m": 12.5, "cache_write_1h": 20}}},
        "gpt-5.2-codex": {"input": 1.75, "output": 14, "cache_read": 0.175,
                          "above": {"272000": {"input": 3.5, "output": 21, "cache_read": 0.35}}},
        "gemini-3.1-pro-preview": {"input": 2, "output": 12, "cache_read": 0.2},
    }
}  # fmt: skip


def put(path: Path, *records: Any, end: str = "\n") -> Path:
    """Writes records (dicts as compact JSON, strings as they are), one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [one if isinstance(one, str) else json.dumps(one, separators=(",", ":")) for one in records]
    path.write_text("\n".join(lines) + end, encoding="utf-8", errors="surrogatepass")
    return path


def usage(read_in: int = 0, out: int = 0, read: int = 0, w5: int = 0, w1h: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "input_tokens": read_in,
        "output_tokens": out,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": w5 + w1h,
        "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1h},
        **more,
    }


def assistant(message: str | None, used: dict[str, Any], request: str | None = "req", **more: Any) -> dict[str, Any]:
    """One line of a Claude Code call."""
    inner: dict[str, Any] = {"model": "claude-opus-4-6", "role": "assistant", "content": [], "usage": used}
    if message is not None:
        inner["id"] = message
    if "model" in more:
        inner["model"] = more.pop("model")
    line = {"type": "assistant", "sessionId": "s1", "timestamp": "2026-03-01T10:00:00.000Z", "message": inner, **more}
    if request is not None:
        line["requestId"] = request
    return line


def progress(message: str, used: dict[str, Any], request: str | None = "req", **more: Any) -> dict[str, Any]:
    """A subagent's message embedded in its parent's log."""
    inner = assistant(message, used, request)
    return {"type": "progress", "sessionId": "s1", "timestamp": inner["timestamp"], "toolUseID": "t1",
            "data": {"type": "agent_progress", "message": inner, "agentId": "a1"}, **more}  # fmt: skip


def rollout(kind: str, at: str, **payload: Any) -> dict[str, Any]:
    return {"timestamp": at, "type": kind, "payload": payload}


def totals(sent: int, cached: int, out: int, reasoning: int = 0, written: int | None = None) -> dict[str, int]:
    more = {} if written is None else {"cache_write_input_tokens": written}
    return {"input_tokens": sent, "cached_input_tokens": cached, **more, "output_tokens": out,
            "reasoning_output_tokens": reasoning, "total_tokens": sent + out}  # fmt: skip


def counted(at: str, total: dict[str, int] | None, last: dict[str, int] | None = None) -> dict[str, Any]:
    info = None if total is None and last is None else {"total_token_usage": total, "last_token_usage": last}
    return rollout("event_msg", at, type="token_count", info=info, rate_limits={})


def gemini(identity: str, tokens: dict[str, int] | None, **more: Any) -> dict[str, Any]:
    line: dict[str, Any] = {"id": identity, "timestamp": "2026-03-01T10:00:00.000Z", "type": "gemini", "content": "x",
                            "model": "gemini-3.1-pro-preview", **more}  # fmt: skip
    if tokens is not None:
        line["tokens"] = tokens
    return line


GEMINI_HEAD = {"sessionId": "g-1", "projectHash": "c5af", "startTime": "2026-03-01T09:59:00.000Z", "kind": "main"}
