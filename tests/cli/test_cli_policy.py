"""`sreconsole policy` on the command line: test, explain, its JSON lines, schema."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from hand import Hand

BAD_TEST = "rules:\n- id: a\n  tier: 3\n  why: x\n  match: {effect: git.push}\n  tests:\n  - {bash: 'git push o x', tier: 1}\n  - {bash: 'ls', tier: 1}\n"


def lines(hand: Hand, *asked: object, words: tuple[str, ...] = ()) -> tuple[int, list[dict]]:
    text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in asked)
    done = hand("policy", "explain", "--jsonl", *words, stdin=text)
    return done.code, [json.loads(line) for line in done.out.splitlines()]


def test_tests_inside_rules(empty: Hand, tmp_path: Path) -> None:
    assert empty("policy", "test", "--starter").code == 0
    file, junit = tmp_path / "p.yaml", tmp_path / "out.xml"
    file.write_text(BAD_TEST)
    done = empty("policy", "test", file, "--junit", junit)
    assert done.code == 1
    assert done.out.splitlines() == ["p.yaml:7: a: test wants tier 1, got 3 by a: git push o x"]
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [len(case.findall("failure")) for case in suite] == [1, 0]
    assert empty("policy", "test", file, "--json").json["tests"] == 2


def test_a_file_that_does_not_load_fails_its_test(empty: Hand, tmp_path: Path) -> None:
    file, junit = tmp_path / "p.yaml", tmp_path / "out.xml"
    file.write_text("rulez: []\n")
    done = empty("policy", "test", file, "--junit", junit)
    assert (done.code, done.out.count("\n")) == (1, 1)
    assert ElementTree.parse(junit).getroot().get("failures") == "1"
    assert empty("policy", "test", "/nowhere.yaml").code == 2


def test_a_home_without_tests_says_so(empty: Hand) -> None:
    empty.house.home.policy.write_text("version: 1\n")
    done = empty("policy", "test")
    assert (done.code, "--starter" in done.out) == (0, True)


def test_the_schema_is_one_and_takes_the_homes_policy(empty: Hand) -> None:
    schema = empty("policy", "schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_the_card(empty: Hand) -> None:
    done = empty("policy", "explain", "cd /srv && sudo npm publish")
    assert done.code == 0
    for part in ("tier 3", "a human decides", "▔▔▔▔", "trail    sudo > npm", "pkg.publish", "rule", "why", "instead",
                 "where    this machine", "policy except add pkg.publish --tier 2"):  # fmt: skip
        assert part in " ".join(done.out.split("\n         ")) or part in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    command, marks = done.out.splitlines()[2:4]
    assert command[marks.index("▔") : marks.rindex("▔") + 1] == "publish"


def test_the_card_says_how_the_environment_was_found(empty: Hand) -> None:
    assert (
        "where    prod (prod matches *prod* of prod)"
        in empty("policy", "explain", "kubectl --context prod delete ns x").out
    )


def test_one_action_as_json(empty: Hand) -> None:
    found = empty("policy", "explain", "--tool", "Edit", "--input", '{"file_path": ".env", "old_string": "a", "new_string": "b"}',
                  "--cwd", "/home/dev/proj", "--json").json  # fmt: skip
    assert (found["tier"], found["rule"], found["effects"][0]["target"]) == (
        3,
        "edit.environment",
        "/home/dev/proj/.env",
    )


@pytest.mark.parametrize(
    "words",
    [(), ("ls", "--tool", "Edit"), ("--tool", "Edit", "--input", "[]"), ("--tool", "Edit", "--input", "{"), ("ls", "--input", "{}"),
     ("--jsonl", "ls"), ("ls", "--policy", "/nowhere.yaml")],
)  # fmt: skip
def test_wrong_usage_of_explain(empty: Hand, words: tuple[str, ...]) -> None:
    done = empty("policy", "explain", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


def test_locked_and_repository_rules_offer_no_exception(empty: Hand) -> None:
    assert "this rule is locked" in empty("policy", "explain", "rm -rf ~/.config/sreconsole").out


def test_json_lines_one_for_one_in_order(empty: Hand) -> None:
    code, found = lines(
        empty,
        {"command": "ls", "cwd": "/home/dev/proj"},
        "not json",
        {"command": "rm -rf /", "cwd": "/home/dev/proj"},
        "",
        {
            "tool": "Write",
            "input": {"file_path": "a.txt", "content": "x"},
            "cwd": "/home/dev/proj",
            "client": "claude-code",
        },
        {"tool": "Write"},
        {"command": "echo '"},
    )
    assert code == 1
    assert [one["tier"] for one in found] == [1, 3, 4, 3, 2, 3, 3]
    assert ["error" in one for one in found] == [False, True, False, True, False, True, False]
    assert {"tier", "rule", "why", "instead", "effects", "trail", "unparseable"} <= found[0].keys()
    assert found[6]["unparseable"] is True


def test_a_run_without_bad_lines_ends_well(empty: Hand) -> None:
    assert lines(empty, {"command": "ls"})[0] == 0
    assert lines(empty) == (0, [])


def test_the_homes_policy_stands_over_the_starter_and_a_file_in_its_place(empty: Hand, tmp_path: Path) -> None:
    empty.house.home.policy.write_text("rules:\n- {id: mine, tier: 4, match: {command: make}, why: x}\n")
    other = tmp_path / "other.yaml"
    other.write_text("rules:\n- {id: yours, tier: 3, match: {command: make}, why: x}\n")
    asked = ({"command": "make"}, {"command": "rm -rf /"})
    assert [one["rule"] for one in lines(empty, *asked)[1]] == ["mine", "fs.delete-outside-project"]
    assert [one["rule"] for one in lines(empty, *asked, words=("--policy", str(other)))[1]] == [
        "yours",
        "fs.delete-outside-project",
    ]


def test_the_disk_is_looked_at_only_when_it_is_meant(empty: Hand, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "clean.sh").write_text("rm -rf /\n")
    action = {"command": "sh clean.sh", "cwd": str(project)}
    assert lines(empty, action)[1][0]["tier"] == 2
    assert lines(empty, action, words=("--files",))[1][0]["tier"] == 4
    words = ("policy", "explain", "sh clean.sh", "--cwd", project, "--json")
    assert empty(*words).json["tier"] == 4
    assert empty(*words, "--no-files").json["tier"] == 2
    assert empty("policy", "explain", "sh clean.sh", "--cwd", "/nowhere", "--json").json["tier"] == 2


def test_the_repositorys_own_file_counts_where_the_disk_is_looked_at(empty: Hand, tmp_path: Path) -> None:
    own = tmp_path / ".sreconsole"
    own.mkdir()
    (tmp_path / ".git").mkdir()
    (own / "policy.yaml").write_text(
        "rules:\n- {id: legal, tier: 3, match: {effect: fs.write, path: 'legal/**'}, why: lawyers}\n"
    )
    words = ("policy", "explain", "echo x > legal/a", "--cwd", tmp_path, "--json")
    assert (empty(*words).json["rule"], empty(*words, "--no-files").json["tier"]) == ("legal", 2)
    assert "the repository's own" in empty(*words[:-1]).out


def test_a_process_answers_each_line_at_once_and_a_megabyte_in_bounds(empty: Hand) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sreconsole", "policy", "explain", "--jsonl"], env=empty.house.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    for command, tier in (("ls", 1), ("rm -rf /", 4), ("echo " + "a" * 1_000_000, 3), ("git status", 1)):
        process.stdin.write(json.dumps({"command": command, "cwd": "/home/dev/proj"}).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["tier"] == tier
    process.stdin.write(b'{"command": "\xff"}\n')
    process.stdin.write(b'{"command": "ls"}')
    process.stdin.close()
    last = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert last[0]["error"] == "not UTF-8 at byte 13"
    assert last[1]["tier"] == 1
    assert process.wait(10) == 1


def test_a_line_without_end_is_not_kept(empty: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from sreconsole.cli import policy_explain

    monkeypatch.setattr(policy_explain, "LONGEST", 10)
    monkeypatch.setattr(policy_explain, "CHUNK", 4)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"12345\n" + b"x" * 50 + b"\nab\n" + b"y" * 11)))
    assert [one for batch in policy_explain.batches() for one in batch] == [b"12345", None, b"ab", None]
