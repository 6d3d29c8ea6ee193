"""Words for a tired human: what an action does, what to type to confirm it, what to do instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .action import Effect
from .paths import Surroundings
from .wordlist import wordset

_THIRD = {
    verb: f"{verb}s"
    for verb in wordset(
        """
        delete remove create update add set reset terminate revoke merge close detach enable disable restart deploy
        invite transfer
        """
    )
} | {
    "destroy": "destroys",
    "purge": "purges",
    "wipe": "wipes",
    "drop": "drops",
    "apply": "applies",
    "publish": "publishes",
}
_VERBS: dict[str, str] = {
    "none": "changes nothing",
    "git.read": "reads the repository",
    "proc.shell": "opens a shell",
    "proc.bomb": "starts processes without end",
    "agent.ask": "asks a person",
}


def does(effect: Effect | None, effects: Sequence[Effect], place: Surroundings) -> str:
    """One line of plain words for the effect that decided; others of the same kind are counted."""
    if effect is None:
        return "changes nothing"
    same = len({e.target for e in effects if e.kind == effect.kind and e.facts.get("zone") == effect.facts.get("zone")})
    text = _sentence(effect, place)
    more = f" and {same - 1} more" if same > 1 and effect.kind.startswith(("fs.", "secret.", "git.push")) else ""
    remote = effect.facts.get("remote")
    where = f" on {effect.host}" if remote in ("ssh", "pod") and effect.host and effect.host not in text else ""
    where = where or (f" in container {effect.host}" if remote == "container" and effect.host else "")
    environment = effect.environment
    named = f" ({environment})" if environment and environment not in text and environment not in ("local",) else ""
    return f"{text}{more}{where}{named}"[:200]


def _sentence(effect: Effect, place: Surroundings) -> str:
    maker = _SENTENCES.get(effect.kind)
    if maker is not None:
        return maker(effect, place)
    plain = _VERBS.get(effect.kind)
    return plain or f"{effect.kind.replace('.', ' ')} {effect.target}".strip()


def short(path: str, place: Surroundings) -> str:
    """A path as a person in the project would say it."""
    if place.project and path.startswith(place.project + "/"):
        return path[len(place.project) + 1 :]
    if path == place.project:
        return "the whole project"
    if path.startswith(place.home + "/"):
        return "~" + path[len(place.home) :]
    if path == place.home:
        return f"the home directory {path}"
    return "the whole file system" if path in ("/", "/*") else path


def _delete(effect: Effect, place: Surroundings) -> str:
    traits = effect.facts.get("traits", ())
    inside = effect.facts.get("inside", "")
    if "device" in traits:
        return f"overwrites or repartitions {effect.target}"
    if inside in (".", "*", "./*", ".*"):
        return "deletes the whole project"
    what = "everything under " if "recursive" in traits and effect.target not in ("/", place.home) else ""
    return f"deletes {what}{short(effect.target, place)}"


def _write(effect: Effect, place: Surroundings) -> str:
    traits = effect.facts.get("traits", ())
    name = short(effect.target, place)
    if "moved" in traits:
        return f"moves {name} away"
    if "permissions" in traits:
        return f"changes permissions of {name}"
    if command := _command(effect):
        return f"changes files ({command})"
    removed = effect.facts.get("removed", 0)
    return f"removes {removed} lines from {name}" if removed and removed >= 50 else f"writes {name}"


def _push(effect: Effect, place: Surroundings) -> str:
    traits = effect.facts.get("traits", ())
    remote = effect.facts.get("remote", "") if effect.facts.get("remote") not in ("ssh", "pod", "container") else ""
    verb = (
        "deletes remote branch"
        if "delete" in traits
        else "force-pushes"
        if "force" in traits
        else "pushes tag"
        if "tag" in traits
        else "pushes to"
    )
    ahead = effect.facts.get("ahead", 0)
    if verb == "pushes tag" and effect.target == "the current branch":
        return f"pushes all tags at {remote}" if remote and remote != "origin" else "pushes all tags"
    count = f"pushes {ahead} commit{'s' if ahead != 1 else ''} to" if ahead and verb == "pushes to" else verb
    return f"{count} {effect.target}" + (f" at {remote}" if remote and remote != "origin" else "")


def _request(effect: Effect, place: Surroundings) -> str:
    facts = effect.facts
    mutations = facts.get("mutations") or ()
    host = effect.host or effect.target
    traits = facts.get("traits", ())
    if "carries-secret" in traits:
        return f"sends a credential to {host}"
    if mutations:
        return f"{mutation(str(mutations[0]), str(facts.get('subject', '')))} at {host}"
    if "message" in traits:
        return f"posts a message to {host}"
    if "money" in traits:
        return f"moves money or billing at {host}"
    method = str(facts.get("method", ""))
    verb = {
        "DELETE": "deletes",
        "COPY": "copies files to",
        "SOCKET": "opens a connection to",
        "MAIL": "sends mail",
        "TUNNEL": "opens a tunnel",
    }.get(method)
    path = str(facts.get("url", "")).split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    if method == "DELETE":
        return f"deletes {path or 'a resource'} at {host}"
    return f"{verb} {host}".strip() if verb else f"sends {method or 'data'} to {host}"


def mutation(name: str, subject: str) -> str:
    """`volumeDelete` of 3d2c42fb as words: deletes volume 3d2c42fb."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    verb = next((_THIRD[part] for part in parts if part in _THIRD), "")
    if not verb:
        return f"calls {name}"
    things = [part for part in parts if part not in _THIRD]
    return " ".join(word for word in (verb, *things, subject) if word)


