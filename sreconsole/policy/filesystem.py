"""Programs that read, write, move and delete files: coreutils, find, sed, rsync, tar, disks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .call import Call, Text
from .options import Options
from .paths import Spot, catastrophic
from .secrets import HUNT, example, holds_secret, secret_variable
from .shell import Word
from .unwrap import find_items, incoming
from .wordlist import wordset

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
_LEFTOVER = re.compile(
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
    place = {"remote": ""} if link.resolved.startswith("mounted") else {}
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
    sources = ("*" in last and not _LEFTOVER.search(last)) or last == "<listed>"
    return {"tree"} if recursive or sources else set()


def write(
    call: Call, path: Word | str, *, appends: bool = False, text: str | None = None, traits: Sequence[str] = ()
) -> Spot:
    """One file written; its text is remembered when known, so that a script run later is read."""
    facts: dict[str, object] = {"traits": {*traits}}
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


def _readers(call: Call) -> None:
    for word in call.args:
        if not word.startswith("-") and word:
            read(call, word)


_GREP_VALUES = wordset(
    """
    e f m A B C d D g t T r M E include exclude exclude-dir regexp file max-count context type glob
    """
)


def _grep(call: Call) -> None:
    valued = _GREP_VALUES - ({"r", "E", "d", "D", "M", "T"} if call.name.endswith("grep") else set())
    options = Options(call.args, valued)
    rest = options.rest
    pattern = options.value("e", "regexp") or (rest[0] if rest else Word(""))
    files = rest if options.has("e", "f", "regexp", "file") else rest[1:]
    if call.stdin is not None and "environment" in call.stdin.marks and _narrow(pattern):
        call.stdin.marks.discard("environment")
        call.walk.effects[:] = [e for e in call.walk.effects if e.facts.get("secret") != "environment"]
    for word in files:
        target = call.spot(word)
        deep = options.has("r", "R", "recursive", "dereference-recursive") or call.name in ("rg", "ag", "ack")
        wide = deep and target.zone in ("home", "root", "home-config", "system") and not target.inside
        included = options.value("include", "g", "glob")
        if wide and (
            HUNT.search(pattern)
            or ".env" in included
            or (target.path == call.walk.place.home and HUNT.search(included))
        ):
            call.emit("secret.read", target.path, word, secret="search", zone=target.zone)
        else:
            read(call, word)
    for name in ("f", "file"):
        if options.value(name):
            read(call, options.value(name))


def _narrow(pattern: str) -> bool:
    """Whether a filter over the environment lets no credential through: plain words, none of them a secret's."""
    return (
        bool(re.fullmatch(r"[\w^$|()\\=_-]{3,}", pattern))
        and not HUNT.search(pattern)
        and not re.search(r"(?i)key|auth|pass|cred|dsn|url|^=$|^\w$", pattern)
    )


def _sed(call: Call) -> None:
    from .effects import follow

    options = Options(call.args, wordset("e f l E expression file line-length") - {"E"})
    scripts = [options.value("e", "expression")] if options.has("e", "expression") else options.rest[:1]
    files = options.rest if options.has("e", "f", "expression", "file") else options.rest[1:]
    in_place = any(w == "-i" or re.match(r"-[nErsuz]*i", w) or w.startswith("--in-place") for w in call.args)
    if in_place and call.args and "-i" in call.args:
        at = call.args.index(Word("-i"))
        if at + 1 < len(call.args) and call.args[at + 1] == "":
            files = [w for w in files if w != ""]
    for script in scripts:
        for command in executed_by_sed(script[:4_000]):
            call.emit("exec.unknown", "a command inside sed", script)
            if command:
                follow(call, [Text(command, "sed e", script)])
        for match in re.finditer(r"(?:^|[;\n/])\s*w\s+(\S+)", script):
            write(call, match.group(1))
    for word in files:
        if in_place:
            write(call, word)
        else:
            read(call, word)


