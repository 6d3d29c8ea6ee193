"""One file read, written or deleted, and what is lost with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .call import Call
from .paths import Spot, catastrophic
from .secrets import holds_secret
from .shell import Word

_ARTIFACT = re.compile(
    r"""(?ix)(?:^|/)(?:
      node_modules|bower_components|dist|build|builds|out|output|outputs|target|bin|obj|venv|\.venv|env
        |virtualenv|\.tox
    | \.nox|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.cache|cache|caches|coverage|htmlcov
      |\.coverage|\.nyc_output
    | \.next|\.nuxt|\.svelte-kit|\.turbo|\.parcel-cache|\.vite|\.output|\.angular|\.expo|\.gradle|\.terraform
      |\.eggs|\.hypothesis
    | site-packages|vendor|pods|deriveddata|\.build|_build|cmake-build-[\w-]+|test-results|test-reports?
      |playwright-report
    | reports?|logs?|tmp|temp|\.tmp|\.temp|storybook-static|public/build|\.serverless|\.aws-sam|cdk\.out
      |\.dart_tool|\.stack-work
    | dist-newstyle|zig-out|zig-cache|\.zig-cache|_site|\.docusaurus|\.wrangler|\.vercel|\.netlify|\.scannerwork
      |\.ipynb_checkpoints
    | [\w.-]*(?:tmp|temp|cache|\.egg-info|\.dSYM|_build|-build|build-|build_|\.bak|\.orig|\.old|_output|-output
      |_test|_demo|scratch)[\w.*-]*
    )(?:/.*)?$"""
)


# Files a build, an editor or a run leaves behind: a pattern over these loses nothing.
LEFTOVER = re.compile(
    r"(?i)\.(pyc|pyo|o|obj|a|so|class|log|tmp|temp|bak|orig|rej|sw[op]|out|map|gcda|gcno|d|lock|pid|cache|"
    r"dSYM|tsbuildinfo|coverage|prof|trace|snap|DS_Store|egg-info|whl|gz|zip|tgz|tar|png|jpg|csv|xml|html|"
    r"txt)\*?$|^(test|tmp|temp|core|\.coverage|npm-debug)[\w.-]*\*|~$|__pycache__"
)


_WHOLE = re.compile(r"^(?:\.|\*+|\.\*|\*\.\*|\*\*/\*|\*/\*|\.\[\^?!?\.\]\*|\{.*\*.*\}|\[[^]]*\]\*|\.\?\?\*|\?\*)$")


def delete(call: Call, path: Word | str, *, recursive: bool, why: str = "", lasting: bool = False) -> None:
    """One deletion, with what is lost: the whole project, a tree of sources, an artifact, one file."""
    target = call.spot(path, follow=False)
    link = call.spot(path, follow=True) if recursive and str(path).endswith("/") else target
    traits = set()
    if recursive:
        traits.add("recursive")
    if lasting:
        traits.add("tree")
    if target.zone == "null":
        traits.add("device")
    if catastrophic(link, call.walk.place) or (target.zone == "elsewhere" and target.path.count("/") <= 1):
        traits.add("catastrophic")
    if link.zone == "project":
        traits |= _project_traits(link, recursive, str(path))
    if link.zone == "tmp" and re.match(r"(/private)?/(var/)?tmp/(\*|\.\*|\?*)$", link.path):
        traits.add("whole")
    if link.zone == "unknown" or "not known" in link.resolved:
        traits.add("unknown")
    if (
        call.where.ephemeral
        and not link.resolved.startswith("mounted")
        and link.zone in ("elsewhere", "root", "system", "tmp")
    ):
        return
    word = path if isinstance(path, Word) else None
    place: dict[str, Any] = {"remote": ""} if link.resolved.startswith("mounted") else {}
    call.emit(
        "fs.delete",
        link.path,
        word,
        zone=link.zone,
        inside=link.inside,
        resolved=link.resolved,
        traits=traits,
        why=why,
        **place,
    )


def _project_traits(target: Spot, recursive: bool, text: str) -> set[str]:
    inside = target.inside
    if _WHOLE.match(inside) or inside == ".":
        return {"whole"}
    if re.search(r"(^|/)\.git/(.*/)?[\w.-]+\.lock$", inside):
        return set()
    if inside == ".git" or inside.startswith(".git/") or re.search(r"(^|/)[\w.-]*\.git(/|$)", inside):
        return {"git-internals"}
    if _ARTIFACT.search(inside):
        return {"artifact"}
    last = inside.rsplit("/", 1)[-1]
    sources = ("*" in last and not LEFTOVER.search(last)) or last == "<listed>"
    return {"tree"} if recursive or sources else set()


def write(
    call: Call, path: Word | str, *, appends: bool = False, text: str | None = None, traits: Sequence[str] = ()
) -> Spot:
    """One file written; its text is remembered when known, so that a script run later is read."""
    facts: dict[str, Any] = {"traits": {*traits}}
    if text is not None:
        facts["changed"] = text[:4000]
        if not appends and call.where.kind == "local":
            before = call.walk.place.files.size(call.spot(path).path)
            removed = max(0, before - text.count("\n"))
            if before > 0:
                facts["removed"], facts["ratio"] = removed, round(removed / before, 3)
    target = call.touch("fs.write", path, **facts)
    if text is not None and call.where.kind == "local":
        written = call.walk.state.written
        written[target.path] = (written.get(target.path, "") if appends else "") + text
    return target


def read(call: Call, path: Word | str) -> None:
    """One file read; a credential file is its own effect."""
    if isinstance(path, Word) and path.flow is not None:
        return
    target = call.spot(path, follow=False)
    if target.zone == "null":
        return
    if holds_secret(target, str(path)):
        word = path if isinstance(path, Word) else None
        call.emit("secret.read", target.path, word, zone=target.zone, inside=target.inside, secret="file")
        if call.context.out is not None:
            call.context.out.marks.add("secret")
        return
    real = call.spot(path, follow=True) if call.where.kind == "local" else target
    if real.path != target.path and holds_secret(real, real.path):
        call.emit("secret.read", real.path, secret="file", resolved=real.resolved, zone=real.zone)
        return
    call.emit("fs.read", target.path, zone=target.zone, inside=target.inside)
