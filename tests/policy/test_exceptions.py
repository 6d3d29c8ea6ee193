"""Exceptions as entries: read, written, numbered, dated; and what one lowers."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.policy.action import Action
from sreconsole.policy.exceptions import Entry, day, entries, last_given, locked, lowers, text
from sreconsole.policy.folder import files_of
from sreconsole.policy.judge import judge
from sreconsole.policy.policy import load

TODAY = datetime.date(2026, 6, 1)
WORDS = st.text(min_size=1, max_size=40).filter(str.strip)


def tier(command: str, policy) -> int:
    return judge(Action("c", "Bash", {"command": command}, "/home/test/repo", home="/home/test"), policy).tier


@given(WORDS, WORDS, st.dictionaries(st.sampled_from(["repo", "path", "command"]), WORDS, max_size=3))
def test_what_is_written_is_read_again(owner, why, match):
    one = Entry("EX-7", "git.publish", 2, owner, "2026-12-01", why, match)
    try:
        owner.encode()
        why.encode()
        "".join(match.values()).encode()
    except UnicodeEncodeError:
        return
    (found,) = entries(text([one], 7), "exceptions.yaml")
    assert (found.id, found.rule, found.tier, found.owner, found.until) == (
        "EX-7",
        "git.publish",
        2,
        owner,
        "2026-12-01",
    )
    assert (found.why, dict(found.match)) == (why, match)


def test_an_id_that_was_given_is_not_given_again():
    assert last_given([text([], 9)]) == 9
    assert (
        last_given(["exceptions:\n- {id: EX-12, rule: a, tier: 2, owner: m, until: 2026-12-01, why: x}\n", text([], 3)])
        == 12
    )
    assert last_given(["", "rules: ["]) == 0


@pytest.mark.parametrize(
    ("written", "last"),
    [("2026-12-01", "2026-12-01"), ("2026-06-01", "2026-06-01"), ("14d", "2026-06-15"), (" 0d", "2026-06-01")],
)
def test_a_last_day(written, last):
    assert day(written, TODAY).isoformat() == last


@pytest.mark.parametrize(
    ("written", "what"),
    [("2026-05-31", "is over"), ("soon", "is no date"), ("", "is no date"), ("2027-09-01", "more than a year")],
)
def test_a_last_day_that_is_none(written, what):
    with pytest.raises(ValueError, match=what):
        day(written, TODAY)


def test_days_left():
    one = Entry("EX-1", "a", 2, "m", "2026-06-03", "x")
    assert (one.days_left(TODAY), one.days_left(TODAY + datetime.timedelta(5))) == (2, -3)
    assert Entry("EX-1", "a", 2, "m", "never", "x").days_left(TODAY) is None


def test_what_may_be_lowered(starter):
    assert lowers(starter, "pkg.publish", 2) == ""
    assert lowers(starter, "base.git.rewrite", 2) == ""
    assert "must be lower" in lowers(starter, "pkg.publish", 3)
    assert "did you mean pkg.publish" in lowers(starter, "pkg.publsh", 2)
    assert "no rule is called base.nothing" in lowers(starter, "base.nothing", 2)
    assert locked(starter, "base.gate.tamper")
    assert not locked(starter, "pkg.publish")


LOWERED = "exceptions:\n- {id: EX-1, rule: %s, match: {%s}, tier: %d, owner: m, until: 2026-06-30, why: x}\n"


@pytest.mark.parametrize(
    ("rule", "match", "to", "command", "before", "after"),
    [
        ("pkg.publish", "command: npm publish", 2, "npm publish", 3, 2),
        ("pkg.publish", "command: twine upload", 2, "npm publish", 3, 3),
        ("fs.delete-outside-project", "path: /home/test/old/**", 3, "rm -rf /home/test/old/a", 4, 3),
        ("infra.destroy", "env: prod", 3, "kubectl --context prod delete ns x", 4, 3),
        ("base.proc.service", "effect: proc.service", 2, "dmesg -n 8", 3, 2),
    ],
)
def test_an_exception_lowers_the_effect_and_not_only_the_rule(rule, match, to, command, before, after, starter):
    policy = load([LOWERED % (rule, match, to)], TODAY, starter=True)
    assert (tier(command, starter), tier(command, policy)) == (before, after)


def test_an_exception_to_a_mild_rule_does_not_lower_what_asks_by_itself():
    mild = "rules:\n- {id: mild, tier: 2, match: {effect: secret.read}}\n" + LOWERED % (
        "mild",
        "effect: secret.read",
        1,
    )
    assert tier("cat .env", load([mild], TODAY)) == 3


def test_our_file_is_read_last_since_it_names_rules_of_the_others(tmp_path):
    folder = tmp_path / "policy.d"
    folder.mkdir()
    for name in ("zz.yaml", "exceptions.yaml", "aa.yaml", "notes.txt"):
        (folder / name).write_text("")
    (tmp_path / "policy.yaml").write_text("")
    assert [path.name for path in files_of(tmp_path)] == ["policy.yaml", "aa.yaml", "zz.yaml", "exceptions.yaml"]
