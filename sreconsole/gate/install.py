"""Wiring a client to the gate, and undoing it: shown first, backed up, exact."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import json
import os
import pwd
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sreconsole.gate import hook_file, settings_file, wiring
from sreconsole.gate.hook_file import HookFile
from sreconsole.gate.settings_file import SettingsFile, Unusable, digest
from sreconsole.gate.wiring import Wire
from sreconsole.paths import Home
from sreconsole.text.redact import redact
from sreconsole.text.safe import safe

CLIENTS = ("claude-code",)
SCOPES = ("user", "project", "managed")
MANAGED = Path("/etc/claude-code/managed-settings.json")
"""Settings no user and no agent can override (documented place on Linux)."""

ONLY_MANAGED = "allowManagedHooksOnly"
SOCKET_PATH = 100
"""Bytes a unix socket's path may have here."""


class NotYours(Exception):
    """This user may not do that; one line with who may (exit code 4)."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What is remembered of one install, so that it can be undone exactly.

    `before` and `after` are SHA-256 of the file (before: "" if there was none or it already held entries of ours,
    `exact` tells which); `made` are folders made for it.
    """

    client: str
    scope: str
    named: str
    path: str
    at: str
    python: str
    hook: str
    socket: str
    uid: int
    before: str
    after: str
    backup: str
    existed: bool
    exact: bool
    made: list[str] = field(default_factory=list)
    only_managed: Any = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, shown before it is. `content` None: the file goes away. `same`: nothing to do."""

    home: Home
    client: str
    scope: str
    named: Path
    file: SettingsFile
    content: bytes | None
    same: bool
    notes: tuple[str, ...]
    wire: Wire | None = None
    hook: HookFile | None = None
    old: Wiring | None = None

    @property
    def diff(self) -> str:
        """The change as a unified diff, with secrets taken out and nothing that a terminal would obey."""
        after = (self.content or b"").decode("utf-8-sig")
        lines = difflib.unified_diff(
            self.file.text.splitlines(), after.splitlines(), str(self.file.path),
            f"{self.file.path} (after)" if self.content is not None else "(removed)", lineterm="",
        )  # fmt: skip
        return "\n".join(str(safe(line)) for line in redact("\n".join(lines)).text.split("\n"))


@dataclass(frozen=True, slots=True)
class Done:
    """What was done."""

    backup: Path | None
    written: list[Path]
    exact: bool = True


def place(scope: str, project: Path, managed: Path = MANAGED) -> Path:
    """The settings file of a scope: user ($CLAUDE_CONFIG_DIR or ~/.claude), project, managed."""
    if scope == "managed":
        return managed
    if scope == "project":
        return project.absolute() / ".claude" / "settings.json"
    folder = os.environ.get("CLAUDE_CONFIG_DIR")
    return (Path(folder).expanduser().absolute() if folder else Path.home() / ".claude") / "settings.json"


def read(path: Path, scope: str) -> SettingsFile:
    """The settings file of a scope. Only a user's own settings may be a link out of their home. Raises Unusable."""
    within = {"user": Path.home(), "project": path.parent.parent, "managed": path.parent}[scope]
    return settings_file.read(path, within, own_links=scope == "user")


def plan_install(home: Home, client: str, scope: str, path: Path) -> Plan:
    """What an install would change. Touches nothing. Raises Unusable, NotYours and NoInterpreter."""
    uid = serves_as(home)
    shared = home.kind == "system"
    if len(str(home.hook_socket).encode()) > SOCKET_PATH:
        raise Unusable(
            f"{home.hook_socket}: too long for a unix socket ({SOCKET_PATH} bytes); choose a shorter SRECONSOLE_HOME"
        )
    file = read(path, scope)
    python = _interpreter(home, shared)
    hook = hook_file.prepared(python)
    wire = Wire(python, hook.installed(home.hooks), home.hook_socket, uid)
    try:
        value = wiring.wired(file.value, wire, client)
    except wiring.Odd as odd:
        raise Unusable(f"{file.path}: {odd}; nothing was changed") from odd
    if scope == "managed":
        value = {**value, ONLY_MANAGED: True}
    same = value == file.value
    content = file.content if same and file.content is not None else file.render(value)
    old = wirings(home).get(str(file.path))
    notes = [file.note] if file.note else []
    notes += [
        f"takes the place of hooks of another home, which call {socket}" for socket in _elsewhere(file.value, home)
    ]
    notes += _warnings(home, scope, hook)
    return Plan(home, client, scope, path, file, content, same, tuple(notes), wire, hook, old)


