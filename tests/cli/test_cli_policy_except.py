"""`sreconsole policy except` and `policy replay` against a home, with and without a `serve`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hand import Hand

from sreconsole.cli import policy_exceptions
from sreconsole.cli.exits import Barred
from sreconsole.store import database, log
from sreconsole.store.event import Event

TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(14)).isoformat()
ADD = (
    "policy",
    "except",
    "add",
    "pkg.publish",
    "--tier",
    "2",
    "--owner",
    "maria",
    "--until",
    SOON,
    "--why",
    "release week",
)


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs these tests is a person here."""
    from sreconsole.serve import peers

    monkeypatch.setattr(peers, "agent_marks", lambda pid: ())


def test_add_list_revoke(empty: Hand) -> None:
    added = empty(*ADD, "--command", "npm publish", "--command", "npm pack")
    assert added.code == 0, added.err
    assert added.out.startswith(
        f"EX-1: pkg.publish is tier 2 for command npm publish or npm pack until {SOON} (14 days)"
    )
    file = empty.house.home.config / "policy.d/exceptions.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    (one,) = empty("policy", "except", "list", "--json").json
    assert (one["id"], one["days_left"], one["expired"]) == ("EX-1", 14, False)
    assert empty("policy", "explain", "npm publish", "--no-files", "--json").json["tier"] == 2
    assert empty("policy", "explain", "twine upload dist/*", "--no-files", "--json").json["tier"] == 3
    assert empty("policy", "except", "revoke", "1").code == 0
    assert empty("policy", "except", "list", "--json").json == []
    assert empty("policy", "explain", "npm publish", "--no-files", "--json").json["tier"] == 3
    assert empty(*ADD, "--json").json["id"] == "EX-2"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"pkg.publish": "base.gate.tamper"}, 4, "base.gate.tamper is locked"),
        ({"pkg.publish": "pkg.publsh"}, 2, "did you mean pkg.publish"),
        ({"2": "3"}, 2, "must be lower"),
        ({SOON: "2020-01-01"}, 2, "is over"),
        ({SOON: "tomorrow"}, 2, "is no date"),
        ({"maria": " "}, 2, "--owner: must say something"),
        ({"release week": ""}, 2, "--why: must say something"),
    ],
)
def test_what_is_refused_changes_nothing(empty: Hand, change: dict[str, str], code: int, says: str) -> None:
    done = empty(*[change.get(word, word) for word in ADD])
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert says in done.err
    assert not (empty.house.home.config / "policy.d/exceptions.yaml").exists()


def test_a_match_that_does_not_load_is_refused(empty: Hand) -> None:
    assert empty(*ADD).code == 0
    file = empty.house.home.config / "policy.d/exceptions.yaml"
    before = file.read_bytes()
    empty.house.home.policy.write_text("rules: [")
    assert empty(*ADD).code == 2
    assert file.read_bytes() == before
    assert sorted(one.name for one in file.parent.iterdir()) == ["exceptions.yaml"]


def test_a_locked_rule_of_ones_own(empty: Hand) -> None:
    empty.house.home.policy.write_text("rules:\n- {id: mine, tier: 4, locked: true, match: {command: x}, why: y}\n")
    done = empty(*["mine" if word == "pkg.publish" else word for word in ADD])
    assert (done.code, done.err) == (4, "sreconsole: mine is locked: no exception lowers it\n")


def test_other_files_keep_their_comments_and_their_exceptions(empty: Hand) -> None:
    other = (
        f"# ours\nexceptions:\n- {{id: EX-40, rule: pkg.publish, tier: 2, owner: jo, until: {SOON}, why: z}} # why\n"
    )
    empty.house.home.policy.write_text(other)
    assert empty(*ADD, "--json").json["id"] == "EX-41"
    assert empty.house.home.policy.read_text() == other
    done = empty("policy", "except", "revoke", "EX-40")
    assert (done.code, "remove it there" in done.err) == (1, True)
    assert empty("policy", "except", "revoke", "EX-99").code == 2


