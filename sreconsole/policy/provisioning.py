"""Infrastructure as code: terraform, pulumi, ansible, packer."""

from __future__ import annotations

import re
from typing import Any

from .call import Call, Text, Where
from .options import Options
from .platforms import signals_of
from .wordlist import wordset


def run_terraform(call: Call) -> None:
    """terraform, tofu, terragrunt: plan reads, apply changes, destroy destroys; state edits count."""
    options = Options(call.args, wordset("chdir var var-file state target out backend-config"), clusters=False)
    words = [str(w) for w in options.rest]
    verb = words[0] if words else ""
    if call.name == "terragrunt" and verb in ("run-all", "run", "stack"):
        words = [w for w in words[1:] if w not in ("--", "run")]
        verb = words[0] if words else ""
    destroys = verb == "destroy" or (
        verb == "apply" and (options.has("destroy") or any("destroy" in w for w in words[1:]))
    )
    name = f"{call.name} {' '.join(words[:3])}".strip()
    facts: dict[str, Any] = {
        "signals": ("cloud", *words[1:3], *(str(options.value(k)) for k in ("chdir", "var-file") if options.value(k))),
        "cloud": "terraform",
    }
    word = options.rest[0] if options.rest else None
    if destroys:
        call.emit("infra.destroy", name, word, **facts)
    elif verb == "plan" or verb in wordset(
        """
        show output validate fmt graph version providers console get test metadata modules help hclfmt graph-
        dependencies render-json
        """
    ):
        if (
            verb == "output"
            and options.has("raw", "json")
            and any(re.search(r"(?i)pass|secret|token|key", w) for w in words[1:])
        ):
            call.emit("secret.read", name, word, secret="command", **facts)
        else:
            call.emit("infra.read", name, **facts)
    elif verb == "init":
        call.emit("pkg.install" if not options.has("migrate-state", "force-copy") else "infra.write", name)
    elif verb == "workspace" and words[1:2] and words[1] in ("list", "show", "select", "new"):
        call.emit("infra.read" if words[1] in ("list", "show") else "fs.write", name)
    elif verb == "state" and words[1:2] and words[1] in ("list", "show", "pull"):
        call.emit("infra.read" if words[1] != "pull" else "secret.read", name, secret="command", **facts)
    elif (
        verb in ("state", "workspace", "force-unlock", "taint", "untaint")
        and words[1:2]
        and words[1] in ("rm", "push", "delete", "replace-provider", "mv")
    ):
        call.emit("infra.destroy" if words[1] in ("rm", "push", "delete") else "infra.write", name, word, **facts)
    else:
        call.emit("infra.write", name, word, **facts)


def run_pulumi(call: Call) -> None:
    """pulumi, cdk, sam, serverless: preview reads, up and deploy change, destroy destroys."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    name = f"{call.name} {' '.join(words[:2])}".strip()
    facts: dict[str, Any] = {"signals": ("cloud", *signals_of(call)), "cloud": call.name}
    word = call.args[0] if call.args else None
    if (
        verb in ("destroy", "remove", "teardown", "delete", "nuke", "cancel", "undeploy", "terminate")
        or (verb in ("stack", "state") and words[1:2] in (["rm"], ["delete"]))
        or (call.name in ("serverless", "sls", "sst") and "remove" in words[:3])
    ):
        call.emit("infra.destroy", name, word, **facts)
    elif (verb in ("config",) and any(w == "--secret" for w in call.args)) or words[:2] == ["config", "get"]:
        call.emit("secret.write" if words[:2] != ["config", "get"] else "secret.read", name, word, secret="command")
    elif verb in wordset(
        """
        preview pre synth synthesize diff ls list stack logs about whoami version doctor validate metadata info
        print package build local offline status context docs acknowledge help init new generate
        """
    ):
        if any(w in ("--show-secrets",) for w in call.args):
            call.emit("secret.read", name, word, secret="command")
        else:
            call.emit(
                "infra.read" if verb not in ("build", "package", "local", "offline", "init", "new") else "proc.run",
                name,
                **{k: v for k, v in facts.items() if k == "signals"},
            )
    else:
        call.emit("infra.write", name, word, **facts)


def _ad_hoc(call: Call, options: Options, signals: tuple[str, ...]) -> None:
    """`ansible HOSTS -m MODULE -a ARGUMENTS`."""
    from .effects import follow

    module, arguments = str(options.value("m", "module-name")) or "command", options.value("a", "args")
    host = str(options.rest[0]) if options.rest else "all"
    if module in ("ping", "setup", "debug", "gather_facts"):
        call.emit("infra.read", f"ansible {module}", signals=signals)
    elif module in ("shell", "command", "raw") and arguments:
        where = Where("ssh", host, (host, str(options.value("i", "inventory"))))
        follow(call, [Text(str(arguments), f"ansible {host}", arguments, where=where)])
        call.emit("infra.read", f"ansible {host}", signals=signals)
    else:
        kind = "infra.destroy" if "absent" in arguments else "infra.write"
        call.emit(kind, f"ansible {module}", arguments or None, signals=signals)


def run_ansible(call: Call) -> None:
    """ansible-playbook and its kind change hosts; `--check` only looks."""
    args = call.args
    options = Options(
        args,
        wordset(
            """
            i inventory l limit t tags e extra-vars m module-name a args u user f forks vault-password-file
            become-user
            """
        ),
    )
    if any(
        w in ("--check", "-C", "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--version")
        for w in args
    ):
        call.emit("infra.read", f"{call.name} --check")
        return
    signals = (
        "cloud",
        str(options.value("i", "inventory")),
        str(options.value("l", "limit")),
        *(str(w) for w in options.rest[:1]),
    )
    if call.name == "ansible":
        _ad_hoc(call, options, signals)
        return
    if call.name in wordset(
        """
        ansible-galaxy ansible-doc ansible-inventory ansible-config ansible-lint ansible-console
        """
    ):
        words = [str(w) for w in options.rest]
        call.emit("pkg.install" if "install" in words else "infra.read", f"{call.name} {' '.join(words[:2])}")
        return
    call.emit(
        "infra.write",
        f"{call.name} {' '.join(options.rest[:1])}",
        options.rest[0] if options.rest else None,
        signals=signals,
    )


def packer(call: Call) -> None:
    """`packer build` makes images; the rest looks or formats."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    read = verb in ("validate", "inspect", "version", "help", "console", "") or words[1:2] in (
        ["installed"],
        ["required"],
    )
    facts: dict[str, Any] = {"signals": ("cloud", *words[1:3])}
    if verb in ("fmt", "init", "plugins", "hcl2_upgrade", "fix") and not read:
        call.emit("fs.write", f"packer {verb}")
        return
    call.emit("infra.read" if read else "infra.write", f"packer {verb}", **facts)
