"""One command as it would run: its words, where it runs, what flows in; and the effects it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .action import Effect
from .paths import Spot, spot
from .shell import Flow, Source, Word

if TYPE_CHECKING:
    from .script import Walk


@dataclass(frozen=True, slots=True)
class Where:
    """The machine a command runs on.

    `kind` is local, ssh, container or pod; `mounts` maps paths in a container to paths of this machine; `signals` are
    the words an environment can be told by (host, context, namespace); `ephemeral`: nothing written there stays.
    """

    kind: str = "local"
    host: str = ""
    signals: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    ephemeral: bool = False
    root: bool = False


LOCAL = Where()


@dataclass(slots=True)
class Context:
    """How a statement is reached: source text, pipe ends, wrappers so far, machine, functions being called."""

    source: Source
    pipe: Flow | None = None
    out: Flow | None = None
    trail: tuple[str, ...] = ()
    depth: int = 0
    where: Where = LOCAL
    background: bool = False
    within: tuple[str, ...] = ()
    nested: int = 0

    def but(self, **changes: Any) -> Context:
        """A copy with some parts changed."""
        return replace(self, **changes)


class Redirect(NamedTuple):
    """One redirection to or from a file."""

    operator: str
    target: Word


@dataclass(slots=True)
class Call:
    """One simple command after expansion. `argv[0]` is the program; `redirects` are (operator, target)."""

    walk: Walk
    argv: list[Word]
    context: Context
    assigns: dict[str, Word] = field(default_factory=dict)
    redirects: list[Redirect] = field(default_factory=list)
    stdin: Flow | None = None
    span: tuple[int, int] = (0, 0)
    left: int = 0

    @property
    def name(self) -> str:
        """The program's name without its directory."""
        return self.argv[0].rsplit("/", 1)[-1] if self.argv else ""

    @property
    def args(self) -> list[Word]:
        """The words after the program."""
        return self.argv[1:]

    @property
    def where(self) -> Where:
        """The machine it runs on."""
        return self.context.where

    def spot(self, path: str, *, follow: bool = False) -> Spot:
        """Resolve a path as this command would; a container's path through its mounts."""
        walk = self.walk
        if self.where.kind == "local":
            return spot(path, walk.place, walk.state.cwd, follow=follow)
        return _elsewhere(path, self)

    def emit(self, kind: str, target: str = "", word: Word | None = None, **facts: Any) -> None:
        """Leave one effect. `word` is the guilty one (None: the whole command); `facts` as rules match them."""
        span = (word.start, word.end) if word is not None and word.end else self.span
        where = self.where
        facts["trail"] = self.trail
        facts["argv"] = self.argv
        if where.kind != "local" and facts.get("remote") != "":
            facts["remote"] = where.kind
            facts["signals"] = (*facts.get("signals", ()), where.host, *where.signals)
        if self.assigns or self.walk.state.exported:
            facts["env_vars"] = {**self.walk.state.exported, **self.assigns}
        host = str(facts.pop("host", "") or (where.host if where.kind != "local" else ""))
        resolved = str(facts.pop("resolved", ""))
        self.left += 1
        self.walk.effects.append(Effect(kind, str(target), host, "", resolved, span, facts))

    def touch(self, kind: str, path: str, **facts: Any) -> Spot:
        """Leave one effect on a file, at the place the path really points to."""
        target = self.spot(path, follow=kind != "fs.read")
        if target.zone == "null" and kind != "fs.delete":
            return target
        word = path if isinstance(path, Word) else None
        self.emit(kind, target.path, word, zone=target.zone, inside=target.inside, resolved=target.resolved, **facts)
        return target

    @property
    def trail(self) -> tuple[str, ...]:
        """Wrappers from the outermost, then the program itself."""
        return (*self.context.trail, self.name) if self.argv else self.context.trail


def _elsewhere(path: str, call: Call) -> Spot:
    where = call.where
    if path.startswith("~"):
        path = "/root" + path[1:] if path[:2] in ("~", "~/") else "/home/" + path[1:]
    for inside, outside in where.mounts:
        if path == inside or path.startswith(inside.rstrip("/") + "/"):
            rest = path[len(inside.rstrip("/")) :]
            found = spot(outside.rstrip("/") + rest or "/", call.walk.place, call.walk.place.cwd)
            return Spot(found.path, found.zone, found.inside, f"mounted from {outside}")
    if not path.startswith("/"):
        return Spot(path, "elsewhere", resolved=f"on {where.host or where.kind}")
    for root in ("/tmp", "/var/tmp"):
        if path.startswith(root + "/") and ".." not in path:
            return Spot(path, "tmp", resolved=f"on {where.host or where.kind}")
    if path.startswith("/dev/null"):
        return Spot(path, "null")
    found = spot(path, call.walk.place, "/")
    zone = found.zone if found.zone in ("root", "system", "device", "unknown") else "elsewhere"
    return Spot(found.path, zone, resolved=f"on {where.host or where.kind}")


@dataclass(slots=True)
class Argv:
    """A wrapper runs these words in its place."""

    words: Sequence[Word]
    label: str
    assigns: dict[str, Word] = field(default_factory=dict)
    where: Where | None = None
    cwd: str | None = None
    stdin: Flow | None = None


@dataclass(slots=True)
class Text:
    """A wrapper gives this text to a shell. `word` or `flow` is where it stands."""

    script: str
    label: str
    word: Word | None = None
    flow: Flow | None = None
    where: Where | None = None
    arguments: Sequence[str] = ()
    here: bool = False


@dataclass(slots=True)
class Code:
    """An interpreter runs this text. `language` is python, node, ruby, perl, php or awk."""

    language: str
    text: str
    label: str
    word: Word | None = None
    flow: Flow | None = None


Step = Argv | Text | Code
