"""The base tier of each effect: what holds when no rule speaks, and the floor under rules at tier 3 and 4."""

from __future__ import annotations

from .action import Effect

# kind: (tier, why). A kind ending in `*` covers its family.
_BASE: dict[str, tuple[int, str]] = {
    "none": (1, "Reads nothing that matters and changes nothing."),
    "fs.read": (1, "Only reads."),
    "fs.write": (2, "Writes files; logged and reviewed later."),
    "fs.delete": (2, "Deletes inside the project or a temporary place; logged and reviewed later."),
    "git.read": (1, "Only reads the repository."),
    "git.write": (2, "Records in the local repository; git can undo it."),
    "git.config": (2, "Changes git's settings."),
    "git.push": (2, "Pushes a branch of its own; logged and reviewed later."),
    "git.discard": (3, "Throws away work that no commit holds; git cannot bring it back."),
    "git.rewrite": (3, "Rewrites or moves what the repository already recorded."),
    "git.skip-checks": (3, "Skips the repository's own checks."),
    "db.read": (1, "Only reads data."),
    "db.write": (3, "Changes data on a shared database."),
    "db.migrate": (3, "Changes a database's schema."),
    "db.destroy": (4, "Drops or empties data on a shared database."),
    "net.read": (2, "Fetches from another machine; logged."),
    "net.mutate": (3, "Sends to or changes something on another machine."),
    "net.listen": (2, "Opens a port on this machine."),
    "secret.read": (3, "Shows a credential to the agent."),
    "secret.use": (2, "Loads credentials into a program's environment; logged."),
    "secret.write": (4, "Creates, changes or removes a credential or an access right."),
    "infra.read": (1, "Only reads infrastructure."),
    "infra.write": (3, "Changes infrastructure other people depend on."),
    "infra.destroy": (4, "Destroys infrastructure; there is no undo."),
    "pkg.install": (2, "Installs packages; logged and reviewed later."),
    "pkg.remove": (2, "Removes packages; logged and reviewed later."),
    "pkg.publish": (3, "Publishes a package; other people will install it."),
    "proc.run": (2, "Runs the project's own code or tests."),
    "proc.signal": (2, "Stops a process of its own."),
    "proc.service": (3, "Starts, stops or changes a service of this machine."),
    "proc.schedule": (3, "Changes what this machine runs later."),
    "proc.shell": (3, "Opens a shell whose commands nobody sees."),
    "proc.bomb": (4, "Starts processes without end."),
    "exec.remote": (4, "Runs code that came from the network, unread."),
    "exec.unknown": (3, "Runs a command that is not known before it runs."),
    "exec.config": (3, "Makes another program run a command, or sends its traffic elsewhere."),
    "agent.spawn": (2, "Starts another agent; its calls are judged on their own."),
    "agent.ask": (1, "Asks a person."),
    "gate.tamper": (4, "Touches what watches the agents: policy, hooks, store or daemon."),
    "forge.write": (2, "Writes to a pull request, an issue or a ticket; logged and reviewed later."),
    "forge.change": (3, "Merges, approves or changes what other people see and depend on."),
    "forge.publish": (3, "Publishes a release, a repository or a snippet."),
    "forge.destroy": (3, "Deletes something at the forge."),
    "mcp.read": (1, "Reads through a tool."),
    "mcp.write": (3, "Changes something outside through a tool."),
    "mcp.destroy": (3, "Deletes something outside through a tool."),
    "unknown": (2, "Unknown program: logged, reviewed later."),
    "unknown.change": (3, "Unknown program, and its words say it publishes, deploys or sends."),
    "unknown.destroy": (3, "Unknown program, and its words say it destroys."),
    "unknown.tool": (3, "Unknown tool: nobody has said what it does."),
}
# On this machine, in a container of it or in a sandbox the same effect reaches less far.
_LOCAL: dict[str, tuple[int, str]] = {
    "db.write": (2, "Changes data on a local database; logged."),
    "db.migrate": (2, "Changes a local database's schema; logged."),
    "db.destroy": (3, "Drops or empties a local database; a copy may not exist."),
    "net.read": (1, "Reads from this machine."),
    "net.mutate": (2, "Calls a program on this machine; logged."),
    "infra.write": (2, "Changes containers of this machine; logged."),
    "infra.destroy": (3, "Removes containers or volumes of this machine; a copy may not exist."),
}
# The same effect on a machine reached by ssh or in a pod.
_REMOTE: dict[str, tuple[int, str]] = {
    "fs.write": (3, "Writes files on another machine."),
    "fs.delete": (4, "Deletes files on another machine; no undo."),
    "unknown": (3, "Runs an unknown program on another machine."),
    "proc.run": (3, "Runs code on another machine."),
    "pkg.install": (3, "Installs packages on another machine."),
    "pkg.remove": (3, "Removes packages on another machine."),
    "git.write": (3, "Changes a repository on another machine."),
    "proc.signal": (3, "Stops a process on another machine."),
    "net.mutate": (3, "Sends from another machine."),
    "fs.read": (2, "Reads on another machine; logged."),
}


def base(effect: Effect) -> tuple[int, str, str]:
    """Tier, rule name (`base.KIND`) and reason of one effect when no rule speaks."""
    kind, facts = effect.kind, effect.facts
    name = f"base.{kind}"
    remote = facts.get("remote")
    if remote in ("ssh", "pod") and kind in _REMOTE:
        tier, why = _REMOTE[kind]
        return tier, name, why
    if effect.environment == "test" and kind.startswith("db.") and kind != "db.read":
        return 2, name, "Changes a test database of this machine; logged."
    if effect.environment == "local" and kind in _LOCAL and not facts.get("shared"):
        tier, why = _LOCAL[kind]
        return tier, name, why
    if remote == "container" and kind == "fs.delete" and facts.get("zone") in ("elsewhere", "root", "system"):
        whole = "recursive" in facts.get("traits", ())
        return (4 if whole else 3), name, "Deletes files inside a running container."
    tier, why = _BASE.get(kind) or _BASE.get(kind.split(".", 1)[0]) or (3, "An effect without a name.")
    return tier, name, why


def kinds() -> tuple[str, ...]:
    """Every effect kind that has a base tier: the vocabulary of `effect:` in a policy."""
    return tuple(_BASE)
