"""The real Claude Code client, offline, against a scripted model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from house import PYTHON, ROOT, House, wait_for

from sreconsole.gate.wiring import Wire, wired

PACKAGE = "node_modules/@anthropic-ai/claude-code-linux-x64/claude"


def binary() -> Path:
    """The client's native binary; skips with the reason where it is not installed."""
    named = os.environ.get("SRECONSOLE_CLAUDE")
    found = Path(named) if named else ROOT / ".cache/clients" / PACKAGE
    if not found.exists():
        why = "Claude Code is not installed: npm install --prefix .cache/clients @anthropic-ai/claude-code@2.1.328"
        if os.environ.get("SRECONSOLE_REQUIRE") == "all":
            pytest.fail(why)
        pytest.skip(why)
    return found


class Claude:
    """One scripted run of the client in a house's project."""

    def __init__(self, house: House, turns: list[dict[str, Any]], *, settings: dict[str, Any] | None = None, name: str = "c",
                 routes: list[dict[str, Any]] | None = None) -> None:  # fmt: skip
        self.house = house
        self.folder = house.folder / name
        self.folder.mkdir()
        self.config = self.folder / "config"
        self.config.mkdir()
        (self.folder / "home").mkdir()
        hook = self.folder / "sreconsole-hook-1.py"
        shutil.copy(ROOT / "sreconsole/hook.py", hook)
        self.wire = Wire(Path(PYTHON), hook, house.home.hook_socket, os.getuid())
        base = wired({}, self.wire, "claude-code") if settings is None else settings
        (self.config / "settings.json").write_text(json.dumps(base, indent=2))
        script = self.folder / "script.json"
        script.write_text(json.dumps({"turns": turns, "routes": routes or []}))
        self.requests = self.folder / "requests.jsonl"
        port = self.folder / "port"
        self.model = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/rig/fake_anthropic.py"), str(script), "--port", "0", "--log", str(self.requests),
             "--ready-file", str(port), "--var", f"WORK={house.project}"], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(lambda: port.exists() and port.read_text(), 10, "the scripted model")
        self.port = port.read_text()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Nothing inherited: the client's own folders, the scripted model, no telemetry."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder / "home"), "LANG": "C.UTF-8", "TERM": "xterm",
            "CLAUDE_CONFIG_DIR": str(self.config), "CLAUDE_CODE_TMPDIR": str(self.folder),
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}", "ANTHROPIC_API_KEY": "sk-ant-dummy-offline",
            "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1", "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0", "IS_SANDBOX": "1",
        }  # fmt: skip

    def start(self, *extra: str, mode: str = "bypassPermissions", wrap: list[str] | None = None) -> Claude:
        """Start an unattended run."""
        self.process = subprocess.Popen(
            [*(wrap or []), str(binary()), "-p", "go", "--output-format", "json", "--permission-mode", mode, *extra],
            env=self.environment | ({"SRECONSOLE_HOME": str(self.house.home.config), "PYTHONPATH": str(ROOT)} if wrap else {}),
            cwd=self.house.project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        return self

    def result(self, timeout: float = 60) -> dict[str, Any]:
        """The run's own report, once it has ended."""
        assert self.process
        out, err = self.process.communicate(timeout=timeout)
        assert out.strip(), err.decode()
        report: dict[str, Any] = json.loads(out)
        return report

    def told(self) -> str:
        """Everything the model was told, as text."""
        return self.requests.read_text() if self.requests.exists() else ""

    def close(self) -> None:
        """End client and model."""
        for process in (self.process, self.model):
            if process and process.poll() is None:
                process.kill()
                process.wait()


def bash(command: str, text: str = "working") -> dict[str, Any]:
    """A model's turn that runs one command."""
    return {"text": text, "tools": [{"name": "Bash", "input": {"command": command, "description": "synthetic"}}]}


DONE = {"text": "done"}
