"""A repository on disk, read through git without its own configuration ever being read.

git is run on a private, empty repository of ours that borrows the agent's objects, index and work tree. What the
repository's configuration could name (monitors, filters, external diffs, hooks, ssh commands, includes, promisor
remotes) does not exist there, so nothing of it can run; references are read from their files. See gitrepository-layout(5)
and git(1), "Environment Variables".
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HIGHEST = 40
"""Folders climbed before giving up."""

LARGEST = 16 * 1024 * 1024
"""Bytes of packed-refs that are read."""

MOST_REFS = 20_000

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
REVISION = re.compile(r"(?P<base>[\w.][\w./+-]*|@)(?P<steps>(?:[~^]\d{0,6}){0,40})")

NEUTRAL = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.pager=cat", "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null", "core.untrackedCache=false", "core.preloadIndex=false", "core.quotePath=false",
    "protocol.allow=never", "submodule.recurse=false", "diff.ignoreSubmodules=all", "gc.auto=0",
    "maintenance.auto=false",
)  # fmt: skip

DIFF = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=all", "--no-color")


class Unmeasurable(Exception):
    """It cannot be known without running something or for lack of time; the message says why."""


class Checkout:
    """One repository with its work tree. Use as a context; `until` is a moment of `time.monotonic()`."""

    def __init__(self, folder: str, until: float) -> None:
        """Find the repository around `folder`. Raises Unmeasurable."""
        self.top, self._git = _around(folder)
        self._common = _common(self._git)
        self._until = until
        self._packed: dict[str, str] | None = None
        if (self._common / "reftable").exists():
            raise Unmeasurable("the repository keeps its references in a table")
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self.head = self._read_ref(self._git / "HEAD", 0)

    def __enter__(self) -> Checkout:
        self._private = tempfile.TemporaryDirectory(prefix="sreconsole-radius-", ignore_cleanup_errors=True)
        ours = Path(self._private.name)
        for name in ("refs", "objects"):
            (ours / name).mkdir()
        form = "\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n" if len(self.head) == 64 else ""
        (ours / "config").write_text(f"[core]\n{form or chr(9) + 'repositoryformatversion = 0' + chr(10)}")
        (ours / "HEAD").write_text(f"{self.head}\n" if self.head else "ref: refs/heads/none\n")
        shallow = _text(self._common / "shallow", LARGEST)
        if shallow:
            (ours / "shallow").write_text(shallow)
        for shared in list(self._git.glob("sharedindex.*"))[:100]:
            (ours / shared.name).symlink_to(shared)
        return self

    def __exit__(self, *left: object) -> None:
        if self._private:
            self._private.cleanup()

    @property
    def branch(self) -> str:
        """What is checked out ("" when detached)."""
        head = _text(self._git / "HEAD", 4096).strip()
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""

    def ref(self, name: str) -> str:
        """The hash a reference of that full name has ("" if there is none)."""
        if ".." in name or name.startswith("/"):
            return ""
        return self._read_ref(self._common / name, 0) or self._packed_refs().get(name, "")

    def refs(self, prefix: str) -> dict[str, str]:
        """All references under a prefix such as `refs/heads/`, by full name."""
        found = {name: sha for name, sha in self._packed_refs().items() if name.startswith(prefix)}
        for at, (folder, _, files) in enumerate(os.walk(self._common / prefix)):
            for file in files:
                path = Path(folder) / file
                if sha := self._read_ref(path, 0):
                    found[str(path.relative_to(self._common))] = sha
            if at > MOST_REFS or len(found) > MOST_REFS:
                raise Unmeasurable("the repository has too many references")
        return found

    def resolve(self, revision: str) -> str:
        """The commit that a revision such as HEAD~2 or origin/main means. Raises Unmeasurable."""
        match = REVISION.fullmatch(revision)
        base = match["base"] if match else ""
        sha = self.head if base in ("HEAD", "@") else ""
        if base and not sha:
            places = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
            sha = next((found for place in places if (place or base == "ORIG_HEAD" or base.startswith("refs/"))
                        and (found := self.ref(place + base))), "")  # fmt: skip
        if not sha and re.fullmatch(r"[0-9a-f]{4,64}", base):
            sha = base
        if not match or not sha:
            raise Unmeasurable(f"{revision[:60]} cannot be resolved")
        commit = f"{sha}{match['steps']}^{{commit}}"
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", commit).decode().strip()

    def count(self, *revisions: str) -> int:
        """How many commits are reachable from the plain hashes and not from those marked `^`."""
        text = "".join(f"{one}\n" for one in revisions).encode()
        return int(self.git("rev-list", "--count", "--stdin", given=text) or 0)

    def changed(self, *revisions: str, paths: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
        """Lines added and removed by path (relative to the top): between revisions, or against the work tree."""
        out = self.git("diff", *DIFF, "--numstat", "-z", *revisions, "--", *paths)
        found = {}
        for entry in out.decode(errors="surrogateescape").split("\0"):
            added, _, rest = entry.partition("\t")
            removed, _, path = rest.partition("\t")
            if path:
                found[path] = (int(added) if added.isdigit() else 0, int(removed) if removed.isdigit() else 0)
        return found

    def tracked(self) -> set[str]:
        """Paths in the index that git compares with the work tree, relative to the top.

        Not those it was told to take for unchanged (lower case, or S): of them it would say so whatever they hold.
        """
        return {name[2:] for name in self._names("ls-files", "-z", "-v", "--cached") if name.startswith("H ")}

    def ignored(self) -> list[str]:
        """Untracked paths that git is told to ignore; folders end in a slash."""
        exclude = self._common / "info" / "exclude"
        own = ("--exclude-from", str(exclude)) if _regular(exclude) else ()
        what = ("--others", "--ignored", "--directory", "--exclude-per-directory=.gitignore")
        return sorted(self._names("ls-files", "-z", *what, *own))

    def untracked(self, *, folders: bool, ignored: bool) -> list[str]:
        """Untracked files; without `folders` those in folders that hold nothing else are left out."""
        words = ["ls-files", "-z", "--others"]
        if not ignored:
            words.append("--exclude-per-directory=.gitignore")
        if not folders:
            words.append("--directory")
        return sorted(name for name in self._names(*words) if not name.endswith("/"))

    def git(self, *words: str, given: bytes = b"") -> bytes:
        """What git prints. Raises Unmeasurable when it fails or takes too long."""
        assert self._private
        left = self._until - time.monotonic()
        if left <= 0:
            raise Unmeasurable("it took too long")
        settings = [part for one in NEUTRAL for part in ("-c", one)]
        command = ["git", "--no-pager", "--no-optional-locks", *settings, "-c", f"safe.directory={self.top}", *words]
        try:
            done = subprocess.run(command, input=given, capture_output=True, timeout=left, cwd=self.top,
                                  env=self._environment(self._private.name), check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unmeasurable("it took too long") from None
        except OSError as error:
            raise Unmeasurable(f"git cannot be run: {error.strerror}") from error
        if done.returncode:
            raise Unmeasurable(f"git {words[0]} failed: {done.stderr.decode(errors='replace').strip()[:120]}")
        return done.stdout

    def _environment(self, ours: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": ours, "LC_ALL": "C", "TMPDIR": ours,
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1",
            "GIT_DIR": ours, "GIT_WORK_TREE": str(self.top), "GIT_INDEX_FILE": str(self._git / "index"),
            "GIT_OBJECT_DIRECTORY": str(self._common / "objects"), "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1",
            "GIT_ALLOW_PROTOCOL": "none", "GIT_ASKPASS": "/bin/false", "GIT_SSH_COMMAND": "/bin/false",
        }  # fmt: skip

    def _names(self, *words: str) -> set[str]:
        return {name for name in self.git(*words).decode(errors="surrogateescape").split("\0") if name}

    def _packed_refs(self) -> dict[str, str]:
        if self._packed is None:
            self._packed = {}
            for line in _text(self._common / "packed-refs", LARGEST).splitlines():
                sha, _, name = line.partition(" ")
                if SHA.fullmatch(sha) and name:
                    self._packed[name] = sha
        return self._packed

    def _read_ref(self, path: Path, depth: int) -> str:
        text = _text(path, 4096).strip()
        if text.startswith("ref: ") and depth < 5 and ".." not in text:
            name = text[5:].strip()
            return self._read_ref(self._common / name, depth + 1) or self._packed_refs().get(name, "")
        return text if SHA.fullmatch(text) else ""


def _around(folder: str) -> tuple[Path, Path]:
    here = Path(folder)
    for one in [here, *here.parents][:HIGHEST]:
        git = one / ".git"
        try:
            mode = git.stat().st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode):
            return one, git
        text = _text(git, 4096)
        if stat.S_ISREG(mode) and text.startswith("gitdir:"):
            return one, Path(os.path.normpath(one / text.removeprefix("gitdir:").strip()))
    raise Unmeasurable("it is in no repository")


def _common(git: Path) -> Path:
    name = _text(git / "commondir", 4096).strip()
    return Path(os.path.normpath(git / name)) if name else git


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _text(path: Path, largest: int) -> str:
    """A plain file's text; "" for anything else. Opened so that a pipe in its place cannot hold us up."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(largest).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
