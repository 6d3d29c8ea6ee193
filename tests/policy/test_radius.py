"""The measured radius on real repositories: what is hit, what has no copy, and that nothing of theirs ever runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sreconsole.policy import radius
from sreconsole.policy.gitcommand import commands
from sreconsole.policy.radius import Radius, measure, size, words


def git(folder: Path, *words: str) -> str:
    """Run git as its owner would."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@x", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@x",
    }  # fmt: skip
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, name: str, text: str, words: str = "change") -> str:
    """Write a file and commit it; the commit's hash."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    git(folder, "add", "-f", name)
    git(folder, "commit", "-qm", words)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone with one pushed commit of three files."""
    folder = tmp_path / "project"
    bare = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    (folder / "src").mkdir()
    for name in ("a.txt", "src/b.txt", "src/c.txt"):
        (folder / name).write_text("one\ntwo\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "remote", "add", "origin", str(bare))
    git(folder, "push", "-q", "-u", "origin", "main")
    return folder


def look(effects: list[dict[str, Any]], cwd: Path, command: str = "", seconds: float = 10) -> dict[str, Any]:
    """The radius of one question."""
    question = {"effects": effects, "cwd": str(cwd), "command": command}
    return measure(question, time.monotonic() + seconds)


def deletes(*paths: Path | str, **facts: Any) -> list[dict[str, Any]]:
    """Effects of `rm -r`."""
    return [{"kind": "fs.delete", "target": str(path), "facts": {"traits": ["recursive"], **facts}} for path in paths]


def does(kind: str, target: str = "") -> list[dict[str, Any]]:
    """One effect."""
    return [{"kind": kind, "target": target, "facts": {}}]


def test_committed_files_can_be_restored(project: Path) -> None:
    found = look(deletes(project / "src"), project)
    assert (found["files"], found["bytes"], found["lost"]) == (2, 16, 0)
    assert found["words"] == "2 files · 16 B · nothing lost · undo: git restore"
    assert found["unmeasured"] == ""


def test_untracked_and_modified_files_have_no_copy(project: Path) -> None:
    (project / "src/new.txt").write_text("mine")
    (project / "src/b.txt").write_text("changed\n")
    found = look(deletes(project / "src"), project)
    assert (found["files"], found["lost"]) == (3, 2)
    assert "2 files with no copy" in found["words"]
    assert "undo" not in found["words"]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_git_is_told_not_to_look_at_counts_as_changed(project: Path, flag: str) -> None:
    git(project, "update-index", flag, "src/b.txt")
    (project / "src/b.txt").write_text("changed\n")
    assert look(deletes(project / "src"), project)["lost"] == 1


def test_a_staged_change_is_in_no_commit(project: Path) -> None:
    (project / "a.txt").write_text("staged\n")
    git(project, "add", "a.txt")
    assert look(deletes(project / "a.txt"), project)["lost"] == 1


def test_what_git_ignores_is_said_apart(project: Path) -> None:
    commit(project, ".gitignore", "build/\n*.o\n")
    (project / "build").mkdir()
    for n in range(3):
        (project / f"build/{n}").write_text("x")
    (project / "x.o").write_text("x")
    found = look(deletes(project / "build", project / "x.o"), project)
    assert (found["files"], found["lost"], found["ignored"]) == (4, 0, 4)
    assert "4 ignored by git" in found["words"]


def test_a_glob_hits_what_a_shell_would_hit(project: Path) -> None:
    (project / ".hidden.txt").write_text("x")
    found = look(deletes(f"{project}/*.txt"), project)
    assert found["files"] == 1
    assert look(deletes(f"{project}/s*/[bc].txt"), project)["files"] == 2
    assert look(deletes(f"{project}/*/nothing"), project)["files"] == 0


def test_find_looks_below(project: Path) -> None:
    assert look(deletes(f"{project}/*.txt"), project, "find . -name '*.txt' -delete")["files"] == 3


def test_a_link_is_one_file_and_never_followed(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for n in range(5):
        (outside / str(n)).write_text("x" * 1000)
    (project / "src/link").symlink_to(outside)
    found = look(deletes(project / "src"), project)
    assert found["files"] == 3
    assert found["bytes"] < 1000
    beyond = look(deletes(project / "src/link/0"), project)
    assert "is behind a link that leads out" in beyond["unmeasured"]
    assert "files" not in beyond


def test_outside_of_a_repository_there_is_no_copy(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    found = look(deletes(tmp_path / "x"), tmp_path)
    assert found["lost"] == 1
    assert "in no repository" in found["words"]


def test_deleting_the_repository_drops_what_no_remote_has(project: Path) -> None:
    commit(project, "d.txt", "x")
    commit(project, "e.txt", "x")
    found = look(deletes(project), project)
    assert found["dropped"] == 2
    assert found["lost"] == 5
    assert "the repository itself" in found["words"]


def test_nothing_there_is_said(project: Path) -> None:
    assert look(deletes(project / "nope"), project)["files"] == 0


def test_a_write_counts_what_it_overwrites_and_what_is_new(project: Path) -> None:
    effects = [{"kind": "fs.write", "target": str(project / name), "facts": {}} for name in ("a.txt", "z.txt")]
    found = look(effects, project)
    assert (found["files"], found["new"], found["lost"]) == (1, 1, 0)


def test_a_push_counts_what_the_remote_does_not_have(project: Path) -> None:
    commit(project, "d.txt", "one\ntwo\nthree\n")
    commit(project, "a.txt", "one\n")
    found = look(does("git.push", "main"), project, "git push origin main")
    assert found["words"] == "2 commits · 2 files +3 −1 · nothing lost · undo: revert"
    assert (found["commits"], found["files"], found["dropped"]) == (2, 2, 0)
    for other in ("git push", "git push origin HEAD", "git push origin HEAD:main", "cd src && git push -u origin main",
                  f"git -C {project} push origin main"):  # fmt: skip
        assert look(does("git.push"), project, other)["commits"] == 2


def test_a_force_push_counts_what_it_would_drop(project: Path) -> None:
    for n in range(3):
        commit(project, f"{n}.txt", "x")
    git(project, "push", "-q")
    there = git(project, "rev-parse", "HEAD")
    git(project, "reset", "-q", "--hard", "HEAD~3")
    commit(project, "other.txt", "y")
    found = look(does("git.push"), project, "git push --force origin main")
    assert (found["commits"], found["dropped"]) == (1, 3)
    assert "3 commits dropped" in found["words"]
    assert f"undo: push {there[:7]} back" in found["words"]
    assert "nothing lost" not in found["words"]


def test_a_new_branch_and_a_deleted_one(project: Path) -> None:
    git(project, "checkout", "-qb", "feature")
    commit(project, "f.txt", "x\n")
    found = look(does("git.push"), project, "git push -u origin feature")
    assert found["commits"] == 1
    assert "new branch" in found["words"]
    git(project, "push", "-q", "origin", "feature")
    gone = look(does("git.push"), project, "git push origin --delete feature")
    assert gone["dropped"] == 1
    assert look(does("git.push"), project, "git push origin :feature")["dropped"] == 1


def test_a_remote_that_was_never_fetched_is_not_measurable(project: Path) -> None:
    found = look(does("git.push"), project, "git push https://example.com/x.git main")
    assert "nothing was ever fetched from" in found["unmeasured"]
    assert found["words"].startswith("not measurable: ")


def test_reset_hard_throws_away_changes_and_commits(project: Path) -> None:
    commit(project, "d.txt", "x\n")
    (project / "a.txt").write_text("one\nthree\nfour\n")
    found = look(does("git.discard"), project, "git reset --hard HEAD~1")
    assert (found["files"], found["lost"], found["dropped"]) == (1, 1, 1)
    assert "+2 −1" in found["words"]
    assert "dropped" not in look(does("git.discard"), project, "git reset --hard")


@pytest.mark.parametrize("command", ["git checkout -- .", "git checkout .", "git restore .", "git restore src a.txt",
                                     "git checkout HEAD -- .", "git checkout -f"])  # fmt: skip
def test_checkout_and_restore_throw_away_changes(project: Path, command: str) -> None:
    (project / "src/b.txt").write_text("mine\n")
    found = look(does("git.discard"), project, command)
    assert (found["files"], found["lost"]) == (1, 1)


def test_paths_are_taken_from_where_the_command_runs(project: Path) -> None:
    (project / "src/b.txt").write_text("mine\n")
    assert look(does("git.discard"), project, "git checkout -- a.txt")["files"] == 0
    assert look(does("git.discard"), project / "src", "git checkout -- b.txt")["files"] == 1


def test_clean_counts_untracked_files(project: Path) -> None:
    commit(project, ".gitignore", "*.o\n")
    (project / "new").mkdir()
    for name in ("n.txt", "new/m.txt", "x.o"):
        (project / name).write_text("abc")
    for command, count in (("git clean -f", 1), ("git clean -fd", 2), ("git clean -fdx", 3), ("git clean -fdX", 1)):
        found = look(does("git.discard"), project, command)
        assert (command, found["files"], found["lost"]) == (command, count, count)
    assert "files" not in look(does("git.discard"), project, "git clean -n")


def test_stash_and_branch(project: Path) -> None:
    (project / "a.txt").write_text("mine\n")
    git(project, "stash")
    found = look(does("git.discard"), project, "git stash drop")
    assert (found["files"], found["lost"]) == (1, 1)
    git(project, "checkout", "-qb", "side")
    commit(project, "s.txt", "x")
    git(project, "checkout", "-q", "main")
    gone = look(does("git.discard"), project, "git branch -D side")
    assert gone["dropped"] == 1
    assert "undo: git branch side" in gone["words"]


def test_packed_references_and_a_linked_worktree(project: Path, tmp_path: Path) -> None:
    commit(project, "d.txt", "x\n")
    git(project, "pack-refs", "--all")
    git(project, "gc", "-q")
    assert look(does("git.push"), project, "git push origin main")["commits"] == 1
    git(project, "worktree", "add", "-q", "-b", "wt", str(tmp_path / "wt"))
    commit(tmp_path / "wt", "w.txt", "x\n")
    assert look(does("git.push"), tmp_path / "wt", "git push origin wt")["commits"] == 2


def test_a_repository_of_the_newer_hash(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(folder))
    commit(folder, "a", "x\n")
    (folder / "a").write_text("y\n")
    assert look(does("git.discard"), folder, "git reset --hard")["lost"] == 1


@pytest.mark.parametrize(
    ("effects", "says"),
    [
        (does("db.destroy", "drop table x"), "rows, no connection is configured"),
        (does("infra.destroy", "volume"), "on another machine"),
        (does("net.mutate", "https://x"), "on another machine"),
        (does("exec.unknown"), "not known before it runs"),
        (does("fs.delete", "${DIR}/x"), "not known before it runs"),
        ([{"kind": "fs.delete", "target": "/srv/x", "host": "web1", "facts": {"remote": "ssh"}}], "it runs on web1"),
        ([], "what it does is not known"),
    ],
)
def test_what_cannot_be_measured_is_said(tmp_path: Path, effects: list[dict[str, Any]], says: str) -> None:
    found = look(effects, tmp_path)
    assert says in found["unmeasured"]
    assert says in found["words"]
    assert "nothing lost" not in found["words"]


@pytest.mark.parametrize("command", ["git push $(cat x)", "bash -c 'git push'", "git 'push", "git --git-dir=/x push",
                                     "cd ~/x && git push", "cd $D; git push"])  # fmt: skip
def test_a_git_command_that_is_not_plain_is_not_guessed_at(project: Path, command: str) -> None:
    assert "not spelt out plainly" in look(does("git.push"), project, command)["unmeasured"]


HOSTILE = """
[core]
    repositoryformatversion = 0
    bare = false
    fsmonitor = {run} fsmonitor
    sshCommand = {run} ssh
    hooksPath = {hooks}
    pager = {run} pager
    editor = {run} editor
    attributesFile = {folder}/attributes
[include]
    path = {folder}/included
[filter "evil"]
    clean = {run} clean
    smudge = {run} smudge
    process = {run} process
    required = true
[diff]
    external = {run} external
[diff "evil"]
    textconv = {run} textconv
    command = {run} command
[credential]
    helper = !{run} helper
[alias]
    diff = !{run} alias
    ls-files = !{run} alias
[remote "origin"]
    url = ext::{run} remote
    promisor = true
    partialclonefilter = blob:none
    fetch = +refs/heads/*:refs/remotes/origin/*
[extensions]
    partialClone = origin
[trace2]
    eventTarget = {folder}/marks/trace
"""


def test_nothing_a_repository_configures_ever_runs(project: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    run = tmp_path / "run"
    run.write_text(f'#!/bin/sh\ntouch "{marks}/$1"\ncat\n')
    run.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "post-checkout", "pre-push", "reference-transaction", "fsmonitor-watchman"):
        for place in (hooks, project / ".git/hooks"):
            (place / name).write_text(f'#!/bin/sh\ntouch "{marks}/hook-{name}"\n')
            (place / name).chmod(0o755)
    commit(project, ".gitattributes", "* filter=evil diff=evil\n")
    (project / "a.txt").write_text("changed\n")
    nested = project / "nested"
    git(project, "init", "-q", "nested")
    commit(nested, "n.txt", "x\n")
    git(project, "-c", "advice.addEmbeddedRepo=false", "add", "nested")
    git(project, "commit", "-qm", "nested", "--", "nested")
    (nested / "n.txt").write_text("y\n")
    (tmp_path / "included").write_text(f"[core]\n\tfsmonitor = {run} included\n")
    (tmp_path / "attributes").write_text("* filter=evil\n")
    (project / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    settings = HOSTILE.format(run=run, hooks=hooks, folder=tmp_path)
    for place in (project, nested):
        (place / ".git/config").write_text(settings)
    index = (project / ".git/index").read_bytes()
    # It would run, if its configuration were read: git of the owner's own sets the mark.
    subprocess.run(["git", "status"], cwd=project, capture_output=True)
    assert list(marks.iterdir())
    for mark in marks.iterdir():
        mark.unlink()
    os.utime(project / "a.txt")
    (project / ".git/index").write_bytes(index)
    for command in ("git push --force origin main", "git push origin main", "git reset --hard HEAD~1", "git checkout -- .",
                    "git restore .", "git clean -fdx", "git stash drop", "git branch -D main", "git checkout -f"):  # fmt: skip
        look(does("git.discard"), project, command)
    found = look(deletes(project / "a.txt", project / "src"), project)
    assert found["lost"] == 1
    assert look(does("git.discard"), project, "git checkout -- .")["files"] == 1
    assert list(marks.iterdir()) == []
    assert (project / ".git/index").read_bytes() == index


def test_an_object_that_is_not_here_is_not_fetched(project: Path) -> None:
    commit(project, "d.txt", "x\n")
    for path in (project / ".git/objects").rglob("*"):
        if path.is_file() and path.stat().st_size < 60:
            path.chmod(0o600)
            path.unlink()
    found = look(does("git.push"), project, "git push origin main")
    assert found["unmeasured"]


@pytest.mark.parametrize("name", ["HEAD", "index", "packed-refs", "shallow", "config", "commondir"])
def test_a_pipe_in_the_repository_holds_nobody_up(project: Path, name: str) -> None:
    path = project / ".git" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    started = time.monotonic()
    found = look(deletes(project / "src"), project, seconds=1.0)
    assert time.monotonic() - started < 3
    assert found["words"]


def test_a_hundred_thousand_files_are_bounded(tmp_path: Path) -> None:
    for folder in range(110):
        place = tmp_path / f"{folder:03}"
        place.mkdir()
        for n in range(1000):
            os.close(os.open(place / str(n), os.O_CREAT))
    started = time.monotonic()
    found = look(deletes(tmp_path), tmp_path, seconds=1.2)
    assert time.monotonic() - started < 2.5
    assert found["capped"].startswith("counting stopped")
    assert found["files"] <= 100_000
    assert "lost" not in found
    assert "nothing lost" not in found["words"]


def test_the_worker_answers_line_by_line(project: Path) -> None:
    lines = "".join(json.dumps({"effects": e, "cwd": str(project)}) + "\n" for e in (deletes(project / "src"), []))
    done = subprocess.run(
        [sys.executable, "-m", "sreconsole.policy.radius"], input=lines, capture_output=True, text=True, timeout=20
    )
    ready, first, second = done.stdout.splitlines()
    assert ready == "ready"
    assert json.loads(first)["files"] == 2
    assert "not known" in json.loads(second)["unmeasured"]


def test_sizes_are_said_as_people_say_them() -> None:
    said = [size(count) for count in (0, 999, 1000, 3_240_000, 52_000_000, 999_600_000, 4_000_000_000_000)]
    assert said == ["0 B", "999 B", "1.0 kB", "3.2 MB", "52 MB", "1.0 GB", "4.0 TB"]


@given(st.text(max_size=200))
def test_no_command_line_breaks_the_reader(text: str) -> None:
    found = commands(f"git {text}", "/srv/x")
    assert found is None or all(one.verb for one in found)


@given(st.dictionaries(st.sampled_from(["kind", "target", "host", "facts"]), st.text(max_size=30)))
def test_no_effect_breaks_a_measurement(effect: dict[str, Any]) -> None:
    effect.pop("facts", None)
    found = measure({"effects": [{"kind": "", **effect}], "cwd": "/nowhere"}, time.monotonic() + 1)
    assert isinstance(found["words"], str)
    assert found["words"]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_nothing_lost_is_only_said_when_nothing_is(files: int, lost: int, dropped: int) -> None:
    said = words(Radius(files=files, lost=lost, dropped=dropped))
    assert ("nothing lost" in said) == (lost == 0 and dropped == 0)


def test_the_module_reads_as_a_worker() -> None:
    assert radius.SECONDS < 1.5
