"""Agents, grants, sessions, pages and policy from the command line, against a real `serve`."""

from __future__ import annotations

import json
import os
import pwd
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hand import Hand
from house import House

ME = pwd.getpwuid(os.getuid()).pw_name


def test_enroll_show_list_revoke(hand: Hand) -> None:
    words = ["--owner", "ada", "--user", ME, "--role", "deploys", "--model", "big-1", "--path", "/srv/a", "--path", "/srv/b",
             "--repository", "shop", "--host", "db1", "--multiplier", "files=2", "--multiplier", "usd=0.5", "--map-folder", "/srv/a",
             "--map-folder", "/srv/b", "--map-user", "4242", "--unattended", "allow"]  # fmt: skip
    assert hand("agents", "enroll", "deployer", *words).out == "deployer enrolled, owner ada\n"
    found = hand("agents", "show", "deployer", "--json").json
    assert found["scope"] == {
        "paths": ["/srv/a", "/srv/b"],
        "repositories": ["shop"],
        "hosts": ["db1"],
        "multipliers": {"files": 2.0, "usd": 0.5},
    }
    assert found["rules"] == [{"folder": "/srv/a", "user": 4242}, {"folder": "/srv/b", "user": 4242}]
    assert (found["uid"], found["unattended"], found["owner"]) == (os.getuid(), "allow", "ada")
    shown = hand("agents", "show", "deployer").out
    for part in ("/srv/a, /srv/b", "folder /srv/a, user 4242", "files 2.0, usd 0.5", "deploys", "big-1"):
        assert part in shown
    assert hand("agents", "list").out.splitlines()[1].split()[:4] == ["deployer", "enrolled", "ada", ME]
    assert [one["name"] for one in hand("agents", "list", "--json").json] == ["deployer"]
    assert hand("agents", "revoke", "deployer", "--reason", "left").out == "deployer revoked\n"
    again = hand("agents", "revoke", "deployer", "--json")
    assert (again.code, again.json) == (1, {"agent": "deployer", "revoked": False})
    assert "revoked" in hand("agents", "show", "deployer").out
    assert "left" in hand("log", "kind:agent.revoked").out


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ([], []),
        (["--map-folder", "/a"], [{"folder": "/a"}]),
        (["--map-user", "7"], [{"user": 7}]),
        (["--map-user", ME], [{"user": os.getuid()}]),
    ],
)
def test_what_maps_sessions(hand: Hand, words: list[str], rules: list[dict[str, object]]) -> None:
    assert hand("agents", "enroll", "mapped", "--owner", "ada", *words).code == 0
    assert hand("agents", "show", "mapped", "--json").json["rules"] == rules


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["x"], "--owner"),
        (["x", "--owner", ""], "owner"),
        (["x y", "--owner", "a"], "name"),
        (["", "--owner", "a"], "name"),
        (["\x1b[2J", "--owner", "a"], "name"),
        (["n" * 61, "--owner", "a"], "name"),
        (["x", "--owner", "a" * 101], "owner"),
        (["x", "--owner", "a", "--user", "nobody-of-that-name"], "--user"),
        (["x", "--owner", "a", "--map-user", "\x00"], "--map-user"),
        (["x", "--owner", "a", "--multiplier", "files"], "--multiplier"),
        (["x", "--owner", "a", "--multiplier", "files=-1"], "--multiplier"),
        (["x", "--owner", "a", "--multiplier", "files=nan"], "--multiplier"),
        (["x", "--owner", "a", "--multiplier", "=1"], "--multiplier"),
        (["x", "--owner", "a", "--unattended", "maybe"], "unattended"),
        (["x", "--owner", "a", "--user", "99999999999999999999"], "--user"),
        (["x", "--owner", "a", "--path", "p" * 5_000_000], "too much"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_enroll_refuses(hand: Hand, words: list[str], says: str) -> None:
    done = hand("agents", "enroll", *words)
    assert (done.code, done.out, says in done.err) == (2, "", True), done.err[:300]
    assert "\x1b" not in done.err


def test_agents_that_are_not_there(hand: Hand) -> None:
    for words in (["show", "ghost"], ["revoke", "ghost"], ["show", ""], ["show", "\x1b[2J"]):
        done = hand("agents", *words)
        assert (done.code, "there is no agent" in done.err, "\x1b" in done.err) == (2, True, False)


def test_grants(hand: Hand) -> None:
    live, spent = hand.granted(), hand.granted(used=3)
    over, ended = hand.granted(until=1), hand.granted(revoked_at=5, revoked_by="ada")
    assert [one["id"] for one in hand("grants", "list", "--json").json] == [live.id]
    states = {one["id"]: one["state"] for one in hand("grants", "list", "--all", "--json").json}
    assert states == {live.id: "live", spent.id: "used up", over.id: "over", ended.id: "revoked"}
    assert "0/3" in hand("grants", "list").out
    assert hand("grants", "revoke", live.id.removeprefix("gr-")).out == f"{live.id} revoked\n"
    assert hand("grants", "revoke", live.id).code == 1
    assert hand("grants", "list").out == "No grant is live.\n"
    unknown = hand("grants", "revoke", "gr-zzzz")
    assert (unknown.code, "there is no grant" in unknown.err) == (2, True)


def test_sessions(hand: Hand) -> None:
    open_ = hand.ran("aaaaaaaa-1111")
    parked = hand.ran("aaaaaaaa-2222", parked_on="esc-0009")
    ended = hand.ran("bbbbbbbb-3333", ended_at=1_700_000_000_000, end_reason="logout")
    waits = hand.asked(session="cccccccc-4444")
    hand.ran("cccccccc-4444")
    states = {one["id"]: one["state"] for one in hand("sessions", "list", "--json").json}
    assert states == {open_.id: "open", parked.id: "parked", "cccccccc-4444": "waiting"}
    assert ended.id in hand("sessions", "list", "--all").out
    shown = hand("sessions", "show", "cccc")
    assert waits.id in shown.out
    assert "pushes commits" in shown.out
    record = hand("sessions", "show", "cccc", "--json").json
    assert [one["id"] for one in record["escalations"]] == [waits.id]
    assert "logout" in hand("sessions", "show", "bbbb").out
    two = hand("sessions", "show", "aaaaaaaa")
    assert (two.code, "2 sessions" in two.err) == (2, True)
    for none in ("zzzz", "", "\x1b[2J", "x" * 100_000):
        done = hand("sessions", "show", none)
        assert (done.code, done.out, "\x1b" in done.err, len(done.err) < 400) == (2, "", False, True)


def test_release_ends_a_park(hand: Hand) -> None:
    parked = hand.ran("dddddddd-5555", parked_on="esc-0042")
    assert hand("sessions", "release", "dddd", "--reason", "I am back").out == f"{parked.id} released from esc-0042\n"
    again = hand("sessions", "release", "dddd", "--json")
    assert (again.code, again.json) == (1, {"session": parked.id, "was": ""})
    assert "I am back" in hand("log", "kind:session.released").out
    assert hand("sessions", "release", "nowhere").code == 2


def test_pages_without_a_pager(hand: Hand) -> None:
    assert hand("pages", "list").out == "No page was ever sent.\n"
    assert hand("pages", "list", "--json").json == []
    done = hand("pages", "test")
    assert (done.code, "pager.webhook.url" in done.err) == (2, True)


class _Receiver(BaseHTTPRequestHandler):
    answer = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("status", "code", "state"), [(200, 0, "sent"), (500, 1, "waiting")])
