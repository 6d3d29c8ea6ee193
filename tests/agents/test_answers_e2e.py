"""G10 with the real Claude Code: what a human answers at operator.sock is what the agent gets as its tool's result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sreconsole.gate.wiring import Wire, wired

ROOT = Path(__file__).parents[2]
RIG = ROOT / "tests" / "rig"
CLAUDE = Path(
    os.environ.get("SRECONSOLE_CLAUDE")
    or ROOT / ".cache/clients/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
)
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CLAUDE.exists(), reason=f"Claude Code is not at {CLAUDE} (set SRECONSOLE_CLAUDE)"),
]

QUESTION = "Which database?"
ASK = {"name": "AskUserQuestion", "input": {"questions": [
    {"question": QUESTION, "header": "Database", "multiSelect": False,
     "options": [{"label": "Postgres", "description": "the old one"}, {"label": "SQLite", "description": "one file"}]},
    {"question": "Which extras?", "header": "Extras", "multiSelect": True,
     "options": [{"label": "index", "description": "faster"}, {"label": "backup", "description": "safer"}, {"label": "none", "description": "-"}]},
]}}  # fmt: skip
PLAN = {"name": "ExitPlanMode", "input": {"plan": "1. migrate\n2. rest"}}


HOSTED = (
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--permission-prompt-tool",
    "stdio",
)
"""As the agent SDK runs the client: a bare `-p` has no AskUserQuestion and no ExitPlanMode at all (2.1.328)."""


class Claude:
    """One run of the client under the gate, with a scripted model."""

    def __init__(self, fleet: Any, wait: Any) -> None:
        self.fleet, self.wait, self.folder = fleet, wait, fleet.folder
        self.model: subprocess.Popen[bytes] | None = None
        self.client: subprocess.Popen[str] | None = None

    def start(
        self, *tools: dict[str, Any], words: tuple[str, ...] = ("--permission-mode", "bypassPermissions")
    ) -> None:
        """Start the client on a prompt; the model calls these tools one after the other."""
        turns = [{"text": "go on", "tools": [tool]} for tool in tools] + [{"text": "done"}]
        script, port, config = self.folder / "script.json", self.folder / "port", self.folder / "claude"
        script.write_text(json.dumps({"turns": turns}))
        self.model = subprocess.Popen(
            [sys.executable, str(RIG / "fake_anthropic.py"), str(script), "--port", "0", "--log", str(self.folder / "requests"), "--ready-file", str(port)],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.wait(lambda: port.exists() and port.read_text(), "the model listens")
        for folder in (config, self.folder / "project", self.folder / "user"):
            folder.mkdir()
        hook = shutil.copy(ROOT / "sreconsole/hook.py", self.folder / "sreconsole-hook-1.py")
        wire = Wire(Path("/usr/bin/python3"), Path(hook), self.fleet.home.hook_socket, os.getuid())
        (config / "settings.json").write_text(json.dumps(wired({}, wire, "claude-code")))
        servers = {"mcpServers": {"tables": {"command": sys.executable, "args": [str(RIG / "elicit_server.py")]}}}
        (self.folder / "mcp.json").write_text(json.dumps(servers))
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder / "user"), "LANG": "C.UTF-8", "TERM": "xterm",
            "CLAUDE_CONFIG_DIR": str(config), "CLAUDE_CODE_TMPDIR": str(self.folder), "ANTHROPIC_API_KEY": "sk-ant-dummy-offline",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port.read_text()}", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0", "IS_SANDBOX": "1",
        }  # fmt: skip
        self.client = subprocess.Popen([str(CLAUDE), *HOSTED, *words], cwd=self.folder / "project", env=environment,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        assert self.client.stdin is not None
        self.client.stdin.write(json.dumps({"type": "user", "message": {"role": "user", "content": "go"}}) + "\n")
        self.client.stdin.flush()

    def results(self) -> list[tuple[str, bool]]:
        """The tools' results as the model got them, once the client has ended: (text, whether an error)."""
        assert self.client is not None
        out, err = self.client.communicate(timeout=60)
        assert self.client.returncode == 0, out + err
        last = [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]
        messages = max((one["body"]["messages"] for one in last if "messages" in one.get("body", {})), key=len)
        found = []
        for message in messages:
            for block in message["content"] if isinstance(message["content"], list) else []:
                if block.get("type") == "tool_result":
                    content = block["content"]
                    text = content if isinstance(content, str) else "\n".join(one.get("text", "") for one in content)
                    found.append((text, bool(block.get("is_error"))))
        return found

    def close(self) -> None:
        """End what is still running."""
        for process in (self.client, self.model):
            if process and process.poll() is None:
                process.kill()
                process.wait(10)


@pytest.fixture
def claude(fleet: Any, wait: Callable[..., None]) -> Iterator[Claude]:
    one = Claude(fleet, wait)
    yield one
    one.close()


@pytest.mark.parametrize(
    ("picked", "expected"),
    [
        ({QUESTION: ["SQLite"], "Which extras?": ["index", "backup"]}, ("SQLite", "index, backup")),
        ({QUESTION: {"text": "neither: a flat file"}, "Which extras?": ["none"]}, ("neither: a flat file", "none")),
    ],
)
def test_question_is_answered_from_the_operators_socket(claude: Claude, picked: Any, expected: tuple[str, str]) -> None:
    claude.start(ASK)
    e = claude.fleet.waiting()[0]
    assert (e.kind, e.tool) == ("question", "AskUserQuestion")
    claude.fleet.approve(e, {"choices": picked})
    [(text, error)] = claude.results()
    assert not error
    assert all(word in text for word in expected), text


def test_question_denied_tells_the_agent_why(claude: Claude) -> None:
    claude.start(ASK)
    claude.fleet.ask("deny", escalation=claude.fleet.waiting()[0].id, reason="ask again on Monday")
    [(text, _)] = claude.results()
    assert "ask again on Monday" in text


def test_plan_approved_and_denied(claude: Claude) -> None:
    claude.start(PLAN, PLAN, words=("--permission-mode", "plan"))
    first = claude.fleet.waiting()[0]
    assert first.kind == "plan"
    claude.fleet.ask("deny", escalation=first.id, reason="too broad")
    claude.wait(lambda: claude.fleet.waiting()[0].id != first.id, "it asks again", 30)
    claude.fleet.approve(claude.fleet.waiting()[0])
    denied, approved = claude.results()
    assert "too broad" in denied[0] and denied[1]
    assert not approved[1], approved


@pytest.mark.parametrize(("decision", "expected"), [("accept", '"seats": 4'), ("deny", '"decline"')])
def test_elicitation_of_a_server(claude: Claude, decision: str, expected: str) -> None:
    claude.start({"name": "mcp__tables__book", "input": {}},
                 words=("--permission-mode", "bypassPermissions", "--mcp-config", str(claude.folder / "mcp.json")))  # fmt: skip
    first = claude.fleet.waiting()[0]
    if first.kind == "tool":
        claude.fleet.approve(first)
        claude.wait(lambda: claude.fleet.waiting()[0].id != first.id, "the server asks", 30)
    e = claude.fleet.waiting()[0]
    assert (e.kind, json.loads(e.choices)[0]["question"]) == ("elicitation", "How many seats?")
    if decision == "accept":
        claude.fleet.approve(e, {"content": {"seats": 4}})
    else:
        claude.fleet.ask("deny", escalation=e.id, reason="closed today")
    [(text, _)] = claude.results()
    assert expected in text
