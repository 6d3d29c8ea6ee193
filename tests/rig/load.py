"""Hooks without end: threads that make calls, present themselves again when `serve` dies, and remember what they were told.

python3 load.py SOCKET THREADS     until standard input ends; then prints one JSON object
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time


class Load:
    def __init__(self, path: str) -> None:
        self.path = path
        self.passed: list[str] = []
        self.answers: dict[str, str] = {}
        self.stop = threading.Event()

    def present(self, payload: bytes) -> str | None:
        """One call as the hook does it: again until it is answered. None at the end."""
        while not self.stop.is_set():
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(5)
            try:
                line.connect(self.path)
                line.sendall(b"sre/1 claude-code PreToolUse %d 0\n" % len(payload) + payload)
                data = b""
                while part := line.recv(65536):
                    data += part
                head, _, rest = data.partition(b"\n")
                words = head.split()
                if len(words) == 5 and len(rest) == int(words[3]) + int(words[4]):
                    return rest.decode()
            except OSError:
                time.sleep(0.01)
            finally:
                line.close()
        return None

    def run(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            call = f"c{number}-{count}"
            asks = count % 3 == 0
            payload = {
                "session_id": f"s-{number}", "cwd": "/tmp", "hook_event_name": "PreToolUse", "tool_name": "Bash",
                "tool_input": {"command": "touch a" if asks else "python3 x.py"}, "tool_use_id": call,
            }  # fmt: skip
            said = self.present(json.dumps(payload).encode())
            if said is None:
                return
            if asks:
                self.answers[call] = json.loads(said)["hookSpecificOutput"]["permissionDecision"]
            else:
                assert said == "", said
                self.passed.append(call)


def main() -> None:
    load = Load(sys.argv[1])
    threads = [threading.Thread(target=load.run, args=(n,), daemon=True) for n in range(int(sys.argv[2]))]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    load.stop.set()
    for thread in threads:
        thread.join(10)
    print(json.dumps({"passed": load.passed, "answers": load.answers}))


main()
