"""Where logs are, and which recorded process is still that process."""

import json
import os
from pathlib import Path

from sreconsole.sessions.homes import homes
from sreconsole.sessions.registry import namespace, read, started_at


def test_homes_come_from_the_clients_own_variables_and_exist(tmp_path: Path) -> None:
    for name in ("a", "b", "codex", "g/.gemini", "u1/.claude", "u1/.codex", "u1/.config/claude", "u2/.gemini"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "u2/.claude").symlink_to(tmp_path / "u1/.claude")
    environment = {
        "CLAUDE_CONFIG_DIR": f"{tmp_path}/a,{tmp_path}/b", "CODEX_HOME": f"{tmp_path}/codex:{tmp_path}/absent",
        "GEMINI_CLI_HOME": f"{tmp_path}/g",
    }  # fmt: skip
    found = homes(environment, (tmp_path / "u1", tmp_path / "u2"))
    assert [(home.client, str(home.root.relative_to(tmp_path))) for home in found] == [
        ("claude-code", "a"), ("claude-code", "b"), ("codex", "codex"), ("gemini", "g/.gemini"), ("claude-code", "u1/.claude"),
        ("claude-code", "u1/.config/claude"), ("codex", "u1/.codex"), ("gemini", "u2/.gemini"),
    ]  # fmt: skip
    assert found[0].logs == (tmp_path / "a/projects",) and found[0].registry == tmp_path / "a/sessions"


def test_a_registry_entry_is_alive_only_as_the_process_it_names(tmp_path: Path) -> None:
    def entry(pid: int, **more: object) -> None:
        told = {"sessionId": f"s{pid}", "cwd": "/w", "status": "busy", "statusUpdatedAt": 1_772_359_200_000, **more}
        (tmp_path / f"{pid}.json").write_text(json.dumps(told))

    entry(1, procStart="500")
    entry(2, procStart=500)
    entry(3)
    entry(4, status=None)
    entry(10, procStart=500, pidDomain="linux:abc:pid:[1]")
    entry(11, procStart=500, pidDomain=f"linux:abc:{namespace()}")
    (tmp_path / "pid-9.json").write_text("{}")
    (tmp_path / "5.json").write_text("{broken")
    (tmp_path / "6.json").write_text('{"pid": 6}')
    (tmp_path / "7.json").write_text("x" * 70_000)
    (tmp_path / "8.json").symlink_to(tmp_path / "1.json")
    times = {1: 500, 2: 501, 4: 7, 11: 500}
    found = {one.pid: one for one in read(tmp_path, times.get)}
    assert {pid: one.said.alive for pid, one in found.items()} == {
        1: True,
        2: False,
        3: False,
        4: True,
        10: None,
        11: True,
    }
    assert (found[1].session, found[1].started, found[1].said.status, found[1].said.at) == (
        "s1",
        500,
        "busy",
        1_772_359_200_000,
    )
    assert found[4].said.status == ""
    assert list(read(tmp_path / "absent")) == []


def test_when_a_process_began() -> None:
    mine = started_at(os.getpid())
    assert mine is not None and mine > 0
    assert started_at(2**22 + 1) is None
