"""Where a path points: resolved against the working directory, and the zone it lies in."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .files import Files, NoFiles
from .wordlist import wordset

_LONGEST = 4_096
UNKNOWN_HOME = "/~"


@dataclass(slots=True)
class Surroundings:
    """What is known about the place an action would run in.

    `project` is the root of its repository (empty: there is none, nothing counts as inside). `remembered` maps
    absolute paths of scripts written in this session to their content. `branch` is the checked-out branch, `ahead` its
    commits that no remote has; `guarded` are directories of the gate itself.
    """

    cwd: str
    home: str
    project: str
    files: Files = field(default_factory=NoFiles)
    remembered: Mapping[str, str] = field(default_factory=dict)
    branch: str = ""
    ahead: int = 0
    guarded: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spot:
    """A resolved path. `zone` is one of project, tmp, cache, home, home-config, system, device, null, root, unknown,
    other; `inside` is the path relative to the project ("." is the project itself) when it lies there."""

    path: str
    zone: str
    inside: str = ""
    resolved: str = ""

    @property
    def outside(self) -> bool:
        """Whether it lies outside the project (an unknown place counts as outside; /dev/null does not)."""
        return self.zone not in ("project", "null")


_TMP = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/var/folders", "/private/var/folders", "/dev/shm")
_SYSTEM = wordset(
    """
    etc usr bin sbin lib lib32 lib64 boot var sys proc run root srv System Library Applications
    """
)
_NULL = re.compile(r"/dev/(null|zero|full|u?random|tty\w*|std(in|out|err)|fd/.*)$|/proc/self/fd/.*$")
_CACHE = (".cache", ".npm", ".cargo/registry", ".gradle/caches", ".m2/repository", ".pnpm-store", ".bun/install")


def guess_home(cwd: str) -> str:
    """The home directory the working directory lies in, or a name no path has."""
    match = re.match(r"/(?:home|Users)/[^/]+|/root(?=/|$)", cwd)
    return match.group(0) if match else UNKNOWN_HOME


def surroundings(cwd: str, home: str, files: Files, project: str = "") -> Surroundings:
    """The place an action runs in. A home directory or the root is no project unless it is a repository."""
    cwd = os.path.normpath(cwd) if cwd.startswith("/") else "/home/agent/project"
    home = os.path.normpath(home) if home.startswith("/") else guess_home(cwd)
    root = project or files.project(cwd) or cwd
    if root == "/" or (root == home and not files.project(cwd)):
        root = ""
    return Surroundings(cwd=cwd, home=home, project=root, files=files)


def expand_user(text: str, place: Surroundings) -> str:
    """`~` and the variables whose value is known, in front of a path."""
    if text[:1] == "~":
        if text == "~" or text[1] == "/":
            return place.home + text[1:]
        if text.startswith("~+"):
            return place.cwd + text[2:]
        return "/home/" + text[1:] if not text.startswith("~-") else "${OLDPWD}" + text[2:]
    return text


def spot(text: str, place: Surroundings, cwd: str | None = None, *, follow: bool = False) -> Spot:
    """Resolve a path as it was written. `cwd` None means the current directory is not known.

    `follow` asks the disk to resolve symbolic links, through the injected `Files`.
    """
    if len(text) > _LONGEST:
        return Spot(text[:200], "unknown", resolved="longer than any path")
    text = expand_user(text, place)
    if text.startswith("file://"):
        text = text[7:]
    if "$(" in text[:2] or text.startswith("${") or text.startswith("$("):
        return Spot(text, "unknown", resolved="its value is not known before it runs")
    if not text.startswith("/"):
        if cwd is None or cwd.startswith("$"):
            return Spot(text, "unknown", resolved="the directory is not known before it runs")
        text = cwd + "/" + text
    path = normal(text)
    if follow:
        real = place.files.real(path)
        if real != path:
            zone, inside = zone_of(real, place)
            return Spot(real, zone, inside, f"link {path} → {real}")
    zone, inside = zone_of(path, place)
    if "${" in path or "$(" in path:
        return Spot(path, zone, inside, "part of it is not known before it runs")
    return Spot(path, zone, inside, "")


@lru_cache(maxsize=4096)
def normal(path: str) -> str:
    """An absolute path without `.`, `..` and doubled slashes."""
    path = os.path.normpath(path)
    return path[1:] if path.startswith("//") else path


def under(path: str, root: str) -> bool:
    """Whether a path is a directory or lies below it."""
    return bool(root) and (path == root or path.startswith(root + "/") or root == "/")


def zone_of(path: str, place: Surroundings) -> tuple[str, str]:
    """Zone of an absolute normal path, and the path relative to the project when it lies there."""
    if place.project and under(path, place.project):
        return "project", path[len(place.project) + 1 :] or "."
    if path in ("/", "/*", "/.*", "/**"):
        return "root", ""
    if _NULL.match(path):
        return "null", ""
    for root in _TMP:
        if path.startswith(root + "/"):
            return "tmp", ""
    if path.startswith("/dev/"):
        return "device", ""
    if under(path, place.home):
        rest = path[len(place.home) + 1 :]
        if any(under(rest, cache) for cache in _CACHE):
            return "cache", ""
        return ("home-config" if rest.startswith(".") else "home"), ""
    top = path.split("/", 2)[1]
    if top in _SYSTEM:
        return "system", ""
    return ("home" if top in ("home", "Users") else "other"), ""


def catastrophic(target: Spot, place: Surroundings) -> bool:
    """Whether losing this path loses a system, a home directory or the whole project."""
    path = target.path.rstrip("*").rstrip("/") or "/"
    if target.zone in ("root", "device"):
        return True
    if path in (place.home, place.project) or path in ("/home", "/Users", "/root"):
        return True
    return path.count("/") == 1 and target.zone in ("system", "home", "other")


@lru_cache(maxsize=2048)
def glob(pattern: str) -> re.Pattern[str]:
    """A path glob as a regular expression: `**` crosses slashes, `*` and `?` do not, `{a,b}` and `(a|b)` choose."""
    out, depth = "", 0
    for token in re.findall(r"\*\*/|/\*\*\Z|\*\*|.", pattern, re.DOTALL):
        if token == "**/":
            out += r"(?:.*/)?"
        elif token == "/**":
            out += r"(?:/.*)?"
        elif token == "**":
            out += ".*"
        elif token in "{(":
            out, depth = out + "(?:", depth + 1
        elif token in "})" and depth:
            out, depth = out + ")", depth - 1
        elif token in ",|" and depth:
            out += "|"
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(token) or re.escape(token)
    return re.compile(out + r"\Z", re.DOTALL)


@lru_cache(maxsize=2048)
def words_glob(pattern: str) -> re.Pattern[str]:
    """A glob over names, hosts and words: `*` crosses everything, `(a|b)` and `{a,b}` choose. Case does not matter."""
    out = ""
    for char in pattern:
        out += {"*": ".*", "?": ".", "{": "(?:", "}": ")", "(": "(?:", ")": ")", "|": "|"}.get(char, re.escape(char))
    if "{" in pattern:
        out = out.replace(",", "|")
    return re.compile(out + r"\Z", re.DOTALL | re.IGNORECASE)


def path_matches(pattern: str, target: str, inside: str, place: Surroundings) -> bool:
    """Whether a path (absolute, and relative to the project when inside) matches a glob of the policy.

    A relative pattern is tried on the path inside the project; one that starts with `**/`, `/` or `~/` anywhere.
    """
    pattern = pattern.partition("#")[0]
    if pattern.startswith("~/"):
        return bool(glob(place.home + pattern[1:]).match(target))
    if inside and glob(pattern).match(inside):
        return True
    if pattern.startswith(("/", "**")):
        return bool(glob(pattern).match(target) or glob(pattern).match(target.lstrip("/")))
    return False