def executed_by_sed(script: str) -> list[str]:
    """Commands a sed script runs: `e COMMAND`, and `s///e` (an empty text: what it runs is the input)."""
    found = []
    for part in re.split(r"[;\n{}]", script):
        plain = re.sub(r"^[\s\d,$~+!]*(/[^/]*/)?[\s!]*", "", part)
        if re.match(r"e(\s|$)", plain):
            found.append(plain[1:].strip())
        elif plain[:1] == "s" and len(plain) > 3:
            pieces = re.split(rf"(?<!\\){re.escape(plain[1])}", plain[2:])
            if len(pieces) >= 3 and re.match(r"[gpiImM0-9]*e", pieces[2]):
                found.append("")
    return found


def _rm(call: Call) -> None:
    options = Options(call.args)
    recursive = options.has("r", "R", "recursive", "d")
    if options.has("help", "version"):
        return
    for word in options.rest:
        delete(call, word, recursive=recursive)
    if options.has("no-preserve-root"):
        call.emit("fs.delete", "/", traits={"recursive", "catastrophic"}, zone="root")


def _each_delete(call: Call) -> None:
    for word in Options(call.args, wordset("n s iterations size") if call.name == "shred" else ()).rest:
        delete(
            call,
            word,
            recursive=call.name not in ("unlink", "shred", "rmdir"),
            lasting=call.name in ("shred", "wipe", "srm"),
        )


def _rmdir(call: Call) -> None:
    for word in Options(call.args).rest:
        write(call, word)


def _mv(call: Call) -> None:
    options = Options(call.args, wordset("t S target-directory suffix"))
    words = options.rest
    target = options.value("t", "target-directory") or (words[-1] if len(words) > 1 else Word(""))
    sources = words if options.has("t", "target-directory") else words[:-1]
    if target and call.spot(target).path == "/dev/null":
        for word in sources:
            delete(call, word, recursive=True)
        return
    for word in sources:
        spot = call.spot(word)
        read(call, word) if holds_secret(spot, word) else None
        if spot.outside and spot.zone not in ("tmp", "cache"):
            if catastrophic(spot, call.walk.place):
                delete(call, word, recursive=True)
            else:
                call.touch("fs.write", word, traits={"moved"})
        elif spot.inside in (".", "*", ".git") or spot.inside.startswith(".git/"):
            delete(call, word, recursive=True)
        else:
            call.touch("fs.write", word, traits={"moved"})
    if target:
        write(call, target)
    elif words:
        write(call, words[0])


def _cp(call: Call) -> None:
    options = Options(call.args, wordset("t S target-directory suffix m o g mode owner group"))
    words = options.rest
    target = options.value("t", "target-directory") or (words[-1] if len(words) > 1 else Word(""))
    sources = words if options.has("t", "target-directory") else words[:-1]
    if call.name == "install" and options.has("d", "directory"):
        sources, target = [], Word("")
        for word in words:
            write(call, word)
    for word in sources:
        read(call, word)
    if target:
        template = bool(sources) and all(example(word) for word in sources)
        content = call.walk.state.written.get(call.spot(sources[0]).path) if len(sources) == 1 else None
        write(call, target, text=content, traits=["from-template"] if template else ())


def _ln(call: Call) -> None:
    options = Options(call.args, wordset("t S"))
    if options.rest:
        write(call, options.rest[-1])
        for word in options.rest[:-1]:
            if holds_secret(call.spot(word), word):
                read(call, word)


def _writers(call: Call) -> None:
    for word in Options(call.args, wordset("m r d t s Z mode reference date")).rest:
        write(call, word)


def _truncate(call: Call) -> None:
    options = Options(call.args, wordset("s r size reference"))
    size = options.value("s", "size")
    for word in options.rest:
        if size in ("0", "0B", "0K", "-0", "0M") and not _LEFTOVER.search(word):
            delete(call, word, recursive=False, why="emptied", lasting=True)
        write(call, word)


def _tee(call: Call) -> None:
    options = Options(call.args)
    text = call.stdin.text if call.stdin is not None else None
    for word in options.rest:
        write(call, word, appends=options.has("a", "append"), text=text)


