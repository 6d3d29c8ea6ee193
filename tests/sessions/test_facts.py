"""Facts out of the three clients' own lines: counts, files, lines, commits, branches, pull requests, runbook, changes."""

import json
import time
from pathlib import Path

import pytest
from logs import GEMINI_HEAD, assistant, counted, gemini, progress, put, rollout, totals, usage

from sreconsole.sessions import claude_records, commands
from sreconsole.sessions.cost import children, cost, thread_tokens
from sreconsole.sessions.follow import Follower, cursor_from, cursor_json, parse, peek, reader
from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.record import Answered, Errored, Linked, Opened, Prompted, Returned, Skipped, TurnEnded, millis
from sreconsole.sessions.results import denial, diff_lines, exit_code, patched_paths
from sreconsole.sessions.session import Session
from sreconsole.sessions.tail import Cursor
from sreconsole.sessions.tokens import Tokens

CAPTURED = Path(__file__).parent / "captured"


def folded(*paths: Path) -> dict[str, Session]:
    follower = Follower(list(paths))
    follower.discover()
    for log in follower.changed():
        follower.catch_up(log, 1)
    return follower.sessions


def test_a_captured_claude_session_with_its_subagents_file() -> None:
    session = folded(CAPTURED)["9677f2e5-c7b9-4ced-8043-a8ecd402f385"]
    facts = session.facts
    assert (session.client, session.version, session.cwd) == ("claude-code", "2.1.328", "/home/dev/proj")
    assert (session.model, session.effort, facts.turns, facts.calls, facts.failures) == (
        "claude-opus-5-5",
        "medium",
        1,
        14,
        3,
    )
    assert set(facts.files) == {"/home/dev/proj/new.txt", "/home/dev/proj/a.txt"} and (facts.added, facts.removed) == (
        2,
        1,
    )
    assert facts.tools["Bash"] == 7 and facts.skipped.total() == 0
    assert session.own_total is not None and session.own_total.tokens == session.tokens
    assert float(cost(session, PriceList()).usd) == pytest.approx(session.own_total.usd or 0)
    (spawner,) = children(session)
    assert children(session)[spawner][0].id == "a9e81325748719428"
    parts = [cost(session, PriceList(), agent).usd for agent in ("", "a9e81325748719428")]
    assert parts[1] > 0 and sum(parts) == cost(session, PriceList()).usd
    assert thread_tokens(session) == {"": Tokens(1300, 260), "a9e81325748719428": Tokens(200, 40)}


def test_a_captured_codex_session() -> None:
    session = folded(CAPTURED)["01a1f792-e5da-7eb3-9c36-0729ec1d0e65"]
    assert (session.client, session.version, session.model, session.permission) == (
        "codex",
        "0.169.0",
        "gpt-5.2-codex",
        "never",
    )
    assert (session.facts.turns, session.facts.calls, session.facts.commands, session.facts.failures) == (1, 2, 2, 1)
    assert not session.main.turn_open and session.main.how == "complete"
    assert session.own_total is not None and session.own_total.tokens == session.tokens == Tokens(200, 40)
    assert session.facts.skipped.total() == 0


def test_a_captured_gemini_session() -> None:
    session = folded(CAPTURED)["1acba219-6a7e-4b9d-abb7-7524346e27b3"]
    assert (session.client, session.cwd, session.model) == ("gemini", "/home/dev/proj", "gemini-3.1-pro-preview")
    assert (session.facts.turns, session.facts.calls, session.facts.added) == (1, 2, 1)
    assert list(session.facts.files) == ["/home/dev/proj/n.txt"] and session.tokens == Tokens(300, 60)


def test_the_cost_of_a_followed_session_is_what_usage_says(tmp_path: Path) -> None:
    from sreconsole.sessions.usage import measure

    put(
        tmp_path / "s1.jsonl",
        assistant("m1", usage(3, 1, 1000, 200)), assistant("m1", usage(3, 480, 1000, 200, 50)), progress("m2", usage(2, 7), "r2"),
        assistant("m3", usage(250_000, 9), "r3", padding="x"), assistant("m3", usage(250_000, 9), None),
    )  # fmt: skip
    put(tmp_path / "s1/subagents/agent-a1.jsonl", assistant("m2", usage(2, 30), "r2", isSidechain=True, agentId="a1"))
    session, report = folded(tmp_path)["s1"], measure([tmp_path], PriceList())
    assert session.tokens == report.models["claude-opus-4-6"].tokens
    assert cost(session, PriceList()).usd == report.models["claude-opus-4-6"].usd