def install(plan: Plan, now: datetime) -> Done:
    """Do what was shown. Raises Unusable, Changed, NotYours; then nothing but the hook file is new."""
    assert plan.wire is not None and plan.hook is not None and plan.content is not None
    shared, folder = plan.home.kind == "system", plan.home.hooks
    with _writing(plan.home):
        before = set(_referred(plan.home))
        written = hook_file.publish(plan.hook, folder, shared, plan.wire.uid)
        commands = plan.wire.commands(plan.client)
        if plan.same and plan.old is not None and _recorded(plan, commands):
            return Done(None, written)
        settings_file.unchanged(plan.file)
        backup = _backup(plan, now)
        wiring_ = _remembered(plan, now, backup)
        # Recorded first: the gate is asked about this very change by sessions that run, and must find it right.
        _record(plan.home, {**wirings(plan.home), wiring_.path: wiring_}, plan.wire.uid)
        if not plan.same:
            try:
                made = settings_file.replace(plan.file, plan.content, 0o600 if plan.scope == "user" else 0o644)
            except (settings_file.Changed, Unusable):
                rest = {key: one for key, one in wirings(plan.home).items() if key != wiring_.path}
                _record(plan.home, {**rest, **({wiring_.path: plan.old} if plan.old else {})}, plan.wire.uid)
                if backup is not None and (plan.old is None or plan.old.backup != str(backup)):
                    backup.unlink(missing_ok=True)
                raise
            if made:
                kept = Wiring(**{**asdict(wiring_), "made": [str(one) for one in made]})
                _record(plan.home, {**wirings(plan.home), kept.path: kept}, plan.wire.uid)
        # What was in use until now may still be running; it goes with the next install.
        hook_file.sweep(folder, before | set(_referred(plan.home)))
        return Done(backup, written)


def plan_uninstall(home: Home, client: str, scope: str, path: Path) -> Plan:
    """What taking our entries out would change; the very bytes of before, if nobody changed the file since."""
    file = read(path, scope)
    old = wirings(home).get(str(file.path))
    if old is not None and old.exact and file.content is not None and digest(file.content) == old.after:
        before = _kept(old)
        if before is not None or not old.existed:
            return Plan(home, client, scope, path, file, before, False, (file.note,) if file.note else (), old=old)
    value = wiring.unwired(file.value)
    if old is not None and old.scope == "managed" and file.value.get(ONLY_MANAGED) is True:
        value.pop(ONLY_MANAGED, None)
        if old.only_managed is not None:
            value[ONLY_MANAGED] = old.only_managed
    gone = not value and old is not None and not old.existed
    same = value == file.value
    content = file.content if same else (None if gone else file.render(value))
    notes = [file.note] if file.note else []
    if old is not None and not same:
        notes.append(f"{file.path} was changed since the install: only our entries are taken out")
    return Plan(home, client, scope, path, file, content, same, tuple(notes), old=old)


def uninstall(plan: Plan) -> Done:
    """Do what was shown, and forget the install. The hook file stays: a session that runs may need it once more."""
    home, old = plan.home, plan.old
    if old is None and not plan.same:
        _put_back(plan)
        return Done(None, [plan.file.path], exact=False)
    if old is None:
        return Done(None, [])
    with _writing(home):
        # Forgotten first: sessions that run ask the gate about this very change, which must let it pass.
        known = wirings(home)
        _record(home, {key: one for key, one in known.items() if key != old.path}, old.uid)
        try:
            _put_back(plan)
        except (settings_file.Changed, Unusable):
            _record(home, known, old.uid)
            raise
        exact = plan.content is None or digest(plan.content) == old.before
        if exact and old.backup:
            Path(old.backup).unlink(missing_ok=True)
        return Done(Path(old.backup) if old.backup and not exact else None, [plan.file.path], exact)


def wirings(home: Home) -> dict[str, Wiring]:
    """What is installed, by the real path of the settings file. Raises Unusable for a record that cannot be read."""
    record = home.hooks / "wirings.json"
    try:
        known = json.loads(record.read_bytes())
        return {path: Wiring(**one) for path, one in known.items()}
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise NotYours(f"{record}: only {_name(serves_as(home))} and root can read it") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Unusable(f"{record}: cannot be read ({error}); move it away and install again") from error