def _chmod(call: Call) -> None:
    options = Options([w for w in call.args if not re.match(r"-[rwxXst]+$", w) or "R" in w], frozenset({"reference"}))
    words = options.rest
    mode, files = (
        (str(words[0]), words[1:]) if words and call.name in ("chmod", "chown", "chgrp", "chattr") else ("", words)
    )
    recursive = options.has("R", "recursive")
    traits = {"permissions"} | ({"recursive"} if recursive else set())
    if call.name == "chmod":
        if re.search(r"^[4-7]\d{3}$|[ug+]+s", mode) and re.match(r"^(0?[2467]\d{3}|[ugoa]*\+[rwx]*s)", mode):
            traits.add("setuid")
        if re.search(r"^0?[0-7]?[0-7][0-7][2367]$|^(a|o|ugo)?\+[rx]*w", mode) and not re.match(r"^\+", mode):
            traits.add("world-writable")
        if re.match(r"^0?000$|^a?-r", mode):
            traits.add("locks-out")
    for word in files:
        target = call.spot(word)
        extra = (
            {"catastrophic"} if recursive and catastrophic(target, call.walk.place) and target.inside != "." else set()
        )
        call.touch("fs.write", word, traits=traits | extra)


def _dd(call: Call) -> None:
    for word in call.args:
        key, _, value = word.partition("=")
        if key == "of":
            _onto(call, word.like(value))
        elif key == "if" and value:
            read(call, word.like(value))


def _onto(call: Call, path: Word) -> None:
    target = call.spot(path)
    if target.zone == "device":
        call.emit("fs.delete", target.path, path, zone="device", traits={"device", "catastrophic"})
    else:
        write(call, path)


_DISK_READ = re.compile(
    r"^(-l|--list|print|-h|--help|--version|-V|info|status|list|-s|-p|--print|display|scan|show|-L)$"
)


def _disk(call: Call) -> None:
    """Partitioning, formatting, volume and pool tools: anything but a listing can lose a disk."""
    words = list(call.args)
    if any(_DISK_READ.match(w) for w in words) and not any(w in ("mklabel", "rm", "mkpart", "destroy") for w in words):
        call.emit("fs.read", "disk layout")
        return
    target = next((w for w in reversed(words) if not w.startswith("-")), Word(call.name))
    call.emit("fs.delete", str(target), target, zone="device", traits={"device", "catastrophic"})


def _pool(call: Call) -> None:
    verb = next((w for w in call.args if not w.startswith("-")), "")
    if verb in (
        "destroy",
        "rollback",
        "labelclear",
        "remove",
        "detach",
        "offline",
        "erase",
        "erasevolume",
        "erasedisk",
        "eraseDisk",
        "eraseVolume",
        "partitionDisk",
        "reformat",
        "secureErase",
        "zeroDisk",
        "randomDisk",
        "delete",
        "remove-subvolume",
        "luksFormat",
        "luksErase",
        "erase",
        "zap",
        "deleteVolume",
        "deleteContainer",
    ):
        call.emit("fs.delete", " ".join(call.args[-2:]), traits={"device", "catastrophic"}, zone="device")
    elif verb in ("subvolume", "device", "balance", "apfs", "snapshot", "filesystem") and any(
        w in ("delete", "remove", "deleteVolume", "deleteContainer") for w in call.args
    ):
        call.emit("fs.delete", str(call.args[-1]), traits={"device", "catastrophic"}, zone="device")
    elif verb in (
        "list",
        "status",
        "get",
        "info",
        "show",
        "history",
        "iostat",
        "luksDump",
        "usage",
        "df",
        "verifyVolume",
        "",
    ):
        call.emit("fs.read", "disk layout")
    else:
        call.emit("proc.service", f"{call.name} {verb}")


