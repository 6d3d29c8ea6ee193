"""The real Claude Code, offline: its registry file, its log, and its own bill beside ours."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from claude import binary
from house import ROOT, wait_for

from sreconsole.sessions.cost import children, cost
from sreconsole.sessions.follow import Follower
from sreconsole.sessions.homes import homes
from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.registry import read
from sreconsole.sessions.standing import standing
from sreconsole.sessions.usage import measure

pytestmark = pytest.mark.e2e
USED = {
    "input_tokens": 100, "output_tokens": 33, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30},
}  # fmt: skip
COMMIT = "git init -q . && git -c user.name=a -c user.email=a@b commit -m first --allow-empty"


def bash(command: str) -> dict[str, Any]:
    return {"tools": [{"name": "Bash", "input": {"command": command, "description": "x"}}]}


SCRIPT = {
    "turns": [
        {**bash("sleep 2; echo hi"), "text": "start", "usage": USED},
        {
            "tools": [
                {
                    "name": "Agent",
                    "input": {"description": "sub", "prompt": "SUBTASK", "subagent_type": "general-purpose"},
                }
            ]
        },
        bash(COMMIT),
        {"text": "Done."},
    ],
    "routes": [{"match": "SUBTASK", "turns": [bash("exit 4"), {"text": "sub done"}]}],
}


@pytest.fixture
def model(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    ready = tmp_path / "port"
    command = [sys.executable, str(ROOT / "tests/rig/fake_anthropic.py"), str(tmp_path / "script.json"), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--log", str(tmp_path / "requests.jsonl"), "--ready-file", str(ready)], stderr=subprocess.DEVNULL
    )
    wait_for(lambda: ready.exists() and ready.read_text(), 10, "the scripted model")
    yield ready.read_text()
    process.kill()
    process.wait()


def environment(tmp_path: Path, port: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8", "TERM": "xterm",
        "CLAUDE_CONFIG_DIR": str(tmp_path / "config"), "CLAUDE_CODE_TMPDIR": str(tmp_path),
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "sk-ant-dummy-offline",
        "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1", "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0", "IS_SANDBOX": "1",
    }  # fmt: skip


def test_a_run_from_its_first_word_to_its_bill(tmp_path: Path, model: str) -> None:
    for name in ("home", "config", "project"):
        (tmp_path / name).mkdir()
    (home,) = homes({"CLAUDE_CONFIG_DIR": str(tmp_path / "config")}, ())
    assert home.registry is not None
    command = [str(binary()), "-p", "go", "--output-format", "json", "--permission-mode", "bypassPermissions"]
    client = subprocess.Popen(
        command,
        env=environment(tmp_path, model),
        cwd=tmp_path / "project",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    follower, said = Follower(list(home.logs)), []
    while client.poll() is None:
        follower.discover()
        for log in follower.changed():
            follower.catch_up(log, int(time.time() * 1000))
        for entry in read(home.registry):
            session = follower.sessions.get(entry.session)
            if session is not None and session.main.open:
                said.append(standing(session, int(time.time() * 1000), registry=entry.said))
        time.sleep(0.1)
    assert client.stdout is not None
    bill = json.loads(client.stdout.read())
    assert said and {(one.word, one.source) for one in said} == {("running", "registry")}

    follower.discover()
    for log in follower.changed():
        follower.catch_up(log, int(time.time() * 1000))
    session = follower.sessions[bill["session_id"]]
    (own,) = bill["modelUsage"].values()
    assert (session.tokens.input, session.tokens.output) == (own["inputTokens"], own["outputTokens"])
    assert (session.tokens.cache_write_5m, session.tokens.cache_write_1h) == (10, 30)
    assert float(cost(session, PriceList()).usd) == pytest.approx(bill["total_cost_usd"])
    assert float(
        sum(use.usd or 0 for use in measure([tmp_path / "config"], PriceList()).models.values())
    ) == pytest.approx(bill["total_cost_usd"])
    assert (
        [one.sha for one in session.facts.commits]
        and session.facts.failures == 1
        and session.facts.skipped.total() == 0
    )
    ((child,),) = children(session).values()
    assert child.id and child.finished and standing(session, session.heard).word == "waiting for input"
    assert os.path.realpath(session.cwd) == os.path.realpath(tmp_path / "project")