def _by_command(plain: str, thing: str) -> Callable[[Effect, Surroundings], str]:
    """`plain` words before what is named; where only the command is known, the thing and the command in brackets."""

    def say(effect: Effect, place: Surroundings) -> str:
        command = _command(effect)
        return f"{thing} ({command})" if command else f"{plain} {short(effect.target, place)}".strip()

    return say


def _command(effect: Effect) -> str:
    """The command, when an effect's target is no more than that: `npm publish`, `go mod tidy`; else nothing."""
    argv = [str(word) for word in effect.facts.get("argv") or () if not str(word).startswith("-")]
    words = effect.target.split()
    if not argv or not words:
        return ""
    program = argv[0].rsplit("/", 1)[-1]
    if words[0] == program and len(words) > 1:
        return effect.target
    return " ".join([program, *argv[1:4]]) if words[0] in _ACTS and words[0] in argv[1:] else ""


_ACTS = wordset("publish upload push install uninstall remove tidy download init sync cleanup autoremove restore")


def _plain(prefix: str) -> Callable[[Effect, Surroundings], str]:
    return lambda effect, place: f"{prefix} {short(effect.target, place)}".strip()


_STATEMENT = re.compile(
    r"(?i)(drop|truncate|delete from|update|alter|insert into|create)\s+(table|index|database|schema|view|"
    r"column)?\s*(?:if exists\s+|if not exists\s+)?(?!if)([\w.\"`]+)?"
)


def _database(verb: str) -> Callable[[Effect, Surroundings], str]:
    def say(effect: Effect, place: Surroundings) -> str:
        where = effect.host or next(iter(effect.facts.get("dsn_vars", ())), "")
        on = f" on {where}" if where else ""
        match = _STATEMENT.match(effect.target)
        if match:
            act, thing, name = (g or "" for g in match.groups())
            plain = {
                "drop": "drops",
                "truncate": "empties",
                "delete from": "deletes from",
                "update": "updates",
                "alter": "alters",
                "insert into": "inserts into",
                "create": "creates",
            }
            return " ".join(w for w in (plain[act.lower()], thing.lower(), name) if w) + on
        return f"{verb}: {effect.target.lower() if effect.target.isupper() else effect.target}{on}"

    return say


