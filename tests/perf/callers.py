"""Hooks by the thousand in one process, with a client of their own above them (see tests/rig/client.py).

Reads one JSON order a line on standard input, writes one JSON line back for each:

    {"do": "ask", "calls": [PAYLOAD, …], "pause": SECONDS}  present them all, one line each; {"sent": n} at once, and
                                                  {"answered": [[answer, time], …]} when all have their answers
    {"do": "load", "calls": [[EVENT, PAYLOAD], …], "at_once": n}    present them one after the other on n lines;
                                                  {"took": [seconds, …], "seconds": all}

Times are of CLOCK_MONOTONIC, which is one clock for all processes.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from typing import Any


def submit(path: str, event: str, payload: str) -> socket.socket:
    raw = payload.encode()
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    line.sendall(b"sre/1 claude-code %s %d 0\n" % (event.encode(), len(raw)) + raw)
    return line


def answer(line: socket.socket) -> str:
    data = b""
    while part := line.recv(65536):
        data += part
    line.close()
    return data.decode()


def ask(path: str, order: dict[str, Any]) -> dict[str, Any]:
    lines = []
    for n, payload in enumerate(order["calls"]):
        lines.append(submit(path, "PreToolUse", payload))
        if n % 64 == 63:
            time.sleep(order["pause"])
    say({"sent": len(lines)})
    return {"answered": [[answer(line), time.monotonic()] for line in lines]}


def load(path: str, order: dict[str, Any]) -> dict[str, Any]:
    calls, took = iter(order["calls"]), []

    def work() -> None:
        for event, payload in calls:
            start = time.perf_counter()
            said = answer(submit(path, event, payload))
            took.append(time.perf_counter() - start)
            assert said.startswith("sre/1 "), said

    threads = [threading.Thread(target=work) for _ in range(order["at_once"])]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"took": took, "seconds": time.perf_counter() - start}


def say(reply: dict[str, Any]) -> None:
    print(json.dumps(reply), flush=True)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        say({"ask": ask, "load": load}[order["do"]](sys.argv[1], order))


if __name__ == "__main__":
    main()
