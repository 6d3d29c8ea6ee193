"""What the gate costs an agent, a human and the disk. Times are printed beside a floor of the same run, never asserted.

Run with `pytest tests/perf/test_gate_cost.py -m perf -s`.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from house import CLIENT, House

sys.path.insert(0, str(Path(__file__).parent))

from figures import children, head, private, resident, row, spent, spread, synced

from sreconsole.gate import hook_file
from sreconsole.policy.action import Action
from sreconsole.policy.files import RealFiles
from sreconsole.policy.judge import Facts, judge
from sreconsole.policy.policy import load
from sreconsole.serve.client import Line
from sreconsole.serve.judge import Judge
from sreconsole.store.escalations import Escalation

pytestmark = pytest.mark.perf

ROOT = Path(__file__).parents[2]
LABELLED = [ROOT / "tests/policy" / name for name in ("ordinary.jsonl", "destructive.jsonl")]


@pytest.fixture
def house() -> Iterator[House]:
    """A fleet with a running `serve`."""
    made = House()
    try:
        yield made.start()
    finally:
        made.close()


def tool(
    name: str, arguments: dict[str, Any], *, session: str = "s-1", call: str = "toolu_1", cwd: str = "/tmp"
) -> bytes:
    return json.dumps({
        "session_id": session, "transcript_path": "/tmp/t.jsonl", "cwd": cwd, "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": name, "tool_input": arguments, "tool_use_id": call,
    }).encode()  # fmt: skip


def commands() -> list[str]:
    """The labelled shell commands of the policy's own tests: short and long, plain and hostile."""
    found = [json.loads(line) for file in LABELLED for line in file.read_text().splitlines()]
    return [one for one in found if isinstance(one, str)] + [
        one["command"] for one in found if isinstance(one, dict) and isinstance(one.get("command"), str)
    ]