def test_costs_of_sessions_that_copy_one_another_can_be_added_up(tmp_path: Path) -> None:
    first = [assistant(f"m{n}", usage(1, 10), f"r{n}") for n in range(5)]
    put(tmp_path / "a.jsonl", *first)
    put(
        tmp_path / "b.jsonl",
        *[{**one, "sessionId": "s2"} for one in first],
        assistant("m9", usage(1, 4), "r9", sessionId="s2"),
    )
    sessions = folded(tmp_path)
    assert (sessions["s1"].tokens, sessions["s2"].tokens) == (Tokens(5, 50), Tokens(1, 4))


def test_new_kinds_are_counted_and_skipped(tmp_path: Path) -> None:
    put(
        tmp_path / "s.jsonl",
        assistant("m1", usage(1, 1)),
        {"type": "hologram", "sessionId": "s1"},
        "not json",
        "[1,2]",
        {"type": "system", "subtype": "odd"},
    )
    facts = folded(tmp_path)["s1"].facts
    assert facts.skipped == {"hologram": 1, "unreadable": 2, "system/odd": 1}


def line(**more: object) -> dict[str, object]:
    return {"sessionId": "s1", "timestamp": "2026-03-01T10:00:00.000Z", "cwd": "/w", **more}


def result(call: str, content: object, failed: bool = False, **more: object) -> dict[str, object]:
    block = {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": failed}
    return line(type="user", message={"role": "user", "content": [block]}, **more)


def tool(name: str, call: str, **given: object) -> dict[str, object]:
    made = assistant(f"m-{call}", usage(1, 1), f"r-{call}", **line())
    made["message"]["content"] = [{"type": "tool_use", "id": call, "name": name, "input": given}]
    return made


def test_commits_branches_pull_requests_and_the_runbook(tmp_path: Path) -> None:
    put(
        tmp_path / "s.jsonl",
        tool("Read", "t0", file_path="/w/AGENTS.md"), result("t0", "# Runbook"),
        tool("Bash", "t1", command="cd ../other && git commit -am 'x'"),
        result("t1", "[feature/y 1a2b3c4d] x\n 1 file changed", toolUseResult={"stdout": "", "stderr": ""}),
        line(type="pr-link", prNumber=7, prUrl="https://github.com/o/r/pull/7", prRepository="o/r"),
        line(type="permission-mode", permissionMode="plan"), line(type="permission-mode", permissionMode="bypassPermissions"),
        assistant("m8", usage(1, 1), "r8", model="claude-haiku-4-5", **line()),
    )  # fmt: skip
    session = folded(tmp_path)["s1"]
    (commit,) = session.facts.commits
    assert (commit.folder, commit.branch, commit.sha) == ("/other", "feature/y", "1a2b3c4d")
    assert "feature/y" in session.facts.branches and list(session.facts.runbooks) == ["/w/AGENTS.md"]
    assert [one.number for one in session.facts.pull_requests.values()] == [7]
    assert [(one.what, one.value) for one in session.facts.changes] == [
        ("permission mode", "bypassPermissions"),
        ("model", "claude-haiku-4-5"),
    ]


def test_a_call_seen_in_the_parents_progress_and_in_its_own_file_is_one_call(tmp_path: Path) -> None:
    own = tool("Bash", "t1", command="ls")
    own["agentId"] = "a1"
    embedded = {
        "type": "progress",
        "sessionId": "s1",
        "timestamp": own["timestamp"],
        "data": {"type": "agent_progress", "agentId": "a1", "message": own},
    }
    put(tmp_path / "a.jsonl", embedded)
    put(tmp_path / "b.jsonl", own, {**result("t1", "x"), "agentId": "a1"})
    session = folded(tmp_path)["s1"]
    assert session.facts.calls == 1 and session.threads["a1"].open == {}


@pytest.mark.parametrize(("told", "expected"), [
    (result("t", "Exit code 3\nno", True), (True, 3, "")),
    (result("t", "The user doesn't want to proceed with this tool use.", True), (True, None, "user")),
    (result("t", "PreToolUse:Bash hook error: tier 4", True), (True, None, "policy")),
    (result("t", "Permission to use Bash has been denied", True), (True, None, "policy")),
    (result("t", "x", True, permissionDecision={"decision": "reject", "source": "hook"}), (True, None, "policy")),
    (result("t", "x", True, permissionDecision={"decision": "reject", "source": "user_reject"}), (True, None, "user")),
    (result("t", "<tool_use_error>Sibling tool call errored</tool_use_error>", True), (True, None, "sibling")),
    (result("t", [{"type": "text", "text": "fine"}], False, toolUseResult={"stdout": "fine"}), (False, 0, "")),
    (result("t", "bg", False, toolUseResult={"stdout": "", "backgroundTaskId": "b1"}), (False, None, "")),
    (result("t", "hook error is a word in a file", False), (False, None, "")),
])  # fmt: skip
def test_how_a_claude_result_went(told: dict[str, object], expected: tuple[object, ...]) -> None:
    (one,) = (record for record in claude_records.records(told) if isinstance(record, Returned))
    assert (one.failed, one.exit, one.denied) == expected


def codex_result(output: object) -> Returned:
    read = reader("codex")
    told = rollout("response_item", "2026-03-01T10:00:00Z", type="function_call_output", call_id="c", output=output)
    (one,) = read(told)
    assert isinstance(one, Returned)
    return one


@pytest.mark.parametrize(("output", "expected"), [
    ("Chunk ID: a\nWall time: 1 s\nProcess exited with code 2\nOutput:\nx", (True, 2, "")),
    ("Process exited with code 0\n", (False, 0, "")),
    ('{"output":"boom","metadata":{"exit_code":1,"duration_seconds":0.1}}', (True, 1, "")),
    ('{"output":"ok","metadata":{"exit_code":0}}', (False, 0, "")),
    ({"content": "no", "success": False}, (True, None, "")),
    ("aborted by user after 2 s", (True, None, "user")),
    ("unsupported call: shell_command", (True, None, "")),
    ("{not json", (False, None, "")),
])  # fmt: skip
def test_how_a_codex_result_went(output: object, expected: tuple[object, ...]) -> None:
    one = codex_result(output)
    assert (one.failed, one.exit, one.denied) == expected


def test_a_codex_result_is_named_without_what_changes_by_itself() -> None:
    assert codex_result("Chunk ID: a\nWall time: 1\nx").digest == codex_result("Chunk ID: b\nWall time: 2\nx").digest


def test_a_forks_replay_is_no_part_of_its_facts(tmp_path: Path) -> None:
    old, new, child = (
        "019ca000-1000-7000-8000-000000000000",
        "019ca000-2001-7000-8000-000000000000",
        "019ca000-2000-7000-8000-000000000000",
    )
    at = "2026-03-01T10:00:00.000Z"
    call = {"type": "function_call", "name": "exec_command", "arguments": '{"cmd":"ls"}'}
    put(
        tmp_path / "rollout-b.jsonl",
        rollout("session_meta", at, id=child, timestamp=at, cwd="/w", forked_from_id="p"),
        rollout("turn_context", at, model="gpt-5.2-codex", turn_id=old), rollout("response_item", at, call_id="c1", **call),
        counted(at, totals(5000, 0, 40)),
        rollout("turn_context", at, model="gpt-5.2-codex", turn_id=new), rollout("response_item", at, call_id="c2", **call),
        counted(at, totals(5100, 0, 45), totals(100, 0, 5)),
    )  # fmt: skip
    session = folded(tmp_path)[child]
    assert (session.facts.calls, session.tokens, session.parent) == (1, Tokens(100, 5), "p")


def test_gemini_messages_written_again_tell_only_what_is_new() -> None:
    read = reader("gemini")
    call = {"id": "c1", "name": "run_shell_command", "args": {"command": "ls"}, "timestamp": "2026-03-01T10:00:01Z"}
    first = list(read(gemini("a" * 32, {"input": 1, "output": 1}, toolCalls=[{**call, "status": "executing"}])))
    again = list(read(gemini("a" * 32, {"input": 1, "output": 1}, toolCalls=[{**call, "status": "cancelled"}])))
    assert [type(one).__name__ for one in first] == ["Answered", "Called"]
    assert [type(one).__name__ for one in again] == ["Answered", "Returned"]
    assert isinstance(again[1], Returned) and again[1].denied == "user"
    assert list(read({"$rewindTo": "x"})) == [] and [type(one) for one in read({"odd": 1})] == [Skipped]
    assert [type(one) for one in reader("gemini")({"id": "e", "type": "error", "content": "quota"})] == [Errored]
    assert len(list(reader("gemini")(GEMINI_HEAD))) == 1


def test_what_the_client_tells_itself_is_no_prompt_of_a_human() -> None:
    def prompt(content: object, **more: object) -> list[object]:
        return [
            one
            for one in claude_records.records(line(type="user", message={"content": content}, **more))
            if isinstance(one, Prompted | TurnEnded)
        ]

    assert [one.by_human for one in prompt("fix it")] == [True]  # type: ignore[attr-defined]
    assert [one.by_human for one in prompt("<task-notification>done")] == [False]  # type: ignore[attr-defined]
    assert prompt("x", isMeta=True) == [] and prompt("x", isCompactSummary=True) == []
    assert [one.how for one in prompt([{"type": "text", "text": "[Request interrupted by user]"}])] == ["aborted"]  # type: ignore[attr-defined]


def test_errors_of_the_model_and_links() -> None:
    told = line(type="system", subtype="api_error", retryAttempt=10, maxRetries=10, error={"status": 529})
    assert [one.gave_up for one in claude_records.records(told) if isinstance(one, Errored)] == [True]
    failed = assistant("m", usage(0, 0), model="<synthetic>", isApiErrorMessage=True)
    assert [type(one) for one in claude_records.records(failed)] == [Opened, Errored]
    assert [type(one) for one in claude_records.records({"type": "pr-link", "prNumber": 1})] == [Linked]


@pytest.mark.parametrize(("command", "kinds"), [
    ("pytest -q", "test check"), ("cd x && uv run pytest", "test check"), ("CI=1 npm test", "test check"), ("npm run test:unit", "test check"),
    ("go test ./...", "test check"), ("cargo test --all", "test check"), ("python -m pytest x", "test check"), (".venv/bin/python -m pytest", "test check"),
    ("make test", "test check"), ("./gradlew :app:test", "test check"), ("npx vitest run", "test check"), ("bundle exec rspec", "test check"),
    ("timeout 60 pytest", "test check"), ("ruff check .", "check"), ("npm run build", "check"), ("cargo clippy", "check"), ("make", "check"),
    ("echo pytest", ""), ("git commit -m 'run pytest'", "commit"), ("grep -r 'npm test' .", ""), ("cat pytest.ini", ""), ("ls tests", ""),
    ("git -C /r commit -m x", "commit"), ("git commit --dry-run", ""), ("git add . && git commit -m \"a; git push\"", "commit"),
    ("git push origin main", "handover"), ("gh pr create --fill", "handover"), ("cat <<'EOF'\ngit push\nEOF", ""), ("", ""),
])  # fmt: skip
def test_what_a_command_is_for(command: str, kinds: str) -> None:
    found = {
        "test": commands.is_test(command), "check": commands.is_check(command),
        "commit": commands.is_commit(command), "handover": commands.is_handover(command),
    }  # fmt: skip
    assert {name for name, is_so in found.items() if is_so} == set(kinds.split())


@pytest.mark.parametrize(("command", "where"), [
    ("git commit", "/w"), ("cd /srv/x && git commit", "/srv/x"), ("cd a; cd ../b && git commit", "/w/b"), ("git -C '/r s' commit", "/r s"),
    ("git -C sub commit", "/w/sub"), ("cd $HOME && git commit", "/w"), ("cd ~ && git commit", "/w"),
])  # fmt: skip
def test_where_a_commit_happens(command: str, where: str) -> None:
    assert commands.folder(command, "/w") == where


@pytest.mark.parametrize(
    "hostile",
    ["a " * 1000, "'" * 1999, "git -a b " * 220, "x=1 " * 500, "go a " * 400, "<<a\n" * 500, "; go " * 400, "(" * 2000],
)
def test_a_hostile_command_costs_no_time(hostile: str) -> None:
    started = time.process_time()
    for rule in (commands.is_test, commands.is_check, commands.is_commit, commands.is_handover, commands.bare):
        rule(hostile)
    commands.is_poll("Bash", hostile)
    assert time.process_time() - started < 0.5


def test_small_readings() -> None:
    assert (
        millis("2026-03-01T10:00:00.000Z")
        == millis("2026-03-01T11:00:00+01:00")
        == millis(1_772_359_200)
        == 1_772_359_200_000
    )
    assert [millis(odd) for odd in ("", "yesterday", None, True, -5, float("inf"), {})] == [0] * 7
    assert exit_code("Error: Exit code 127\nx") == 127 and exit_code("exit code 3") is None
    assert denial("user rejected", False) == ""
    assert diff_lines("--- a\n+++ b\n+x\n-y\n z") == (1, 1)
    assert patched_paths("*** Begin Patch\n*** Update File: a/b.py\n*** Add File: c\n") == ("a/b.py", "c")


def test_a_first_screen_from_the_last_piece_of_a_file(tmp_path: Path) -> None:
    log = put(tmp_path / "s.jsonl", *[assistant(f"m{n}", usage(1, n), f"r{n}", padding="x" * 900) for n in range(400)])
    session = peek(log, 5)
    assert (
        session is not None and session.id == "s1" and session.model == "claude-opus-4-6" and 0 < len(session.book) < 80
    )
    put(log, *[tool("Bash", f"t{n}", command="x" * 900) for n in range(400)])
    session = peek(log, 5)
    assert session is not None and (session.id, session.cwd) == ("s1", "/w")
    assert peek(tmp_path / "absent.jsonl", 5) is None
    assert peek(put(tmp_path / "empty.jsonl", end=""), 5) is None


def test_a_follower_goes_on_from_stored_cursors_and_keeps_what_vanished(tmp_path: Path) -> None:
    log = put(tmp_path / "s.jsonl", tool("Bash", "t1", command="ls"), result("t1", "x"))
    first = Follower([tmp_path])
    assert len(first.discover()) == 1 and first.discover() == []
    for one in first.changed():
        first.catch_up(one, 1)
    stored = {path: cursor_json(cursor) for path, cursor in first.cursors().items()}
    assert first.changed() == []
    with log.open("a") as out:
        out.write(json.dumps(tool("Bash", "t2", command="pwd")) + "\n")
    (changed,) = first.changed()
    session = first.catch_up(changed, 2)
    assert session is not None and session.facts.calls == 2 and list(session.main.open) == ["t2"]
    second = Follower([tmp_path])
    second.discover({path: cursor_from(told) for path, told in stored.items()})
    assert [second.catch_up(one, 3).facts.calls for one in second.changed()] == [1]  # type: ignore[union-attr]
    log.unlink()
    assert first.changed() == [] and first.sessions["s1"].facts.calls == 2


def test_a_rewritten_log_is_folded_from_its_beginning(tmp_path: Path) -> None:
    log = put(
        tmp_path / "s.jsonl", tool("Bash", "t1", command="ls"), result("t1", "x"), tool("Bash", "t2", command="ls")
    )
    follower = Follower([tmp_path])
    follower.discover()
    follower.catch_up(follower.changed()[0], 1)
    put(log, tool("Bash", "t9", command="a longer command than before " * 20))
    session = follower.catch_up(follower.changed()[0], 2)
    assert session is not None and (session.facts.calls, session.id) == (1, "s1")


def test_a_rewritten_subagents_log_does_not_cost_its_parents_history(tmp_path: Path) -> None:
    put(tmp_path / "s.jsonl", tool("Bash", "t1", command="ls"), result("t1", "x"))
    child = put(tmp_path / "s/subagents/agent-a1.jsonl", {**tool("Bash", "t2", command="ls"), "agentId": "a1"})
    follower = Follower([tmp_path])
    follower.discover()
    for log in follower.changed():
        follower.catch_up(log, 1)
    put(child, {**tool("Bash", "t3", command="a longer command than the one before"), "agentId": "a1"})
    for _ in range(2):
        for log in follower.changed():
            follower.catch_up(log, 2)
    assert follower.sessions["s1"].calls_seen == {"t1", "t3"}


def test_a_spawned_child_that_keeps_its_parents_times_is_followed_right(tmp_path: Path) -> None:
    def at(minute: int) -> str:
        return f"2026-03-01T10:{minute:02d}:00.000Z"

    put(
        tmp_path / "rollout-b.jsonl",
        rollout("session_meta", at(30), id="c", timestamp=at(30), parent_thread_id="p"), rollout("turn_context", at(0), model="m"),
        counted(at(1), totals(10, 0, 1)), counted(at(9), totals(30, 0, 2)), counted(at(31), totals(35, 0, 5), totals(5, 0, 3)),
    )  # fmt: skip
    assert folded(tmp_path)["c"].tokens == Tokens(5, 3)


def test_cursors_as_text() -> None:
    cursor = Cursor(1, 2, 3, 4, b"\x00\xff", b'"', True)
    assert cursor_from(cursor_json(cursor)) == cursor
    with pytest.raises(ValueError):
        cursor_from("[1]")


def test_a_damaged_line_gives_the_records_it_holds() -> None:
    one, two = (json.dumps(assistant(f"m{n}", usage(1, n), f"r{n}")).encode() for n in (1, 2))
    told = [record for record in parse(one + two, reader("claude-code")) if isinstance(record, Answered)]
    assert [record.key for record in told] == ["m1", "m2"]
    assert [type(record) for record in parse(b"\xff\xfe", reader("claude-code"))] == [Skipped]
