"""Print the room's figures: `python tests/policy/figures.py CORPUS.jsonl`. Nothing is asserted; rows by family and rule."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections import Counter
from pathlib import Path

from sreconsole.policy.action import Action
from sreconsole.policy.judge import judge
from sreconsole.policy.policy import load

HERE = Path(__file__).parent
POLICY = load([], datetime.date(2026, 6, 1), starter=True)


def tier(command: str, cwd: str = "") -> tuple[int, str]:
    verdict = judge(
        Action("claude-code", "Bash", {"command": command}, cwd or "/home/test/repo", home="/home/test"), POLICY
    )
    return verdict.tier, verdict.rule


def share(name: str, rows: list[dict], wanted) -> None:
    hits = sum(wanted(tier(row["command"], row.get("cwd") or "")[0]) for row in rows)
    print(f"{name:<44} {hits}/{len(rows)} = {hits / max(1, len(rows)):.2%}")


def corpus(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    block = [
        r
        for r in rows
        if r["expected"] == "block" and not any(r.get(k) for k in ("product_specific", "conflict", "not_shell"))
    ]
    share(
        "destructive at >=3, without git-config", [r for r in block if r["slice"] != "git-config-rce"], lambda t: t >= 3
    )
    share("destructive at >=3, all", block, lambda t: t >= 3)
    free = [r for r in rows if r["expected"] == "allow" and r.get("allow_means") == "auto"]
    share("auto-allowed, asked about (want few)", free, lambda t: t >= 3)
    unknown = [r["command"] for r in block if tier(r["command"], r.get("cwd") or "") == (2, "base.unknown")]
    print(f"destructive that landed at 2 as unknown program: {len(unknown)}", *unknown, sep="\n  ")
    return [r["command"] for r in rows]


def main() -> None:
    probes = [json.loads(line) for line in (HERE / "probes.jsonl").read_text().splitlines()]
    off = Counter((p["family"], p["tier"], got) for p in probes if (got := tier(p["command"])[0]) != p["tier"])
    print(f"probes off their tier: {sum(off.values())} of {len(probes)}", dict(off) or "")
    ordinary = [json.loads(line) for line in (HERE / "ordinary.jsonl").read_text().splitlines()]
    asked = [c for c in ordinary if tier(c)[0] >= 3]
    print(f"interruptions: {len(asked)} of {len(ordinary)} ordinary commands", *asked, sep="\n  ")
    commands = corpus(Path(sys.argv[1])) if len(sys.argv) > 1 else ordinary
    times = []
    for command in commands:
        start = time.process_time()
        tier(command)
        times.append((time.process_time() - start) * 1e3)
    times.sort()
    print(
        f"verdict, processor time: p50 {times[len(times) // 2]:.3f} ms, p99 {times[int(len(times) * 0.99)]:.3f} ms, max {times[-1]:.2f} ms"
    )


if __name__ == "__main__":
    main()