_STASHES = {"stash drop": "stashed work (git stash drop)", "stash clear": "all stashed work (git stash clear)"}
_SENTENCES: dict[str, Callable[[Effect, Surroundings], str]] = {
    "fs.delete": _delete,
    "fs.write": _write,
    "fs.read": _by_command("reads", "only reads"),
    "secret.read": _plain("shows the agent a credential:"),
    "secret.use": _plain("loads credentials from"),
    "secret.write": _plain("changes a credential or access right:"),
    "git.push": _push,
    "git.discard": lambda effect, place: f"throws away {_STASHES.get(effect.target, effect.target)}",
    "git.rewrite": lambda effect, place: f"rewrites {effect.target}",
    "git.write": lambda effect, place: f"git {effect.target} in the local repository",
    "git.config": _plain("changes git setting"),
    "git.skip-checks": _plain("skips"),
    "net.mutate": _request,
    "net.read": lambda effect, place: f"fetches from {effect.host or effect.target}",
    "net.listen": _plain("opens a port:"),
    "db.read": _database("reads the database"),
    "db.write": _database("writes to the database"),
    "db.migrate": _database("changes the database schema"),
    "db.destroy": _database("destroys data"),
    "infra.read": _plain("looks at infrastructure:"),
    "infra.write": _plain("changes infrastructure:"),
    "infra.destroy": _plain("destroys infrastructure:"),
    "forge.write": _plain("writes to the forge:"),
    "forge.change": _plain("changes the forge:"),
    "forge.publish": _plain("publishes:"),
    "forge.destroy": _plain("deletes at the forge:"),
    "pkg.install": _by_command("installs", "installs packages"),
    "pkg.remove": _by_command("removes packages:", "removes packages"),
    "pkg.publish": _by_command("publishes", "publishes the package"),
    "proc.run": _plain("runs"),
    "proc.signal": _plain("stops process"),
    "proc.service": _plain("changes a service of this machine:"),
    "proc.schedule": _plain("changes what is scheduled:"),
    "exec.remote": _plain("runs code that came from elsewhere:"),
    "exec.unknown": _plain("runs a command that is not known:"),
    "exec.config": _plain("makes another program execute or redirect by"),
    "agent.spawn": _plain("starts"),
    "gate.tamper": _plain("tampers with the gate:"),
    "mcp.read": _plain("reads through"),
    "mcp.write": _plain("changes through"),
    "mcp.destroy": _plain("deletes through"),
    "unknown": _plain("runs a program nobody has described:"),
    "unknown.change": _plain("by its name, deploys, publishes or sends:"),
    "unknown.destroy": _plain("by its name, destroys:"),
    "unknown.tool": _plain("calls an unknown tool:"),
}


def target(effect: Effect | None) -> str:
    """The word to type when policy asks to confirm by typing: the last part of what is hit."""
    if effect is None:
        return ""
    if effect.kind == "git.push":
        return str(effect.facts.get("branch") or effect.target)
    if effect.kind.startswith("net.") and effect.host:
        return effect.host
    if effect.kind.startswith("db.") and (statement := _STATEMENT.match(effect.target)) and statement[3]:
        return statement[3].strip('`"')
    words = (effect.target.rstrip("/") or effect.target).split()
    last = words[-1] if words else effect.host or effect.kind
    return (last.rsplit("/", 1)[-1] or last) if "/" in last and "://" not in last else last


_INSTEAD = {
    "fs.delete": "Delete a named path inside the project, one that can be built again.",
    "git.push": "Push to a branch of your own and open a pull request.",
    "git.discard": "`git stash` keeps the work where it can be found again.",
    "git.rewrite": "Add a new commit (`git revert HEAD`) and leave history as it is.",
    "secret.read": "Ask for the one value you need, or let the program read it from its environment.",
    "net.mutate": "Read first (`curl -s` with GET), and say in your answer what should be changed and why.",
    "db.destroy": "Show what would be hit with a SELECT count, and ask the owner to run it.",
    "db.write": "Write a migration or a script with a dry run, and ask for review.",
    "infra.destroy": "Show the plan (`terraform plan`, `kubectl get`, `--dry-run`), and ask the owner.",
    "infra.write": "Show the plan or a dry run first.",
    "exec.remote": "Download to a file, read it, then run the file.",
    "exec.unknown": "Write the command out, with its values.",
    "pkg.publish": "Prepare the release (`npm pack`, a tag in a pull request), and leave publishing to CI.",
    "gate.tamper": "Ask a human; nothing an agent does changes the gate.",
}


def instead(effect: Effect) -> str:
    """Advice when the rule gives none."""
    return _INSTEAD.get(effect.kind, "")
