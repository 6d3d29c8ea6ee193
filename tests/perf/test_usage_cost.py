"""What reading session logs costs, beside `ccusage` in the same run. Figures are printed; no wall clock is asserted.

`pytest -m perf tests/perf/test_usage_cost.py -s`; SRECONSOLE_CORPUS_MB (default 386) sets the size, CCUSAGE names the
native binary (`npm install ccusage` and its platform package) or it is looked for on PATH.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from session_corpus import write_corpus

from sreconsole.sessions.follow import Follower, peek
from sreconsole.sessions.logfiles import Faults, log_files
from sreconsole.sessions.standing import standing

pytestmark = pytest.mark.perf
MEGABYTES = int(os.environ.get("SRECONSOLE_CORPUS_MB", "386"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, dict[str, int]]]]:
    root = tmp_path_factory.mktemp("corpus")
    truth = write_corpus(root, MEGABYTES)
    yield root, truth
    shutil.rmtree(root, ignore_errors=True)


def run(command: list[str], **environment: str) -> tuple[dict[str, float], str]:
    """Wall and CPU seconds and peak megabytes of one program, and what it printed."""
    code = (
        "import json,resource,subprocess,sys,time; t=time.perf_counter(); d=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE)\n"
        "w=time.perf_counter()-t; r=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([w,r.ru_utime+r.ru_stime,r.ru_maxrss/1024])); sys.stdout.flush(); sys.stdout.buffer.write(d.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], check=True, capture_output=True, env={**os.environ, **environment}
    )
    first, _, rest = done.stdout.decode().partition("\n")
    wall, cpu, megabytes = json.loads(first)
    return {"wall s": round(wall, 2), "cpu s": round(cpu, 2), "peak MB": round(megabytes)}, rest


def best(command: list[str], times: int = 4, **environment: str) -> tuple[dict[str, float], str]:
    return min((run(command, **environment) for _ in range(times)), key=lambda pair: pair[0]["wall s"])


def test_cold_totals_beside_ccusage(corpus: tuple[Path, dict[str, dict[str, int]]]) -> None:
    root, truth = corpus
    ours, printed = best([sys.executable, "-m", "sreconsole", "sessions", "usage", "--json", str(root)])
    document = json.loads(printed)
    for model, expected in truth.items():
        found = document["models"][model]
        got = [found[key] for key in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "calls")]
        assert got == [expected[key] for key in ("input", "output", "cache_read", "w5", "w1h", "calls")], model
    print(f"\n{document['bytes'] / 1e6:.0f} MB, sreconsole sessions usage --json: {ours}")
    assert ours["peak MB"] <= 80
    peer = os.environ.get("CCUSAGE") or shutil.which("ccusage")
    if peer is None:
        pytest.skip("ccusage is not installed; figures above stand alone")
    theirs, told = best([peer, "claude", "daily", "--json", "--offline"], CLAUDE_CONFIG_DIR=str(root))
    print(f"ccusage claude daily --json --offline: {theirs}; wall ratio {ours['wall s'] / theirs['wall s']:.2f}")
    assert json.loads(told)["totals"]["totalCost"] == pytest.approx(document["total_usd"], abs=0.005)


def test_a_first_screen_from_the_last_64_kilobytes(corpus: tuple[Path, dict[str, dict[str, int]]]) -> None:
    root, _ = corpus
    started = time.perf_counter()
    sessions = [peek(path, 0) for path in log_files([root], Faults())]
    words = [standing(one, one.heard).word for one in sessions if one is not None]
    print(f"\nfirst screen of {len(words)} sessions: {time.perf_counter() - started:.2f} s")
    assert len(words) == len(sessions) and "unknown" not in words


def test_one_appended_record(corpus: tuple[Path, dict[str, dict[str, int]]], tmp_path: Path) -> None:
    log = tmp_path / "grown.jsonl"
    data = max(corpus[0].rglob("*.jsonl"), key=lambda path: path.stat().st_size).read_bytes()
    lines = [line for line in data.split(b"\n") if line and len(line) < 20_000]
    log.write_bytes(b"\n".join(lines[:-300]) + b"\n")
    follower = Follower([tmp_path])
    follower.discover()
    follower.catch_up(follower.changed()[0], 0)
    costs = []
    for line in lines[-300:]:
        with log.open("ab") as out:
            out.write(line + b"\n")
        started = time.perf_counter()
        for changed in follower.changed():
            follower.catch_up(changed, 1)
        costs.append((time.perf_counter() - started) * 1e6)
    costs.sort()
    print(f"\none appended record, stat to folded state: median {costs[150]:.0f} us, p99 {costs[297]:.0f} us")
    assert follower.sessions and len(costs) == 300


def test_five_hundred_quiet_sessions(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number}.jsonl").write_text(
            '{"type":"user","sessionId":"s","cwd":"/w","message":{"content":"x"}}\n'
        )
    follower = Follower([tmp_path])
    follower.discover()
    for log in follower.changed():
        follower.catch_up(log, 0)
    before, looks = time.process_time(), 50
    for _ in range(looks):
        assert follower.changed() == []
    each = (time.process_time() - before) / looks
    print(f"\n500 quiet sessions: {each * 1e3:.2f} ms a look, {each * 200:.2f} % of a core at two looks a second")


def test_memory_of_a_long_follow(corpus: tuple[Path, dict[str, dict[str, int]]]) -> None:
    follower = Follower([corpus[0]])
    follower.discover()
    started, bytes_read = time.perf_counter(), 0
    for log in follower.changed()[:100]:
        follower.catch_up(log, 0)
        bytes_read += log.size
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"\nfolding 100 logs whole: {bytes_read / 1e6 / seconds:.0f} MB/s, peak {peak} MB with the test program")
    assert len(follower.sessions) == min(100, len(follower.logs))
