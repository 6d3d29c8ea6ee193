"""A repository's own policy file: found around a session, kept by its version, and only ever tightening."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path

import pytest

from sreconsole.policy import repositories
from sreconsole.policy.action import Action
from sreconsole.policy.files import RealFiles
from sreconsole.policy.judge import judge
from sreconsole.policy.policy import Policy, load
from sreconsole.policy.problems import PolicyError
from sreconsole.policy.repositories import Repositories, broken

TODAY = datetime.date(2026, 6, 1)
LEGAL = "rules:\n- {id: legal, tier: 3, match: {effect: fs.write, path: 'legal/**'}, why: lawyers}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    found = tmp_path / "repo"
    (found / ".git").mkdir(parents=True)
    (found / "src").mkdir()
    return found


def write(repository: Path, text: str) -> Path:
    path = repository / ".sreconsole/policy.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def verdict(own: Repositories, command: str, cwd: Path):
    local = own.at(str(cwd))
    return broken(judge(Action("c", "Bash", {"command": command}, str(cwd)), local.policy), local.problem)


@pytest.fixture
def own(starter: Policy) -> Repositories:
    return Repositories(starter, TODAY, RealFiles())


def test_it_adds_and_lowers_nothing(own: Repositories, repository: Path):
    write(repository, LEGAL + "- {id: low, tier: 1, match: {effect: '*'}}\n")
    assert verdict(own, "echo x > legal/a", repository).rule == "legal"
    assert verdict(own, "echo x > ../repo/legal/a", repository / "src").tier >= 2
    assert verdict(own, "echo x > src/a", repository).tier == 2
    assert verdict(own, "rm -rf /", repository).tier == 4


def test_elsewhere_the_homes_policy_holds_as_it_is(
    own: Repositories, repository: Path, starter: Policy, tmp_path: Path
):
    write(repository, LEGAL)
    assert own.at(str(tmp_path)).policy is starter
    assert own.at("/nowhere").policy is starter
    assert own.at("relative").policy is starter
    assert own.at(str(repository)).policy.version != starter.version


def test_only_a_repository_has_one(own: Repositories, tmp_path: Path, starter: Policy):
    write(tmp_path, LEGAL)
    assert own.at(str(tmp_path)).policy is starter


def test_a_repository_inside_another_does_not_shed_its_rules(own: Repositories, repository: Path):
    write(repository, LEGAL)
    inner = repository / "inner"
    (inner / ".git").mkdir(parents=True)
    write(inner, LEGAL.replace("legal", "inner"))
    assert verdict(own, "echo x > inner/a", inner).rule == "inner"
    assert verdict(own, "echo x > legal/a", inner).rule == "legal"


def test_a_new_version_counts_at_once_and_an_old_one_is_not_compiled_again(
    own: Repositories, repository: Path, monkeypatch
):
    path = write(repository, LEGAL)
    first = own.at(str(repository))
    assert own.at(str(repository / "src")) is first
    path.write_text(LEGAL.replace("tier: 3", "tier: 4"))
    os.utime(path, ns=(1, 1))
    assert verdict(own, "echo x > legal/a", repository).tier == 4
    path.unlink()
    assert verdict(own, "echo x > legal/a", repository).tier == 2


BROKEN = {
    "not YAML": "rules: [",
    "an unknown key": "rulez: []",
    "an exception": "exceptions: []",
    "a default": "default: {tier: 1}",
    "a redaction": "redact: {}",
    "a costly pattern": "rules:\n- {id: a, tier: 3, why: x, match: {path: '" + "*a" * 20 + "'}}\n",
    "a long pattern": "rules:\n- {id: a, tier: 3, why: x, match: {any: [{path: '" + "a" * 400 + "'}]}}\n",
    "too large": "# " + "x" * 70_000,
    "aliases of aliases": "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(30)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_asks_about_everything_there(name: str, own: Repositories, repository: Path):
    path = write(repository, BROKEN[name])
    begun = time.process_time()
    found = verdict(own, "ls", repository)
    assert time.process_time() - begun < 5
    assert (found.tier, found.rule) == (3, "repository.policy")
    assert str(path) in found.why
    assert "\n" not in found.why
    assert verdict(own, "rm -rf /", repository).tier == 4


def test_what_cannot_be_looked_at_is_not_overlooked(own: Repositories, repository: Path):
    (repository / ".sreconsole").mkdir()
    (repository / ".sreconsole/policy.yaml").symlink_to("/nowhere/at-all")
    assert verdict(own, "ls", repository).rule == "repository.policy"


def test_a_folder_or_a_pipe_in_its_place_does_not_hold_the_gate_up(own: Repositories, repository: Path):
    (repository / ".sreconsole").mkdir()
    os.mkfifo(repository / ".sreconsole/policy.yaml")
    assert verdict(own, "ls", repository).rule == "repository.policy"


def test_few_are_kept(own: Repositories, repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(repositories, "MOST", 3)
    path = write(repository, LEGAL)
    for n in range(10):
        os.utime(path, ns=(n, n))
        own.at(str(repository))
    assert len(own._kept) == 3


def test_the_homes_own_tests_do_not_fail_by_what_a_repository_adds(repository: Path):
    home = "rules:\n- id: mine\n  tier: 2\n  match: {effect: git.push, branch: 'x'}\n  tests: [{bash: 'git push origin x', tier: 2}]\n"
    policy = load([home], TODAY, starter=True)
    write(repository, "rules:\n- {id: none, tier: 4, match: {effect: git.push}, why: frozen}\n")
    local = Repositories(policy, TODAY, RealFiles()).at(str(repository))
    assert local.problem == ""
    assert judge(Action("c", "Bash", {"command": "git push origin x"}, str(repository)), local.policy).tier == 4


def test_aliases_are_counted_where_they_stand():
    with pytest.raises(PolicyError) as caught:
        load([BROKEN["aliases of aliases"]], TODAY)
    assert any("values, aliases counted" in one for one in caught.value.problems)
