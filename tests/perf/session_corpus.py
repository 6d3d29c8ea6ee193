"""Makes Claude Code logs of the proportions measured on real ones: line kinds, sizes, lines to a call, subagents."""

import json
import random
from pathlib import Path

MODELS = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101")
WORDS = [
    "the",
    "gate",
    "waits",
    "for",
    "a",
    "human",
    "who",
    "decides",
    "what",
    "may",
    "run",
    "next",
    "on",
    "this",
    "host",
    "while",
    "the",
    "log",
    "grows",
]


def write_corpus(root: Path, megabytes: int, seed: int = 7) -> dict[str, dict[str, int]]:
    """Writes about `megabytes` of logs under `root/projects`; returns the exact tokens and calls per model."""
    rng = random.Random(seed)
    truth = {model: {"input": 0, "output": 0, "cache_read": 0, "w5": 0, "w1h": 0, "calls": 0} for model in MODELS}
    written = number = 0
    while written < megabytes << 20:
        folder = root / "projects" / f"-home-dev-{number % 23}"
        folder.mkdir(parents=True, exist_ok=True)
        data = "".join(_session(rng, f"{number:08d}-0000-4000-8000-000000000000", truth))
        (folder / f"{number:08d}-0000-4000-8000-000000000000.jsonl").write_text(data)
        written += len(data)
        number += 1
    return truth


def _filler(rng: random.Random, size: int) -> str:
    text = " ".join(rng.choices(WORDS, k=min(size, 4000) // 5 + 1)) + '\\n\t"quoted"\n'
    return (text * (size // len(text) + 1))[:size]


def _size(rng: random.Random, median: int) -> int:
    return min(int(rng.lognormvariate(0, 1.3) * median), 900_000)


def _session(rng: random.Random, session: str, truth: dict[str, dict[str, int]]) -> list[str]:
    lines: list[str] = []
    model = rng.choice(MODELS)
    clock = 0

    def put(record: dict[str, object], **more: object) -> None:
        nonlocal clock
        clock += 1
        when = f"2026-03-{1 + clock // 20000:02d}T{clock // 800 % 24:02d}:{clock // 13 % 60:02d}:00.000Z"
        base = {"parentUuid": f"u{clock - 1}", "isSidechain": False, "userType": "external", "cwd": "/home/dev/proj",
                "sessionId": session, "version": "2.1.100", "gitBranch": "main"}  # fmt: skip
        lines.append(json.dumps({**base, **record, **more, "uuid": f"{session[:8]}u{clock}", "timestamp": when},
                                separators=(",", ":")) + "\n")  # fmt: skip

    def usage(out: int, read: int, w5: int, w1h: int) -> dict[str, object]:
        return {"input_tokens": 3, "cache_creation_input_tokens": w5 + w1h, "cache_read_input_tokens": read,
                "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1h},
                "output_tokens": out, "service_tier": "standard", "inference_geo": "not_available"}  # fmt: skip

    for call in range(rng.randint(30, 85)):
        read, w5, w1h, out = (
            rng.randint(10_000, 90_000),
            rng.randint(0, 4000),
            rng.choice([0, 0, 700]),
            rng.randint(50, 900),
        )
        embedded = rng.random() < 0.09
        ids = {"id": f"msg_{session[:8]}{call:016d}", "request": f"req_{session[:8]}{call:016d}"}
        total = truth[model]
        for key, value in (("input", 3), ("output", out), ("cache_read", read), ("w5", w5), ("w1h", w1h), ("calls", 1)):
            total[key] += value
        parts = rng.choice([1, 2, 2, 3])
        for part in range(parts):
            block = {"type": "text", "text": _filler(rng, _size(rng, 500))}
            message = {"model": model, "id": ids["id"], "type": "message", "role": "assistant", "content": [block],
                       "stop_reason": None, "stop_sequence": None,
                       "usage": usage(out if part == parts - 1 else 1, read, w5, w1h)}  # fmt: skip
            if embedded:
                inner = {"type": "assistant", "timestamp": "2026-03-01T00:00:00.000Z", "message": message,
                         "requestId": ids["request"], "uuid": f"e{call}{part}"}  # fmt: skip
                put({"type": "progress", "data": {"type": "agent_progress", "message": inner, "agentId": "a1"}})
            else:
                put({"message": message, "requestId": ids["request"], "type": "assistant"})
        for _ in range(rng.randint(0, 4)):
            put({"type": "progress", "data": {"type": "bash_progress", "output": _filler(rng, _size(rng, 250))}})
        result = {"tool_use_id": "t1", "type": "tool_result", "content": _filler(rng, _size(rng, 2200))}
        put(
            {
                "type": "user",
                "message": {"role": "user", "content": [result]},
                "toolUseResult": {"stdout": result["content"]},
            }
        )
    return lines