def commands(home: Home) -> dict[str, dict[str, str]]:
    """The commands on record, by settings file and event: what the gate compares changed settings with."""
    try:
        found = json.loads((home.hooks / "installed.json").read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Unusable(f"{home.hooks / 'installed.json'}: cannot be read ({error}); install again") from error
    return found if isinstance(found, dict) else {}


def serves_as(home: Home) -> int:
    """The user `serve` runs as: a system home's owner; else this user. Raises NotYours in another's home."""
    own = os.geteuid()
    try:
        owner = home.state.stat().st_uid
    except OSError:
        owner = own
    if home.kind == "system" or own in (0, owner):
        return owner
    raise NotYours(
        f"{home.state} belongs to {_name(owner)}; run this as {_name(owner)}, or choose another SRECONSOLE_HOME"
    )


def _interpreter(home: Home, shared: bool) -> Path:
    """The interpreter of earlier installs while it does: the compiled hook file is for one."""
    for one in wirings(home).values():
        python = Path(one.python)
        if not hook_file.unfit(python, shared):
            return python
    return hook_file.interpreter(shared)


def _warnings(home: Home, scope: str, hook: HookFile) -> Iterator[str]:
    if scope == "managed":
        yield "managed settings: hooks of users and projects are switched off (allowManagedHooksOnly)"
        if home.kind != "system":
            yield (f"{home.hooks} is for one user only: calls of other users' agents will be refused; "
                   "use a system home: sreconsole service install --system")  # fmt: skip
    if not hook.compiled:
        yield "the hook could not be compiled; it runs from source, about 2 ms slower"


def _elsewhere(value: dict[str, Any], home: Home) -> list[Path]:
    """Sockets of other gates that the settings call now."""
    wires = [wiring.parts(command) for commands_ in wiring.wirings(value).values() for command in commands_]
    return sorted({one.socket for one in wires if one is not None and one.socket != home.hook_socket})


def _recorded(plan: Plan, wanted: dict[str, str]) -> bool:
    known = commands(plan.home)
    return all(known.get(one) == wanted for one in {str(plan.named), str(plan.file.path)})


def _remembered(plan: Plan, now: datetime, backup: Path | None) -> Wiring:
    assert plan.wire is not None and plan.content is not None
    old, content = plan.old, plan.file.content
    before, existed, exact, made = (
        digest(content) if content is not None else "",
        content is not None,
        True,
        list[str](),
    )
    only = plan.file.value.get(ONLY_MANAGED)
    if wiring.wirings(plan.file.value):
        # Entries of ours were there: what came before them is known only if nothing but us wrote since.
        exact = old is not None and old.exact and content is not None and digest(content) == old.after
        before, existed, made = (old.before, old.existed, old.made) if old is not None else ("", True, [])
        only = old.only_managed if old is not None else None
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    return Wiring(
        plan.client, plan.scope, str(plan.named), str(plan.file.path), at,
        str(plan.wire.python), str(plan.wire.hook), str(plan.wire.socket), plan.wire.uid, before, digest(plan.content),
        str(backup or ""), existed, exact, made, only,
    )  # fmt: skip


def _backup(plan: Plan, now: datetime) -> Path | None:
    """A copy beside the file, for its owner's eyes; the one there is, when only our own entries are renewed."""
    file, old = plan.file, plan.old
    if old is not None and old.exact and file.content is not None and digest(file.content) == old.after:
        return Path(old.backup) if old.backup else None
    if file.content is None or plan.same:
        return None
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        path = file.path.with_name(f"{file.path.name}.sreconsole-backup-{stamp}{suffix}")
        with contextlib.suppress(FileExistsError):
            try:
                settings_file.write(path, file.content, 0o600, file.path.stat())
            except FileExistsError:
                raise
            except OSError as error:
                raise Unusable(f"{path}: {error.strerror}; without a backup nothing is changed") from error
            return path
    raise Unusable(f"{file.path}: a hundred backups of this second; clear them")


def _kept(old: Wiring) -> bytes | None:
    """The bytes of before the install, if the backup still holds them."""
    if not old.existed or not old.backup:
        return None
    try:
        content = Path(old.backup).read_bytes()
    except OSError:
        return None
    return content if digest(content) == old.before else None


def _put_back(plan: Plan) -> None:
    if plan.content is None:
        settings_file.remove(plan.file, [Path(one) for one in plan.old.made] if plan.old else [])
    elif not plan.same:
        settings_file.replace(plan.file, plan.content, 0o600)


def _referred(home: Home) -> list[Path]:
    """The hook files that recorded settings run."""
    found = [wiring.parts(command) for events in commands(home).values() for command in events.values()]
    return [one.hook for one in found if one is not None]


def _record(home: Home, known: dict[str, Wiring], uid: int) -> None:
    """Write down what is installed: in full, and in the short form the gate compares with."""
    shared = home.kind == "system"
    short: dict[str, dict[str, str]] = {}
    for one in known.values():
        wire = Wire(Path(one.python), Path(one.hook), Path(one.socket), one.uid)
        for path in (one.path, one.named):
            short[path] = wire.commands(one.client)
    full = {path: asdict(one) for path, one in known.items()}
    hook_file.put(home.hooks / "wirings.json", json.dumps(full, indent=2).encode() + b"\n", shared, uid)
    hook_file.put(home.hooks / "installed.json", json.dumps(short, indent=2).encode() + b"\n", shared, uid)


@contextlib.contextmanager
def _writing(home: Home) -> Iterator[None]:
    """One install at a time in a home. What the disk refuses becomes one line."""
    shared = home.kind == "system"
    try:
        hook_file.open_up(home.hooks, shared, serves_as(home))
        folder = os.open(home.hooks, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _denied(home, error) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise _denied(home, error) from error
    finally:
        os.close(folder)


def _denied(home: Home, error: OSError) -> Exception:
    if isinstance(error, PermissionError) and home.kind == "system":
        return NotYours(
            f"{error.filename or home.hooks}: the system's hooks are installed by root: sudo sreconsole hooks install …"
        )
    return Unusable(f"{error.filename or home.hooks}: {error.strerror}; nothing was changed")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
