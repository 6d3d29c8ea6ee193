"""Programs in no table: what their words say they do."""

from __future__ import annotations

import re

from .call import Argv, Call
from .secrets import holds_secret
from .shells import script_content
from .wordlist import wordset

_MILD_FLAGS = wordset("rm reset prune cleanup remove disable drop clean")


def asks_help(call: Call) -> bool:
    """`TOOL … --help` and `TOOL --version` print and stop."""
    args = call.args
    if not args or "--" in args:
        return False
    if args[-1] in ("--help", "-help") and not any(w in ("-f", "--force", "-rf", "-c", "-e") for w in args):
        return True
    return len(args) == 1 and args[0] in ("--version", "-V", "--help", "-h", "version", "help", "-version", "-v")


_DESTROYS = re.compile(
    r"(?i)^(?:force[-_])?(delete|destroy|remove|rm|del|purge|drop|wipe|erase|terminate|obliterate|nuke|kill|"
    r"revoke|truncate|flush|"
    r"flushall|prune|deprovision|unregister|uninstall|decommission|teardown|tear-down|reset|rollback|disable|"
    r"archive|evict|detach|"
    r"deactivate|unpublish|yank|expunge|forget|dropdb|shred|cleanup|empty|invalidate|deregister|drain|unlink|"
    r"takedown)(?:[-_:].*)?$"
)


_CHANGES = re.compile(
    r"(?i)^(deploy|publish|release|promote|push|send|refund|charge|pay|payout|transfer|submit|broadcast|apply|"
    r"rollout|migrate|restore|"
    r"grant|provision|ship|undeploy|upgrade-prod|login|post|tweet)(?:[-_:].*)?$"
)


_ESCAPES = wordset(
    """
    rm dd shred mkfs sudo bash sh zsh dash eval rmdir chmod chown kubectl terraform dropdb shutdown reboot
    """
)


def unknown(call: Call) -> None:
    """A program in no table: its words still say whether it destroys, publishes, or runs something else."""
    from . import interpreters
    from .effects import follow

    args = call.args
    if asks_help(call):
        return
    if "/" in call.argv[0]:
        text, fresh = script_content(call, call.argv[0])
        if text is not None and interpreters.script(call, text, fresh):
            return
    for index, word in enumerate(args):
        if word in _ESCAPES and index + 1 < len(args):
            call.emit("unknown", call.name, call.argv[0])
            follow(call, [Argv(args[index:], call.name)])
            return
    if _told_by_words(call) or _told_by_name(call):
        return
    for word in args:
        if not word.startswith("-") and ("/" in word or "." in word):
            target = call.spot(word)
            if holds_secret(target, word):
                call.emit("secret.use", target.path, word)
    call.emit("unknown", call.name, call.argv[0])


def _local(call: Call) -> bool:
    """Whether the program is named by a path of the project's own, not of the system."""
    return "/" in call.argv[0] and not call.argv[0].startswith(("/usr/", "/bin/", "/opt/", "/sbin/"))


def _told_by_words(call: Call) -> bool:
    for word in [w for w in call.args if not w.startswith("-")][:4]:
        if _DESTROYS.match(word):
            kind = "unknown" if _local(call) else "unknown.destroy"
            call.emit(kind, f"{call.name} {word}", word, verb=str(word))
            return True
        if _CHANGES.match(word):
            call.emit("unknown.change", f"{call.name} {word}", word, verb=str(word))
            return True
    for word in call.args:
        flag = word.lstrip("-").split("=", 1)[0]
        if word.startswith("--") and _DESTROYS.match(flag) and flag not in _MILD_FLAGS:
            call.emit("unknown.destroy", call.name, word)
            return True
    return False


def _told_by_name(call: Call) -> bool:
    words = re.split(r"[-_.]", call.name)
    destroys = len(words) > 1 and bool(_DESTROYS.match(words[0]))
    if _local(call) and (destroys or any(w in ("deploy", "publish", "release") for w in words)):
        call.emit("unknown.change", call.name, call.argv[0])
        return True
    return False