def test_a_test_page_says_what_came_of_it(
    status: int, code: int, state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = HTTPServer(("127.0.0.1", 0), type("Answers", (_Receiver,), {"answer": status}))
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    house = House()
    key = house.folder / "key"
    key.write_text("k")
    key.chmod(0o600)
    url = f"http://127.0.0.1:{receiver.server_port}/"
    house.home.settings.write_text(f'[pager.webhook]\nurl = "{url}"\nsecret_file = "{key}"\n')
    try:
        hand = Hand(house.start(), monkeypatch, capsys)
        done = hand("pages", "test", "--json")
        assert (done.code, [one["state"] for one in done.json]) == (code, [state])
        assert f" {state} " in hand("pages", "list").out
    finally:
        house.close()
        receiver.shutdown()


def test_policy_check(hand: Hand) -> None:
    assert hand("policy", "check").code == 0
    assert hand("policy", "check", "--json").json["problems"] == []
    bad = hand.house.folder / "bad.yaml"
    for text in (
        "rules: [",
        "[]",
        "version: 1\nrules: 7\n",
        "\x00",
        "&a [*a]",
        "version: 2\n",
        "rules: [{id: x}]",
        "\x1b[2J: 1",
    ):
        bad.write_text(text)
        done = hand("policy", "check", bad)
        assert done.code == 1, text
        assert all(line.startswith("bad.yaml:") for line in done.out.splitlines()), done.out
        assert done.out.replace("\n", "").isprintable()
        assert hand("policy", "check", bad, "--json").json["problems"]
    bad.write_bytes(b"\xff\xfe")
    assert hand("policy", "check", bad).code == 1
    missing = hand("policy", "check", "/nowhere.yaml")
    assert (missing.code, "/nowhere.yaml" in missing.err) == (2, True)
    assert hand("policy", "check", "/").code == 2


def test_policy_reload_keeps_the_good_one(hand: Hand) -> None:
    before = hand("policy", "reload", "--json").json["policy"]
    good = hand.house.home.policy.read_text()
    hand.house.home.policy.write_text("rules: [")
    try:
        done = hand("policy", "reload")
        assert (done.code, "policy.yaml" in done.err) == (2, True)
    finally:
        hand.house.home.policy.write_text(good)
    assert hand("policy", "reload", "--json").json["policy"] == before


def test_hostile_names_are_shown_not_obeyed(hand: Hand) -> None:
    mark = "\x1b[2J\u202e\x07"
    hand.ran(
        f"eeeeeeee{mark}",
        cwd=mark,
        agent=mark,
        mapped_by=mark,
        client=mark,
        end_reason=mark,
        mode=mark,
        transcript=mark,
    )
    hand.granted(target=mark, session=mark, tool=mark, made_by=mark)
    for words in (
        ["sessions", "list"],
        ["sessions", "list", "--json"],
        ["sessions", "show", "eeee"],
        ["grants", "list"],
        ["grants", "list", "--json"],
    ):
        out = hand(*words).out
        assert not [c for c in out if c != "\n" and (not c.isprintable() or c == "\u202e")], words
    assert json.loads(hand("sessions", "list", "--json").out)
