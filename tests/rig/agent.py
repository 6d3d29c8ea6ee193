"""Plays an agent that makes one tool call and, while it waits, tries something it must not.

    python3 agent.py ATTEMPT HOOK_COMMAND… < payload

Prints one JSON object: what the attempt brought, and what the hook answered.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

DECIDE = """
import json, sqlite3, sys, time, os
from sreconsole import paths
from sreconsole.serve.client import Line, Refused, ServeDown
from sreconsole.store import database, escalations
home = paths.home()
try:
    found = []
    until = time.monotonic() + 10
    while not found and time.monotonic() < until:
        found = escalations.waiting(database.open_reader(home.store))
        time.sleep(0.05)
    e = found[0]
    with Line(home) as line:
        line.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=0)
    print(json.dumps({"approved": True}))
except Refused as no:
    print(json.dumps({"approved": False, "code": no.code, "why": str(no)}))
except (ServeDown, FileNotFoundError, PermissionError, sqlite3.Error) as no:
    print(json.dumps({"approved": False, "code": 3, "why": str(no)}))
"""

DETACH = """
import os, subprocess, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
out = open(sys.argv[1], "w")
subprocess.run([sys.executable, "-c", sys.argv[2]], stdout=out)
out.close(); os.rename(sys.argv[1], sys.argv[1] + ".done")
"""


def attempt(kind: str) -> object:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDE")}
    if kind == "socket":
        return json.loads(
            subprocess.run([sys.executable, "-c", DECIDE], capture_output=True, text=True, env=clean).stdout
        )
    if kind == "faked environment":
        faked = {
            **clean,
            "SUDO_USER": "dana",
            "LOGNAME": "dana",
            "USER": "dana",
            "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22",
        }
        return json.loads(
            subprocess.run([sys.executable, "-c", DECIDE], capture_output=True, text=True, env=faked).stdout
        )
    if kind in ("detached", "detached with marks"):
        environment = {**clean, "CLAUDECODE": "1"} if kind == "detached with marks" else clean
        out = f"/tmp/attempt-{os.getpid()}"
        subprocess.run([sys.executable, "-c", DETACH, out, DECIDE], env=environment)
        until = time.monotonic() + 20
        while not os.path.exists(out + ".done") and time.monotonic() < until:
            time.sleep(0.05)
        with open(out + ".done") as file:
            result = json.load(file)
        os.unlink(out + ".done")
        return result
    raise SystemExit(f"unknown attempt {kind}")


def main() -> None:
    kind, command = sys.argv[1], sys.argv[2:]
    hook = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert hook.stdin
    hook.stdin.write(sys.stdin.read())
    hook.stdin.close()
    hook.stdin = None
    result = attempt(kind)
    try:
        out, err = hook.communicate(timeout=1)
    except subprocess.TimeoutExpired:
        hook.kill()
        out, err = "", "still waiting"
    print(json.dumps({"attempt": result, "out": out, "err": err}))


main()