def _find(call: Call) -> None:
    args = call.args
    if "-delete" in args:
        narrow = any(
            w in ("-name", "-iname", "-path", "-ipath", "-regex", "-mtime", "-newer", "-empty", "-size") for w in args
        )
        for item in find_items(args):
            root = item.rsplit("/", 1)[0] or "/"
            name = item.rsplit("/", 1)[-1]
            target = root if not narrow else item
            word = args[args.index(Word("-delete"))]
            delete(call, word.like(target), recursive=not narrow or name == "*")
    for index, word in enumerate(args[:-1]):
        if word in ("-fprint", "-fprintf", "-fls", "-fprint0"):
            write(call, args[index + 1])
    if call.left == 0:
        call.emit("fs.read", str(args[0]) if args and not args[0].startswith("-") else ".")


def _rsync(call: Call) -> None:
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


def _scp(call: Call) -> None:
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


def _tar(call: Call) -> None:
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


def _unzip(call: Call) -> None:
    options = Options(call.args, wordset("d x P o") - {"o"})
    if options.has("l", "t", "Z", "p", "v") and call.name in ("unzip", "7z"):
        return
    write(call, options.value("d") or Word("."))


def _archive(call: Call) -> None:
    words = Options(call.args).rest
    if words and not any(w in ("-c", "--stdout", "-l", "--list", "-t", "-k") for w in call.args):
        write(call, words[0])
    for word in words[1:]:
        read(call, word) if holds_secret(call.spot(word), word) else None


def _echo(call: Call) -> None:
    for word in call.args:
        if word.dynamic:
            for match in re.finditer(r"\$\{(\w+)\}", word):
                if secret_variable(match.group(1)):
                    call.emit("secret.read", match.group(1), word, secret="variable")
    if any(w.startswith("-") for w in call.args) and call.name in ("print", "printf") and "-v" in call.args:
        return


def _mount(call: Call) -> None:
    if not call.args or (call.args[0] in ("-l", "--list", "-t") and len(call.args) < 3):
        call.emit("fs.read", "mounts")
    else:
        call.emit("proc.service", f"{call.name} {' '.join(call.args[-1:])}", traits={"mount"})


def _patch(call: Call) -> None:
    options = Options(call.args, wordset("p i d o r B D F V Y z"))
    if options.has("dry-run"):
        return
    write(call, options.value("d") or (options.rest[0] if options.rest else Word(".")))


def _xxd(call: Call) -> None:
    words = Options(call.args, wordset("s l c g o n")).rest
    if any(re.match(r"-\w*r", w) for w in call.args) and len(words) > 1:
        write(call, words[1])
    for word in words[:1]:
        read(call, word)


def _split(call: Call) -> None:
    write(call, Word("."))


def _sort(call: Call) -> None:
    options = Options(call.args, wordset("o k t S T output key field-separator compress-program files0-from"))
    if options.value("o", "output"):
        write(call, options.value("o", "output"))
    program = options.value("compress-program")
    if program:
        call.emit("exec.unknown", str(program), program)
    for word in options.rest:
        read(call, word)


def _items(call: Call) -> None:
    for item in incoming(call):
        read(call, item)


def _output(call: Call) -> None:
    """Readers that write when told to by `-o`."""
    options = Options(call.args, wordset("o output"))
    if options.value("o", "output"):
        write(call, options.value("o", "output"))
    _readers(call) if not options.has("o", "output") else None


def _jq(call: Call) -> None:
    options = Options(call.args, wordset("f from-file L indent"), clusters=False)
    words = options.rest
    if call.name == "yq" and any(w in ("-i", "--inplace", "-yi") for w in call.args):
        for word in words[1:]:
            write(call, word)
        return
    for word in words[1:]:
        read(call, word)


