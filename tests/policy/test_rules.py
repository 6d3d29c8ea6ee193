"""The policy file: what loads, what does not and how it says so, exceptions, tightening, the cache, the version."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from sreconsole.policy import schema
from sreconsole.policy.action import Action
from sreconsole.policy.judge import judge
from sreconsole.policy.matching import repository_names
from sreconsole.policy.policy import STARTER, PolicyError, load
from sreconsole.policy.rules import duration

TODAY = datetime.date(2026, 6, 1)
EXAMPLE = Path(__file__).with_name("example.yaml")


def problems(text: str, **options) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load([text], TODAY, **options)
    return caught.value.problems


def bash(command: str, policy):
    return judge(Action("claude-code", "Bash", {"command": command}, "/home/test/repo", home="/home/test"), policy)


RULE = "rules:\n- id: a\n  tier: 3\n  why: because\n  match: {effect: git.push}\n"


def test_the_example_of_the_reference_loads_with_its_tests():
    policy = load([EXAMPLE], TODAY)
    assert len(policy.rules) == 9
    assert [chain["id"] for chain in policy.chains] == ["cred-then-infra", "deny-then-workaround"]
    assert policy.budgets["denials"] == {"consecutive": 3, "total": 20}
    assert policy.exceptions[0].owner == "maria"
    assert policy.rules_test() == []


def test_the_starter_policy_passes_its_own_tests(starter):
    assert starter.rules_test() == []
    assert starter.instead_test() == []
    assert sum(len(rule.tests) for rule in starter.rules) >= 90


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "rules:\n- id: a\n  tier: 3\n  why: x\n  match: {effekt: git.push}\n",
            "policy.yaml:5: rules[0].match.effekt: unknown key, did you mean effect",
        ),
        ("rulez: []\n", "policy.yaml:1: rulez: unknown key, did you mean rules"),
        ("version: 2\n", "policy.yaml:1: version: 2 is not known, this build reads version 1"),
        (RULE + "  tier: 4\n", "policy.yaml:6: rules[0].tier: written twice, keep one"),
        (
            "rules:\n- id: a\n  tier: 7\n  why: x\n  match: {effect: git.push}\n",
            "policy.yaml:3: rules[0].tier: 7 is no tier, write 1, 2, 3 or 4",
        ),
        (
            "rules:\n- id: a\n  tier: 3\n  match: {effect: git.push}\n",
            "policy.yaml:2: rules[0].why: a rule that asks or refuses needs a why",
        ),
        ("rules:\n- {tier: 3, why: x, match: {effect: git.push}}\n", "policy.yaml:2: rules[0]: needs an id"),
        (
            RULE + "- id: a\n  tier: 3\n  why: x\n  match: {}\n",
            "policy.yaml:6: rules[1].id: a is already the id of another rule",
        ),
        (RULE + "  wait: 25h\n", "policy.yaml:6: rules[0].wait: write a time like 90s, 30m or 4h, at most 24h"),
        (RULE + "  then: maybe\n", "policy.yaml:6: rules[0].then: 'maybe' is not known, write refuse or defer"),
        (RULE + "  approvers: 3\n", "policy.yaml:6: rules[0].approvers: write 1 or 2"),
        (RULE + "  locked: true\n", "policy.yaml:6: rules[0].locked: only tier 4 can be locked"),
        (
            "on_parse_error: {tier: 1}\n",
            "policy.yaml:1: on_parse_error.tier: what cannot be read is never below tier 3",
        ),
        (
            "exceptions:\n- {id: E, rule: no.such, tier: 1, owner: m, until: 2027-01-01, why: x}\n",
            "policy.yaml:2: exceptions[0].rule: no rule is called no.such",
        ),
        (
            "exceptions:\n- {id: E, rule: base.gate.tamper, tier: 1, owner: m, until: 2027-01-01, why: x}\n",
            "policy.yaml:2: exceptions[0].rule: base.gate.tamper is locked, nothing lowers it",
        ),
        ("budgets: {files_touched: many}\n", "policy.yaml:1: budgets.files_touched: must be a number, zero or more"),
        (
            "chains:\n- {id: c, tier: 3, steps: [{effect: secret.read}]}\n",
            "policy.yaml:2: chains[0].steps: needs at least two steps",
        ),
        ("a: [\n", "policy.yaml:2: not YAML: did not find expected node content"),
        ("- a\n", "policy.yaml:1: the file must be a mapping with rules"),
        (
            "environments: {prod: {hots: [x]}}\n",
            "policy.yaml:1: environments.prod.hots: unknown key, did you mean hosts",
        ),
    ],
)
def test_a_bad_file_says_where_and_how_to_mend_it(text, line):
    assert line in problems(text)


def test_every_problem_is_one_line_and_all_are_told_at_once():
    found = problems("rulez: []\nversion: 9\nbudgets: {a: 1}\n")
    assert len(found) == 3
    assert not any("\n" in one for one in found)


def test_a_failing_test_inside_a_rule_refuses_the_file():
    found = problems(RULE + "  tests: [{bash: 'git push origin main', tier: 1}]\n")
    assert found == ["policy.yaml:6: a: test wants tier 1, got 3 by a: git push origin main"]


def test_advice_that_is_itself_refused_does_not_load():
    found = problems(RULE + "  instead: 'Use `git push origin x`.'\n")
    assert found == [
        "policy.yaml:2: a: instead: `git push origin x` is itself tier 3 by a, advise something below tier 3"
    ]


def test_a_missing_file_is_one_problem(tmp_path):
    with pytest.raises(PolicyError) as caught:
        load([tmp_path / "none.yaml"], TODAY)
    assert caught.value.problems == [f"{tmp_path / 'none.yaml'}:1: cannot be read: No such file or directory"]


def test_the_strictest_rule_wins_whatever_the_order():
    strict = (
        "rules:\n- {id: a, tier: 4, why: x, match: {effect: git.push}}\n- {id: b, tier: 2, match: {effect: git.push}}\n"
    )
    assert bash("git push origin x", load([strict], TODAY)).rule == "a"
    turned = (
        "rules:\n- {id: b, tier: 2, match: {effect: git.push}}\n- {id: a, tier: 4, why: x, match: {effect: git.push}}\n"
    )
    assert bash("git push origin x", load([turned], TODAY)).tier == 4


def test_a_rule_cannot_lower_what_asks_by_itself():
    policy = load(["rules:\n- {id: a, tier: 1, match: {effect: secret.read}}\n"], TODAY)
    assert bash("cat .env", policy).tier == 3
    assert bash("cat README.md", policy).tier == 1


def test_a_rule_may_sort_between_one_and_two():
    policy = load(["rules:\n- {id: a, tier: 1, match: {effect: fs.write, path: 'notes/**'}}\n"], TODAY)
    assert bash("echo x > notes/a.md", policy).tier == 1
    assert bash("echo x > src/a.md", policy).tier == 2


EXCEPTION = (
    RULE
    + "exceptions:\n- {id: E1, rule: a, match: {repo: acme/docs}, tier: 2, owner: maria, until: %s, why: docs bot}\n"
)


def test_an_exception_lowers_until_its_day_and_only_where_it_matches():
    live = load([EXCEPTION % "2026-06-01"], TODAY)
    assert bash("git push acme/docs x", live).tier == 2
    assert bash("git push origin x", live).tier == 3
    past = load([EXCEPTION % "2026-05-31"], TODAY)
    assert bash("git push acme/docs x", past).tier == 3
    assert past.version != live.version


def test_an_exception_never_lowers_a_locked_rule():
    text = (
        (EXCEPTION % "2026-12-01")
        .replace("tier: 3", "tier: 4")
        .replace("why: because", "why: because, locked: true")
        .replace("  why: because, locked: true", "  why: because\n  locked: true")
    )
    assert any("is locked, nothing lowers it" in one for one in problems(text))


def test_a_repositorys_own_file_can_only_tighten(tmp_path):
    own = tmp_path / "policy.yaml"
    own.write_text(
        "rules:\n- {id: mine, tier: 3, why: x, match: {effect: fs.write, path: 'legal/**'}}\n- {id: low, tier: 1, match: {effect: fs.write}}\n"
    )
    policy = load([], TODAY, starter=True, tighten=[own])
    assert bash("echo x > legal/a", policy).tier == 3
    assert bash("echo x > src/a", policy).tier == 2
    assert bash("cat .env", policy).tier == 3


@pytest.mark.parametrize(
    "key",
    [
        "exceptions: []",
        "environments: {}",
        "default: {tier: 1}",
        "on_parse_error: {tier: 3}",
        "escalation: {wait: 1h}",
        "budgets: {usd: 9}",
    ],
)
def test_a_repositorys_own_file_cannot_loosen(key, tmp_path):
    own = tmp_path / "policy.yaml"
    own.write_text(key + "\n")
    with pytest.raises(PolicyError) as caught:
        load([], TODAY, tighten=[own])
    assert "can only add rules, critical_paths and chains" in caught.value.problems[0]


def test_two_files_make_one_policy_and_ids_stay_unique(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(RULE)
    second.write_text(RULE)
    with pytest.raises(PolicyError) as caught:
        load([first, second], TODAY)
    assert caught.value.problems == ["b.yaml:2: rules[0].id: a is already the id of another rule"]


def test_the_words_of_a_question_reach_the_verdict():
    text = RULE + "  wait: 4h\n  page_after: 5m\n  then: defer\n  confirm: type\n  approvers: 2\n  attended: gate\n"
    verdict = bash("git push origin x", load([text], TODAY))
    assert (verdict.wait, verdict.page_after, verdict.then) == (14400.0, 300.0, "defer")
    assert (verdict.confirm, verdict.approvers, verdict.attended) == ("type", 2, "gate")
    assert verdict.where == "policy.yaml:2"


def test_defaults_of_questions_stand_under_escalation():
    verdict = bash("git push origin x", load(["escalation: {wait: 1h, approvers: 2}\n" + RULE], TODAY))
    assert (verdict.wait, verdict.approvers) == (3600.0, 2)


@pytest.mark.parametrize(
    ("match", "command", "hits"),
    [
        ("{command: ['git push']}", "sudo git push origin x", True),
        ("{command: ['git push']}", "git -C /tmp push", True),
        ("{command: ['git push']}", "echo git push", False),
        ("{command: ['npm run deploy*']}", "npm run deploy:prod", True),
        ("{path: 'src/**'}", "touch src/a/b.py", True),
        ("{path: 'src/**'}", "touch lib/b.py", False),
        ("{path: '**/*.tf'}", "touch infra/x/main.tf", True),
        ("{path: {outside: project}}", "touch ~/x", True),
        ("{path: {inside: project}}", "touch x", True),
        ("{path: {under: [tmp]}}", "touch /tmp/x", True),
        ("{host: '*.acme.io'}", "curl https://a.acme.io", True),
        ("{method: DELETE}", "curl -X DELETE https://a.b", True),
        ("{program: 'zz*'}", "zzcli x", True),
        ("{effect: 'git.*', not: {effect: git.read}}", "git commit -m x", True),
        ("{effect: 'git.*', not: {effect: git.read}}", "git log", False),
        ("{any: [{effect: git.read}, {effect: pkg.install}]}", "npm install", True),
        ("{all: [{effect: fs.write}, {path: 'x'}]}", "touch x", True),
        ("{remote: true}", "ssh h touch x", True),
        ("{trait: recursive}", "rm -r build", True),
        ("{tool: Bash}", "ls", True),
        ("{env: prod}", "kubectl --context prod-eu apply -f x", True),
    ],
)
def test_matchers(match, command, hits):
    policy = load([f"rules:\n- {{id: m, tier: 4, why: x, match: {match}}}\n"], TODAY)
    assert (bash(command, policy).rule == "m") is hits


def test_the_cache_gives_the_same_policy_fast(tmp_path):
    many = "rules:\n" + "".join(
        f"- {{id: r{i}, tier: 3, why: because {i}, match: {{effect: fs.write, path: 'd{i}/**', not: {{trait: moved}}}}, tests: [{{bash: 'touch d{i}/x', tier: 3}}]}}\n"
        for i in range(300)
    )
    fresh = load([many], TODAY, cache=tmp_path)
    best = min(_timed(lambda: load([many], TODAY, cache=tmp_path)) for _ in range(5))
    again = load([many], TODAY, cache=tmp_path)
    assert again.version == fresh.version
    assert again.rules == fresh.rules
    assert bash("touch d7/x", again).rule == "r7"
    assert best < 0.05
    for file in tmp_path.iterdir():
        file.write_text("{}")
    assert load([many], TODAY, cache=tmp_path).version == fresh.version


def _timed(act) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def test_the_version_names_the_content_not_its_layout():
    assert load([RULE], TODAY).version == load(["# a note\n" + RULE], TODAY).version
    assert load([RULE], TODAY).version != load([RULE.replace("tier: 3", "tier: 4")], TODAY).version


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("30m", 1800.0), ("4h", 14400.0), ("1d", 86400.0), (60, 60.0), ("soon", None), (True, None)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


def test_the_schema_is_the_one_shipped_and_takes_both_policies():
    assert schema.FILE.read_text() == schema.text()
    checker = jsonschema.Draft202012Validator(schema.schema())
    for file in (STARTER, EXAMPLE):
        data = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
        assert list(checker.iter_errors(data)) == []
    assert list(checker.iter_errors({"rules": [{"id": "a", "tier": 9, "match": {"effekt": "x"}}]}))


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("origin", ("origin",)),
        ("acme/docs", ("acme/docs",)),
        ("git@github.com:acme/docs.git", ("github.com/acme/docs", "acme/docs")),
        ("https://user@GitHub.com/acme/docs.git/", ("github.com/acme/docs", "acme/docs")),
        ("ssh://git@git.example.com:2222/a/b/c.git", ("git.example.com/a/b/c", "a/b/c")),
        ("https://evil.example/acme/docs", ("evil.example/acme/docs", "acme/docs")),
        ("", ("",)),
    ],
)
def test_what_a_repository_may_be_called(written, names):
    found = repository_names(written)
    assert found[0] == written
    assert tuple(found[1:]) == tuple(name for name in names if name != written)
