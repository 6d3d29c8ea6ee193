"""Accounts, keys, key chains and password managers of one machine."""

from __future__ import annotations

import re

from . import edits
from .call import Call
from .options import Options
from .shell import Word
from .wordlist import wordset


def accounts(call: Call) -> None:
    """passwd, useradd, visudo …: who may log in (a listing is free)."""
    if any(w in ("-S", "--status", "--list") for w in call.args[:1]) or (call.name == "chage" and "-l" in call.args):
        call.emit("fs.read", "accounts")
        return
    words = [w for w in call.args if not w.startswith("-")]
    call.emit(
        "secret.write", f"{call.name} {' '.join(words[:2])}".strip(), words[0] if words else None, traits={"account"}
    )


def keygen(call: Call) -> None:
    """`ssh-keygen`: a new key, or a look at one."""
    options = Options(call.args, wordset("f t b C N P s I n V z O F R D Y m"))
    if options.has("l", "y", "F", "L", "B", "H", "e") and not options.has("t"):
        call.emit("fs.read", "key fingerprints")
        return
    if options.has("R"):
        call.touch("fs.write", "~/.ssh/known_hosts")
        return
    target = options.value("f") or Word("~/.ssh/id_ed25519")
    spot = call.spot(target)
    call.emit(
        "secret.write", spot.path, target if target.end else None, zone=spot.zone, inside=spot.inside, traits={"key"}
    )


def ssh_add(call: Call) -> None:
    """`ssh-add`: keys listed, loaded or dropped."""
    if any(w in ("-l", "-L") for w in call.args):
        call.emit("fs.read", "agent keys")
    elif any(w in ("-D", "-d") for w in call.args):
        call.emit("secret.write", "ssh-agent keys")
    else:
        call.emit("secret.use", "ssh-agent keys")


def gpg(call: Call) -> None:
    """`gpg`: secret keys exported or changed, text decrypted, or a check."""
    text = " ".join(call.args)
    if re.search(
        r"--export-secret|--delete-secret|--delete-key|--gen-key|--full-gen|--quick-g|--import|--edit-key|"
        r"--revoke|--send-keys",
        text,
    ):
        kind = (
            "secret.read"
            if "--export-secret" in text
            else "secret.write"
            if re.search(r"delete|gen|revoke|edit", text)
            else "net.mutate"
            if "send" in text
            else "fs.write"
        )
        call.emit(kind, text[:60], secret="command")
    elif re.search(r"(^|\s)(-d|--decrypt)", text):
        call.emit("secret.read", text[:60], secret="command")
    else:
        call.emit("fs.read", text[:40])


def openssl(call: Call) -> None:
    """`openssl`: keys read by `-in`, files written by `-out`."""
    verb = str(call.args[0]) if call.args else ""
    options = Options(
        call.args[1:], wordset("in out inkey key keyout connect passin pass subj days newkey"), clusters=False
    )
    for name in ("in", "inkey", "key"):
        if options.value(name) and verb not in ("x509", "req", "verify", "crl", "dgst", "s_client", "s_server"):
            edits.read(call, options.value(name))
    for name in ("out", "keyout"):
        if options.value(name):
            edits.write(call, options.value(name))
    if verb == "s_client":
        call.emit("net.read", str(options.value("connect")), host=str(options.value("connect")).split(":")[0])


def keychain(call: Call) -> None:
    """macOS `security`: passwords shown, stored or removed."""
    verb = str(call.args[0]) if call.args else ""
    if re.search(r"find-(generic|internet)-password|export|dump-keychain", verb):
        call.emit("secret.read", f"{call.name} {verb}", secret="command")
    elif re.match(r"add|delete|set|unlock|import|create|lock|authorizationdb|trust", verb):
        call.emit("secret.write", f"{call.name} {verb}")
    else:
        call.emit("fs.read", f"{call.name} {verb}")


def vaults(call: Call) -> None:
    """Password managers and secret helpers."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    text = " ".join(words)
    if (
        re.match(
            r"(?:item )?(get|read|show|lookup|export|print|decrypt|view|reveal|access|fill|cat|clip|list --with|"
            r"item get|document get|inject|copy|otp|-d|d)\b",
            text,
        )
        or any(w in ("-d", "--decrypt", "-o", "--show") for w in call.args)
        or (
            call.name in ("pass", "gopass")
            and len(words) == 1
            and words[0] not in ("ls", "list", "git", "init", "version", "help")
        )
    ):
        call.emit("secret.read", f"{call.name} {text}"[:60], secret="command")
    elif (
        re.match(
            r"(ls|list|search|find|status|version|help|whoami|account|vault list|item list|whoami|update|signin|login|"
            r"sync|grep)\b",
            text,
        )
        or not text
    ):
        call.emit("fs.read", f"{call.name} {text}"[:40])
    elif re.match(
        r"(encrypt|edit|-e|updatekeys|rotate|create|set|store|delete|del|remove|rm|insert|generate|add|clear|mv|"
        r"cp|item|rekey|move)\b",
        text,
    ):
        call.emit(
            "secret.write" if call.name not in ("sops", "ansible-vault", "age") else "fs.write",
            f"{call.name} {text}"[:60],
        )
    else:
        call.emit("fs.read", f"{call.name} {text}"[:40])
