"""On a system install the policy is root's alone: anything else is named in one line, and the last good one stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from sreconsole.paths import Home
from sreconsole.serve.judges import PolicyBroken
from sreconsole.serve.policies import Policies, foreign


class Seen:
    """What stat would say."""

    def __init__(self, uid: int, mode: int) -> None:
        self.st_uid, self.st_mode = uid, mode


@pytest.mark.parametrize(
    ("uid", "mode", "says"),
    [(0, 0o100644, ""), (0, 0o040755, ""), (0, 0o100664, "chmod go-w"), (0, 0o100646, "chmod go-w"),
     (4242, 0o100644, "chown root"), (4242, 0o100600, "not to root")],
)  # fmt: skip
def test_what_others_could_change(uid: int, mode: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "stat", lambda self, **more: Seen(uid, mode))
    found = foreign(Path("/etc/sreconsole/policy.d/a.yaml"))
    assert (says in found) if says else found == ""
    assert "\n" not in found


def system(folder: Path, kind: str = "system") -> Home:
    home = Home(kind, folder / "etc", folder / "var", folder / "run")
    (home.config / "policy.d").mkdir(parents=True)
    home.state.mkdir()
    (home.config / "policy.d/a.yaml").write_text("version: 1\n")
    for one in (home.config, home.config / "policy.d"):
        one.chmod(0o755)
    (home.config / "policy.d/a.yaml").chmod(0o664)
    return home


def test_a_loose_file_is_refused_and_named(tmp_path: Path) -> None:
    home = system(tmp_path)
    with pytest.raises(PolicyBroken) as caught:
        Policies(home).candidate()
    assert any(line.startswith(f"{home.config}/policy.d/a.yaml: ") for line in caught.value.problems)


def test_a_loose_folder_is_refused_too(tmp_path: Path) -> None:
    home = system(tmp_path)
    (home.config / "policy.d/a.yaml").chmod(0o644)
    (home.config / "policy.d").chmod(0o777)
    with pytest.raises(PolicyBroken, match=r"policy\.d: "):
        Policies(home).candidate()


def test_a_home_of_ones_own_is_ones_own_affair(tmp_path: Path) -> None:
    assert [Path(path).name for path in Policies(system(tmp_path, "private")).candidate().paths] == ["a.yaml"]


def test_a_file_that_cannot_be_read_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    home = system(tmp_path, "private")
    (home.config / "policy.d/b.yaml").mkdir()
    assert [problem for problem in Policies(home).candidate().problems if "cannot be read" in problem]


async def test_serve_starts_and_refuses_everything_when_it_may_not_read_the_only_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sreconsole.serve.judges import Judges

    judges = Judges(1, [], lambda sha, times: None)
    try:
        await judges.start(None)
        found = await judges.again("claude-code", "Bash", {"command": "ls"}, "/")
        assert (found["verdict"]["tier"], found["verdict"]["rule"]) == (4, "gate.no-policy")
    finally:
        await judges.close()
