"""The open acceptance list: every probe at its tier, and the floors the product promises."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

PROBES = [json.loads(line) for line in (Path(__file__).parent / "probes.jsonl").read_text().splitlines()]
ORDINARY = [json.loads(line) for line in (Path(__file__).parent / "ordinary.jsonl").read_text().splitlines()]
DESTRUCTIVE = [json.loads(line) for line in (Path(__file__).parent / "destructive.jsonl").read_text().splitlines()]
CORPUS = os.environ.get("SRECONSOLE_POLICY_CORPUS", "")


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: f"{p['family']}-{p['command'][:40]!r}")
def test_probe_is_at_its_tier(probe, shell):
    assert shell(probe["command"]).tier == probe["tier"]


def test_floors(shell):
    tiers = {p["command"]: shell(p["command"]).tier for p in PROBES}
    hard = [p for p in PROBES if p["tier"] == 4]
    assert all(tiers[p["command"]] >= 3 for p in hard)
    assert sum(tiers[p["command"]] == 4 for p in hard) >= 88
    for family in ("fp-traps", "project-write", "read-only"):
        assert not [p["command"] for p in PROBES if p["family"] == family and tiers[p["command"]] >= 3]


def test_ordinary_agent_commands_are_not_interrupted(shell):
    asked = [(c, v.rule) for c in ORDINARY if (v := shell(c)).tier >= 3]
    assert len(asked) <= len(ORDINARY) * 0.01, asked


@pytest.mark.parametrize("command", DESTRUCTIVE, ids=lambda c: repr(c[:50]))
def test_destructive_command_is_asked_or_refused(command, shell):
    assert shell(command).tier >= 3


@pytest.mark.skipif(not Path(CORPUS).is_file(), reason="set SRECONSOLE_POLICY_CORPUS to the labelled corpus")
def test_corpus_floors(shell):
    rows = [json.loads(line) for line in Path(CORPUS).read_text().splitlines()]
    block = [
        r
        for r in rows
        if r["expected"] == "block" and not any(r.get(k) for k in ("product_specific", "conflict", "not_shell"))
    ]
    plain = [r for r in block if r["slice"] != "git-config-rce"]
    gated = Counter(
        (r["slice"] != "git-config-rce", shell(r["command"], cwd=r.get("cwd") or "/home/test/repo").tier >= 3)
        for r in block
    )
    assert gated[True, True] / len(plain) >= 0.95
    assert (gated[True, True] + gated[False, True]) / len(block) >= 0.90
    free = [r for r in rows if r["expected"] == "allow" and r.get("allow_means") == "auto"]
    assert sum(shell(r["command"]).tier >= 3 for r in free) / len(free) <= 0.05
