"""The part of an agent's client in the demo: runs the installed hooks as the client would, and obeys their answers.

Run as a process of its own, one a session, by the bare interpreter: the gate takes it for the agent's client. In: JSON
lines `{"event": name, "payload": {...}, "deletes": path}`. Out, one line each: `{"ran": bool, "reason": text}`. A tool
"runs" by doing nothing, but for `deletes`: that file is then gone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def hook(commands: dict[str, str], event: str, payload: dict[str, Any]) -> tuple[int, str, str]:
    """Run an event's hook on its payload: (exit code, standard output, standard error)."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "CLAUDE_CODE_SESSION_ATTENDED": "0"}
    done = subprocess.run(
        ["/bin/sh", "-c", commands[event]],
        input=json.dumps(payload).encode(),
        capture_output=True,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def allowed(code: int, out: str, err: str) -> tuple[bool, str]:
    """Whether the client goes on with the tool, and what it is told: as Claude Code reads a PreToolUse hook."""
    if code == 2:
        return False, err.strip()
    try:
        body = json.loads(out) if out.strip() else {}
    except ValueError:
        body = {}
    said = body.get("hookSpecificOutput", {})
    reason = said.get("permissionDecisionReason", "")
    answers = (said.get("updatedInput") or {}).get("answers")
    if answers:
        reason = "; ".join(answers.values())
    # No opinion and `allow` go on; nobody sits here, so `ask` is a no like `deny` and `defer`.
    return said.get("permissionDecision", "allow") == "allow", reason


def call(commands: dict[str, str], request: dict[str, Any]) -> dict[str, Any]:
    """Ask before the tool, "run" it, tell after it."""
    payload = request["payload"]
    ran, reason = allowed(*hook(commands, "PreToolUse", payload))
    if ran:
        if request.get("deletes"):
            Path(request["deletes"]).unlink(missing_ok=True)
        hook(commands, "PostToolUse", {**payload, "hook_event_name": "PostToolUse", "tool_response": {"ok": True}})
    return {"ran": ran, "reason": reason}


def listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Take requests as they come. When the demo is gone so are we, and the hook that may be waiting in us."""
    for line in sys.stdin:
        requests.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve requests until standard input ends."""
    commands = json.loads(sys.argv[1])
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(requests,), daemon=True).start()
    while True:
        request = requests.get()
        if request["event"] == "PreToolUse":
            answer = call(commands, request)
        else:
            code, out, err = hook(commands, request["event"], request["payload"])
            answer = {"ran": code == 0, "reason": (out or err).strip()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