def test_what_is_over_is_listed_so(empty: Hand) -> None:
    folder = empty.house.home.config / "policy.d"
    folder.mkdir()
    (folder / "exceptions.yaml").write_text(
        "version: 1\nexceptions:\n- {id: EX-3, rule: pkg.publish, tier: 2, owner: jo, until: 2020-01-01, why: z}\n"
    )
    (one,) = empty("policy", "except", "list", "--json").json
    assert (one["expired"], one["days_left"] < 0) == (True, True)
    assert "over" in empty("policy", "except", "list").out
    assert empty("policy", "explain", "npm publish", "--no-files", "--json").json["tier"] == 3


def test_what_somebody_wrote_into_our_file_is_not_lost(empty: Hand) -> None:
    folder = empty.house.home.config / "policy.d"
    folder.mkdir()
    (folder / "exceptions.yaml").write_text("rules: []\n")
    done = empty(*ADD)
    assert (done.code, "move it to another file" in done.err) == (1, True)


def test_on_a_system_home_only_the_owner_of_the_policy_may(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    with pytest.raises(Barred, match=r"only .* makes exceptions"):
        policy_exceptions._owner(tmp_path)


def test_an_agent_makes_no_exception(empty: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sreconsole.serve.peers.agent_marks", lambda pid: ("CLAUDECODE",))
    done = empty(*ADD)
    assert (done.code, "agent's client" in done.err) == (4, True)


def test_serve_loads_it_at_once(fleet, hand: Hand) -> None:
    added = hand(*ADD, "--json").json
    assert added["policy"]
    assert hand("policy", "reload", "--json").json["policy"] == added["policy"]
    assert "is in force" in hand("policy", "except", "revoke", added["id"]).out


def record(hand: Hand, count: int) -> None:
    connection = database.open_writer(hand.house.home.store)
    connection.execute("BEGIN IMMEDIATE")
    head, now = log.tip(connection), int(datetime.now(UTC).timestamp() * 1000)
    for n in range(count):
        command = "git push origin x" if n % 10 == 0 else f"ls {n}"
        facts = {"tool": "Bash", "input": {"command": command}, "cwd": "/home/dev/proj", "rule": "base"}
        log.append(connection, head, Event("tool.passed", now - 1000, "claude-code", "s", tier=2, data=facts))
    last = {"tool": "Bash", "input": {"command": "git push origin x"}, "cwd": "", "rule": "base"}
    log.append(connection, head, Event("tool.passed", now, "claude-code", "s", tier=2, data=last))
    connection.execute("COMMIT")
    connection.close()


def test_replay(empty: Hand, tmp_path) -> None:
    empty.house.home.policy.write_text("version: 1\n")
    empty.house.home.state.mkdir(exist_ok=True)
    record(empty, 100)
    stricter = tmp_path / "p.yaml"
    stricter.write_text("rules:\n- {id: t.push, tier: 3, match: {effect: git.push}, why: leaves}\n")
    found = empty("policy", "replay", "--policy", stricter, "--json").json
    assert (found["calls"], found["newly_asked"], found["newly_free"]) == (101, 11, 0)
    assert found["rules"]["t.push"] == {"before": 0, "after": 11}
    shown = empty("policy", "replay", "--policy", stricter, "--since", "1d")
    assert "Newly asked: 11" in shown.out
    each = [json.loads(line) for line in empty("policy", "replay", "--policy", stricter, "--jsonl").out.splitlines()]
    assert {one["after"]["rule"] for one in each} == {"t.push"}
    assert empty("policy", "replay", "--since", date(2100, 1, 1).isoformat(), "--json").json["calls"] == 0
    assert empty("policy", "replay", "--since", "yesterday").code == 2


def test_replay_without_a_store(empty: Hand) -> None:
    assert empty("policy", "replay").code == 3
