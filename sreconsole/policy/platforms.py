"""Platforms that run the product: vercel, fly, railway, netlify, heroku."""

from __future__ import annotations

import re
from typing import Any

from .call import Call
from .shell import Word
from .verbs import kind_of
from .wordlist import wordset

SIGNAL_FLAGS = wordset(
    """
    profile project account subscription resource-group g context cluster env environment stage app a namespace n
    workspace w target target-org o org region zone stack s cluster-name db-instance-identifier host e c
    """
)


NOT_WORDS = re.compile(r"^[\d./:]|^arn:|://|=|^i-|^vol-")


def signals_of(call: Call) -> tuple[str, ...]:
    """Words of a command line that may name an environment: flags like `--profile`, and operands."""
    found: list[str] = []
    args = call.args
    for index, word in enumerate(args):
        flag, equals, value = word.partition("=")
        if word.startswith("-") and flag.lstrip("-") in SIGNAL_FLAGS:
            found.append(value if equals else str(args[index + 1]) if index + 1 < len(args) else "")
        elif not word.startswith("-"):
            found.append(str(word))
    return tuple(w for w in found if w and len(w) < 200)[:12]


_DEPLOY = wordset(
    """
    deploy up promote rollback publish prod push release launch redeploy scale restart ship sync
    """
)


def platform(call: Call) -> None:
    """vercel, fly, railway, netlify, heroku …: a platform that runs the product."""
    args = call.args
    words = [str(w) for w in args if not w.startswith("-")]
    flat = [part for w in words[:3] for part in w.split(":")]
    text = " ".join(words[:4])
    name = f"{call.name} {text}".strip()
    word = args[0] if args else None
    facts: dict[str, Any] = {"signals": ("cloud", *signals_of(call)), "cloud": call.name}
    kind, _ = kind_of([w for w in flat if not NOT_WORDS.match(w)])
    if (
        call.name in ("vercel", "now")
        and (not words or "--prod" in args or "--production" in args)
        and kind != "destroy"
        and not any(w in ("--version", "--help", "-v", "-h") for w in args)
    ):
        call.emit("infra.write", name, word, traits={"deploy"}, **facts)
    elif any(
        re.match(r"(?i)^(secrets?|env|vars?|variables?|config|tokens?|auth|keys?|credentials?|certs?)$", w)
        for w in flat[:2]
    ):
        _settings(call, flat, name, word, facts)
    elif (
        call.name == "heroku"
        and flat[:1] == ["pg"]
        and flat[1:2] in (["reset"], ["psql"], ["copy"], ["push"], ["killall"])
    ):
        call.emit(
            "db.destroy" if flat[1] in ("reset", "copy", "push") else "db.write", name, word, signals=facts["signals"]
        )
    elif any(re.match(r"(?i)^(db|database|migration)$", w) for w in flat[:1]) and set(flat) & {"reset", "push", "drop"}:
        linked = any(w in ("--linked", "--db-url", "--remote") for w in args) or "push" in flat
        call.emit(
            "db.destroy" if "reset" in flat or "drop" in flat else "db.migrate",
            name,
            word,
            local=not linked,
            local_why="the platform's local stack",
        )
    elif kind == "destroy":
        call.emit("infra.destroy", name, word, **facts)
    elif flat[:1] and flat[0] in wordset(
        """
        dev start build serve emulators:start emulators local run preview functions:serve link init login logout
        switch types gen generate docs open stop unlink checkpoint test pages-dev listen tail
        """
    ):
        call.emit("proc.run", name)
    elif kind == "read" and not set(flat) & _DEPLOY:
        call.emit("infra.read", name, **facts)
    elif not words:
        call.emit("infra.read", name)
    else:
        call.emit("infra.write", name, word, traits={"deploy"} if set(flat) & _DEPLOY else set(), **facts)


def _settings(call: Call, flat: list[str], name: str, word: Word | None, facts: dict[str, Any]) -> None:
    verbs = set(flat)
    if (
        verbs
        & wordset(
            """
            set add rm remove unset delete import create put bulk deploy revoke rotate update edit
            """
        )
        or any("=" in w for w in call.args if not w.startswith("-"))
        or any(w.startswith("--set") for w in call.args)
    ):
        call.emit("secret.write", name, word, **facts)
    elif flat[:1] == ["auth"] and verbs & {"login", "logout", "status", "whoami", "switch", "list"}:
        call.emit("infra.read" if verbs & {"status", "whoami", "list"} else "fs.write", name)
    elif verbs & {"list", "ls"} and (
        flat[0] in ("secrets", "secret", "tokens", "token", "env", "certs") and call.name not in ("railway", "doppler")
    ):
        call.emit("infra.read", name, **facts)
    else:
        call.emit("secret.read", name, word, secret="command", **facts)