READERS = wordset(
    """
    cat head tail less more bat batcat nl tac wc cut paste uniq comm join tr rev fold fmt column expand unexpand od
    hexdump strings file stat md5sum sha1sum sha256sum sha512sum shasum cksum b2sum sum diff cmp diff3 sdiff colordiff
    zcat zless zgrep bzcat xzcat base64 base32 iconv pr tsort look ptx view vdir exiftool ffprobe mediainfo pdftotext
    pdfinfo antiword catdoc xmllint xpath cloc scc tokei glow mdcat csvlook csvcut csvstat xsv mlr hexyl readelf
    objdump nm ldd size otool lsattr getfacl getfattr lsof pygmentize highlight source-highlight delta icdiff difft
    """
)
QUIET = wordset(
    """
    ls dir ll la exa eza lsd tree pwd cd pushd popd dirs true false : test [ [[ whoami id groups users who w last
    uname arch nproc date cal uptime free df du lsblk blkid findmnt lscpu lspci lsusb lsmod vmstat iostat mpstat sar
    top htop btop ps pgrep pstree which whereis whatis type hash man info help apropos tldr basename dirname realpath
    readlink seq yes sleep wait jobs bg fg disown expr bc dc factor numfmt getconf locale tty stty clear tput shopt
    ulimit umask return exit break continue shift let local read mapfile readarray getopts banner figlet cowsay lolcat
    fortune ping ping6 dig host nslookup whois traceroute tracepath mtr ss netstat arp getent git-status tokei sw_vers
    system_profiler mdls mdfind say ncal jot test-path column vmmap sample spindump nettop powermetrics ioreg
    lsappinfo fs_usage leaks heap otool locate plocate pidof pmap pidstat lsns lslocks ipcs slabtop numastat sensors
    inxi neofetch fastfetch screenfetch ntpq compgen complete times caller logname tzselect zdump mountpoint namei
    lsinitramfs modinfo rg-version od fd fdfind rga gettext envsubst nm-online
    """
)

TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(READERS, _readers),
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg", "ag", "ack", "zgrep", "ggrep", "rga"), _grep),
    "sed": _sed,
    "gsed": _sed,
    "rm": _rm,
    "grm": _rm,
    "srm": _rm,
    "unlink": _each_delete,
    "shred": _each_delete,
    "wipe": _each_delete,
    "rimraf": _each_delete,
    "del-cli": _each_delete,
    "trash": _writers,
    "trash-put": _writers,
    "gio": _writers,
    "rmdir": _rmdir,
    "mv": _mv,
    "gmv": _mv,
    "cp": _cp,
    "gcp": _cp,
    "install": _cp,
    "ditto": _cp,
    "ln": _ln,
    "mkdir": _writers,
    "touch": _writers,
    "mkfifo": _writers,
    "mktemp": lambda call: None,
    "truncate": _truncate,
    "fallocate": _writers,
    "tee": _tee,
    "sponge": _tee,
    "chmod": _chmod,
    "chown": _chmod,
    "chgrp": _chmod,
    "chattr": _chmod,
    "setfacl": _writers,
    "dd": _dd,
    **dict.fromkeys(
        wordset(
            """
            mkfs mkswap wipefs blkdiscard fdisk sfdisk cfdisk gdisk sgdisk parted partprobe partx badblocks mke2fs
            tune2fs resize2fs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs
            mkfs.exfat mkfs.f2fs mkfs.minix lvremove vgremove pvremove lvreduce pvmove vgreduce newfs diskpart format
            sg_format mdadm lvresize
            """
        ),
        _disk,
    ),
    **dict.fromkeys(wordset("zpool zfs btrfs diskutil cryptsetup bcachefs"), _pool),
    "find": _find,
    "gfind": _find,
    "rsync": _rsync,
    "scp": _scp,
    "tar": _tar,
    "gtar": _tar,
    "bsdtar": _tar,
    "unzip": _unzip,
    "7z": _unzip,
    "zip": _archive,
    "gzip": _archive,
    "gunzip": _archive,
    "bzip2": _archive,
    "xz": _archive,
    "zstd": _archive,
    "echo": _echo,
    "printf": _echo,
    "print": _echo,
    "mount": _mount,
    "umount": _mount,
    "swapoff": _mount,
    "patch": _patch,
    "split": _split,
    "xxd": _xxd,
    "csplit": _split,
    "sort": _sort,
    "jq": _jq,
    "yq": _jq,
    "gojq": _jq,
    "dos2unix": _writers,
    "unix2dos": _writers,
}
