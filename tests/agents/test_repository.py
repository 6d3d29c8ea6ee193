"""What a folder's repository is called, without running git."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from sreconsole.agents import repository

CONFIG = """[core]
\trepositoryformatversion = 0
[remote "origin"]
\turl = git@github.com:acme/web.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
[remote "mirror"]
\turl = https://user:pw@git.example.org:8443/group/sub/web-mirror
"""


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("git@github.com:acme/web.git", ("github.com/acme/web", "acme/web", "web")),
        ("https://GitHub.com/acme/web", ("github.com/acme/web", "acme/web", "web")),
        ("ssh://git@host:2222/a/b/c.git/", ("host/a/b/c", "a/b/c", "c")),
        ("https://token@host/web.git", ("host/web", "web")),
        ("/srv/git/web.git", ("web",)),
        ("../web", ("web",)),
        ("file:///srv/git/web.git", ("web",)),
        ("", ()),
        ("https://host/", ("host",)),
    ],
)
def test_names_of_a_url(url: str, names: tuple[str, ...]) -> None:
    assert repository.of_url(url) == names


def test_remotes_of_a_config() -> None:
    assert repository.remotes(CONFIG) == [
        "git@github.com:acme/web.git",
        "https://user:pw@git.example.org:8443/group/sub/web-mirror",
    ]


@pytest.mark.parametrize(
    "config", ["", "nonsense", '[remote "x"]', '[remote "x"]\nurl', "\0\xff", "[include]\npath = /etc/passwd"]
)
def test_remotes_of_nonsense(config: str) -> None:
    assert repository.remotes(config) == []


def test_top_folder_and_remotes_from_below(tmp_path: Path) -> None:
    git = tmp_path / "checkout" / ".git"
    git.mkdir(parents=True)
    (git / "config").write_text(CONFIG)
    below = tmp_path / "checkout" / "src" / "deep"
    below.mkdir(parents=True)
    assert set(repository.names(str(below))) == {
        "checkout", "web", "acme/web", "github.com/acme/web", "web-mirror", "group/sub/web-mirror", "git.example.org/group/sub/web-mirror",
    }  # fmt: skip


def test_a_real_worktree_knows_its_remotes(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "-C", str(tmp_path / "main")]
    subprocess.run(["git", "init", "-q", str(tmp_path / "main")], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "git@github.com:acme/web.git"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", str(tmp_path / "tree")], check=True, stderr=subprocess.DEVNULL)
    assert set(repository.names(str(tmp_path / "tree"))) == {"tree", "web", "acme/web", "github.com/acme/web"}


def test_outside_of_one_and_relative() -> None:
    assert repository.names("/") == repository.names("relative") == repository.names("") == ()


def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "config")
    began = time.monotonic()
    assert repository.names(str(tmp_path)) == (tmp_path.name,)
    assert time.monotonic() - began < 1.0
