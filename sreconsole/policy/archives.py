"""Copies between machines, archives and patches: rsync, scp, tar, zip."""

from __future__ import annotations

import re

from .call import Call
from .edits import delete, read, write
from .options import Options
from .secrets import holds_secret
from .shell import Word
from .wordlist import wordset


def over_rsync(call: Call) -> None:
    """`rsync`: a copy here, a copy to another machine, and what `--delete` loses."""
    options = Options(call.args, wordset("e f rsh filter exclude include exclude-from files-from log-file T temp-dir"))
    words = options.rest
    if options.has("n", "dry-run", "list-only") or len(words) < 2:
        return
    target = words[-1]
    deletes = any(f.startswith(("delete", "del")) for f in options.flags) or options.has("remove-source-files")
    where = re.match(r"^(?:[\w.-]+@)?([\w.-]+)::?(.*)|^rsync://([^/]+)", target)
    for word in words[:-1]:
        read(call, word) if not re.match(r"^[\w.@-]+:", word) else None
    if options.has("remove-source-files"):
        for word in words[:-1]:
            delete(call, word, recursive=True)
    if where and not target.startswith("/"):
        host = where.group(1) or where.group(3)
        call.emit("net.mutate", target, target, host=host, method="COPY", traits={"deletes"} if deletes else set())
        return
    if deletes:
        spot = call.spot(target)
        if spot.zone == "project" and spot.inside != "." and not options.has("delete-excluded"):
            call.emit("fs.delete", spot.path, target, zone=spot.zone, inside=spot.inside, traits={"mirror"})
        else:
            delete(call, target, recursive=True, why="what the source lacks")
    write(call, target)


_REMOTE_SYSTEM = re.compile(r"^/$|^/(etc|var|usr|bin|sbin|lib\w*|boot|root|opt|sys|proc|srv)(/|$)")


def over_scp(call: Call) -> None:
    """`scp`: a copy to another machine; its system directories stand apart."""
    options = Options(call.args, wordset("c D F i J l o P S X"))
    words = options.rest
    if len(words) < 2:
        return
    target = words[-1]
    match = re.match(r"^(?:scp://)?(?:[^@/:]+@)?([\w.-]+):(.*)$", target)
    for word in words[:-1]:
        if ":" not in word.split("/")[0]:
            read(call, word)
    if match and not target.startswith(("/", ".")):
        system = bool(_REMOTE_SYSTEM.match(match.group(2)))
        call.emit(
            "net.mutate", target, target, host=match.group(1), method="COPY", traits={"system"} if system else set()
        )
    else:
        write(call, target)


def tar_files(call: Call) -> None:
    """`tar`: what it unpacks over, what it packs, what `--remove-files` loses."""
    args = call.args
    first = args[0].lstrip("-") if args else ""
    mode = first if args and (not args[0].startswith("--")) else ""
    extract = "x" in mode or "--extract" in args or "--get" in args
    create = "c" in mode or "--create" in args
    if extract:
        where = next((args[i + 1] for i, w in enumerate(args[:-1]) if w in ("-C", "--directory")), Word("."))
        if not ("-O" in args or "--to-stdout" in args):
            write(call, where)
    elif create:
        name = next(
            (args[i + 1] for i, w in enumerate(args[:-1]) if w in ("-f", "--file") or (i == 0 and w.endswith("f"))),
            None,
        )
        if name is not None and name != "-":
            write(call, name)
        for word in args[1:]:
            if not word.startswith("-") and word != name and holds_secret(call.spot(word), word):
                read(call, word)
    if mode and re.match(r"[a-zA-Z]*[ru]", mode) and not extract and not create:
        write(call, next((w for w in args[1:] if not w.startswith("-")), Word(".")))
    if "--remove-files" in args:
        for word in Options(args[1:]).rest:
            delete(call, word, recursive=True)


def unzip(call: Call) -> None:
    """`unzip`, `7z`: unpacks into a directory."""
    options = Options(call.args, wordset("d x P o") - {"o"})
    if options.has("l", "t", "Z", "p", "v") and call.name in ("unzip", "7z"):
        return
    write(call, options.value("d") or Word("."))


def archive(call: Call) -> None:
    """`zip`, `gzip` …: writes an archive."""
    words = Options(call.args).rest
    if words and not any(w in ("-c", "--stdout", "-l", "--list", "-t", "-k") for w in call.args):
        write(call, words[0])
    for word in words[1:]:
        read(call, word) if holds_secret(call.spot(word), word) else None


def patching(call: Call) -> None:
    """`patch`: writes the files of a patch."""
    options = Options(call.args, wordset("p i d o r B D F V Y z"))
    if options.has("dry-run"):
        return
    write(call, options.value("d") or (options.rest[0] if options.rest else Word(".")))


def splitting(call: Call) -> None:
    """`split`: writes pieces here."""
    write(call, Word("."))