def source(lines: int) -> str:
    """Program text to be written to a file."""
    text = (ROOT / "sreconsole/serve/questions.py").read_text().splitlines()
    return "\n".join((text * (lines // len(text) + 1))[:lines])


def mix() -> list[tuple[str, bytes]]:
    """What a coding agent sends in an hour: event and bytes."""
    shell = [("PreToolUse", tool("Bash", {"command": one, "description": "a step"})) for one in commands()[::3]]
    read = [("PreToolUse", tool("Read", {"file_path": f"/tmp/project/src/part{n}.py"})) for n in range(60)]
    grep = [("PreToolUse", tool("Grep", {"pattern": f"def part{n}", "path": "/tmp/project"})) for n in range(30)]
    edit = [
        (
            "PreToolUse",
            tool("Edit", {"file_path": f"/tmp/project/part{n}.py", "old_string": source(8), "new_string": source(12)}),
        )
        for n in range(40)
    ]
    write = [("PreToolUse", tool("Write", {"file_path": f"/tmp/p/w{n}.py", "content": source(150)})) for n in range(10)]
    done = [("PostToolUse", after(n)) for n in range(80)]
    return shell + read + grep + edit + write + done


def after(n: int) -> bytes:
    payload = json.loads(tool("Bash", {"command": f"pytest tests/part{n}"}))
    output = {"stdout": source(40), "stderr": "", "interrupted": False, "isImage": False}
    return json.dumps({**payload, "hook_event_name": "PostToolUse", "tool_response": output}).encode()


class Callers:
    """Hooks in a process beside, so that whoever decides here is not their client."""

    def __init__(self, house: House) -> None:
        words = [sys.executable, str(ROOT / "tests/perf/callers.py"), str(house.home.hook_socket)]
        self._process = subprocess.Popen(
            [*CLIENT, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=house.project
        )

    def order(self, do: str, **words: Any) -> dict[str, Any]:
        """Give an order and take the first line that comes back."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **words}).encode() + b"\n")
        self._process.stdin.flush()
        return self.next()

    def next(self) -> dict[str, Any]:
        """The next line that comes back."""
        assert self._process.stdout
        reply = json.loads(self._process.stdout.readline())
        assert isinstance(reply, dict)
        return reply

    def close(self) -> None:
        """Let them go."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture
def callers(house: House) -> Iterator[Callers]:
    """Warm: both workers and the store have seen calls."""
    made = Callers(house)
    made.order(
        "load",
        at_once=8,
        calls=[["PreToolUse", tool("Read", {"file_path": "/tmp/x"}, session=f"w-{n}").decode()] for n in range(80)],
    )
    yield made
    made.close()


def run(words: list[str], stdin: Path) -> float:
    """Seconds from spawn to exit of a program with a file as its standard input and nowhere to print."""
    opens = [(os.POSIX_SPAWN_OPEN, 0, str(stdin), os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    pid = os.posix_spawn(words[0], words, {"PATH": os.defpath}, file_actions=opens)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - start
    assert status == 0, words
    return took


def instant_gate(path: Path, payload: bytes) -> str:
    """A socket that gives no opinion on that payload without looking at it: what is left is the hook's own time."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(8)
    answer = b"sre/1 %s 0 0 0\n" % hashlib.sha256(payload).hexdigest().encode()

    def work() -> None:
        while True:
            line, _ = listening.accept()
            line.recv(1 << 16)
            line.sendall(answer)
            line.close()

    threading.Thread(target=work, daemon=True).start()
    return str(path)


def test_a_hook_beside_the_bare_interpreter(house: House) -> None:
    python = hook_file.interpreter(False)
    made = hook_file.prepared(python)
    for path, content in made.files(house.folder).items():
        path.write_bytes(content)
    payload = house.folder / "payload"
    payload.write_bytes(tool("Bash", {"command": "git commit -m 'a step'"}))
    base = [str(python), "-I", "-S"]
    hook = [*base, str(made.installed(house.folder))]
    known = [str(os.getuid()), "claude-code", "PreToolUse", "20"]
    instant = instant_gate(house.folder / "instant.sock", payload.read_bytes())
    programs = {
        "bare": [*base, "-c", "pass"],
        "hash": [*base, "-c", "import _sha256" if sys.version_info < (3, 12) else "pass"],
        "alone": [*hook, instant, *known],
        "hook": [*hook, str(house.home.hook_socket), *known],
    }
    took: dict[str, list[float]] = {name: [] for name in programs}
    for n in range(210):
        for name, words in programs.items():
            seconds = run(words, payload)
            if n >= 10:
                took[name].append(seconds)
    bare, hashed, alone, whole = (spread(took[name]) for name in ("bare", "hash", "alone", "hook"))
    head()
    row("bare `python3 -I -S`", bare)
    row("the same, `import _sha256`", hashed, f"bare {bare}", hashed.p50 / bare.p50)
    row(
        "hook, spawn to exit, a socket that answers at once",
        alone,
        f"bare {bare}",
        alone.p50 / bare.p50,
        "≤ 1.3 × bare",
    )
    row(
        "hook, spawn to exit, tier 2: judged, and its event on disk",
        whole,
        f"bare {bare}",
        whole.p50 / bare.p50,
        "≤ 1.3 × bare",
    )
    assert len(house.events("tool.passed")) == 210
    assert len(made.compiled) < 16_000


def test_a_verdict_in_a_worker() -> None:
    judging = Judge()
    assert judging.load([])["ok"]
    frames = mix()
    by: dict[str, list[float]] = {"whole": [], "parse": []}
    sizes = []
    for _ in range(5):
        for event, raw in frames:
            start = time.perf_counter()
            json.loads(raw)
            parsed = time.perf_counter()
            reply = judging.call("claude-code", event, raw, "/root")
            line = json.dumps(reply)
            by["whole"].append(time.perf_counter() - parsed)
            by["parse"].append(parsed - start)
            sizes.append(len(line))
            assert reply["ok"], reply
    whole, parse = spread(by["whole"]), spread(by["parse"])
    head()
    row(f"one call in a worker: parse, redact, judge, reply ({len(frames)} payloads)", whole, f"json.loads {parse}",
        whole.p50 / parse.p50, "p50 ≤ 0.2 ms, p99 ≤ 5 ms")  # fmt: skip
    row("bytes of a worker's reply", f"{sorted(sizes)[len(sizes) // 2]} / {max(sizes)} B", "payloads")
    policy, files = load([], date.today(), starter=True), RealFiles()
    shell, other = [], []
    for event, raw in frames * 5:
        payload = json.loads(raw)
        if event == "PreToolUse":
            action = Action("claude-code", payload["tool_name"], payload["tool_input"], "/tmp", home="/root")
            start = time.perf_counter()
            judge(action, policy, Facts(files, files.project("/tmp")))
            (shell if action.tool == "Bash" else other).append(time.perf_counter() - start)
    row("policy.judge, shell commands", spread(shell), f"json.loads {parse}", spread(shell).p50 / parse.p50)
    row("policy.judge, other tools", spread(other), f"json.loads {parse}", spread(other).p50 / parse.p50)
    assert sorted(sizes)[len(sizes) // 2] < 4096


def test_a_decision_reaches_its_waiting_hook(house: House, callers: Callers) -> None:
    took, floor = [], []
    with Line(house.home) as desk:
        for n in range(400):
            payload = tool("Bash", {"command": f"touch a{n}"}, session=f"s-{n % 8}", call=f"c{n}").decode()
            callers.order("ask", calls=[payload], pause=0)
            e = house.waiting()[0]
            start = time.monotonic()
            desk.ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=0)
            ((said, at),) = callers.next()["answered"]
            took.append(at - start)
            assert '"allow"' in said
            floor.append(synced(house.folder))
    both, disk = spread(took[20:]), spread(floor[20:])
    head()
    row(
        "decision sent → waiting hook answered",
        both,
        f"fdatasync {disk}",
        both.p99 / disk.p99,
        "p99 ≤ 5 × fdatasync p99",
    )
    row("the same, medians", f"{both.p50:.3f} ms", f"{disk.p50:.3f} ms", both.p50 / disk.p50)
    assert len(house.events("escalation.used")) == 400


def settled_at_once(house: House) -> list[tuple[str, bytes]]:
    """Of the mix, the calls that no human is asked about."""
    judging = Judge()
    assert judging.load([str(house.home.policy)])["ok"]
    found = []
    for event, raw in mix():
        reply = judging.call("claude-code", event, raw, "/root")
        if "verdict" not in reply or reply["verdict"]["tier"] != 3:
            found.append((event, raw))
    return found


@pytest.mark.parametrize("at_once", [1, 8, 32])
def test_calls_to_disk(house: House, callers: Callers, at_once: int) -> None:
    """A call counts when its hook has its answer, which comes after the commit of its redacted, judged event."""
    frames = settled_at_once(house)
    calls = []
    for n in range(1000 if at_once == 1 else 3000):
        event, raw = frames[n * 7 % len(frames)]
        raw = raw.replace(b'"s-1"', b'"s-%d"' % (n % at_once)).replace(b'"toolu_1"', b'"c-%d"' % n)
        calls.append([event, raw.decode()])
    assert house.serve
    before, workers = len(house.events()), children(house.serve.pid)
    used = spent(house.serve.pid), sum(map(spent, workers))
    done = callers.order("load", calls=calls, at_once=at_once)
    own, theirs = spent(house.serve.pid) - used[0], sum(map(spent, workers)) - used[1]
    disk = spread([synced(house.folder) for _ in range(200)])
    each = spread(done["took"])
    head()
    row(f"hook.sock → disk, {at_once} at a time", f"{len(calls) / done['seconds']:.0f} calls/s, {each}", f"fdatasync {disk}",
        each.p50 / disk.p50, "≥ 1,000 calls/s")  # fmt: skip
    row(
        "processor time of one call",
        f"serve {1000 * own / len(calls):.2f} ms, workers {1000 * theirs / len(calls):.2f} ms",
    )
    assert len(house.events()) - before == len(calls) + at_once


def test_five_thousand_waiting(house: House, callers: Callers) -> None:
    count = 5000
    assert house.serve
    empty = resident(house.serve.pid)
    calls = [
        tool("Bash", {"command": f"touch a{n}"}, session=f"s-{n % 50}", call=f"c{n}").decode() for n in range(count)
    ]
    start = time.perf_counter()
    callers.order("ask", calls=calls, pause=0.01)
    found = house.waiting(count, 60)
    opened = time.perf_counter() - start
    family = [house.serve.pid, *children(house.serve.pid)]
    alone, together = resident(house.serve.pid), sum(private(pid) for pid in family)
    used = spent(house.serve.pid)
    answered = decided(house, found, callers, 32)
    used = spent(house.serve.pid) - used
    head()
    row("5,000 waiting: serve's memory", f"{alone:.0f} MB", f"empty {empty:.0f} MB", alone / empty, "≤ 100 MB")
    row("one waiting question", f"{(alone - empty) * 1024 / count:.1f} KB")
    row("serve and its workers, shared pages counted once", f"{together:.0f} MB")
    row("5,000 questions opened", f"{opened:.2f} s, {count / opened:.0f}/s")
    row("5,000 decided, each by itself, over 32 lines, until all hooks are answered",
        f"{answered:.2f} s, {count / answered:.0f}/s", "", None, "≤ 2 s")  # fmt: skip
    row("processor time of one decision in serve", f"{1000 * used / count:.2f} ms")


def decided(house: House, found: list[Escalation], callers: Callers, lines: int) -> float:
    """Seconds from the first approval until the last hook has its answer."""
    desks = [Line(house.home, timeout=60) for _ in range(lines)]

    def decide(number: int) -> None:
        for e in found[number :: len(desks)]:
            desks[number].ask("approve", escalation=e.id, version=e.version, digest=e.digest, hold=0)

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(len(desks))]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    said = callers.next()["answered"]
    for thread in threads:
        thread.join()
    for desk in desks:
        desk.__exit__()
    assert len(said) == len(found) and all('"allow"' in words for words, _ in said)
    return float(max(at for _, at in said) - start)
