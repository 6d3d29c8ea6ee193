"""Programs that read, write, move and delete files: coreutils, find, sed, rsync, tar, disks."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import archive, over_rsync, over_scp, patching, splitting, tar_files, unzip
from .call import Call, Text
from .disks import dd, disk, mounting, pool
from .edits import LEFTOVER, delete, read, write
from .options import Options
from .paths import catastrophic
from .secrets import HUNT, example, holds_secret, secret_variable
from .shell import Word
from .unwrap import find_items, incoming
from .wordlist import wordset


def _readers(call: Call) -> None:
    before = ""
    for word in call.args:
        # `head -n 5 FILE`: the number is a flag's, not a file.
        counted = word.isdecimal() and re.fullmatch(r"-[a-zA-Z]", before)
        before = word
        if not word.startswith("-") and word and not counted:
            read(call, word)


_RUNS = ("pre", "hostname-bin", "pager")
"""Options of search programs that name a program to run: rg(1), ag(1)."""

_GREP_VALUES = wordset(
    """
    e f m A B C d D g t T r M E include exclude exclude-dir regexp file max-count context type glob
    pre hostname-bin pager pre-glob
    """
)


def _grep(call: Call) -> None:
    valued = _GREP_VALUES - ({"r", "E", "d", "D", "M", "T"} if call.name.endswith("grep") else set())
    options = Options(call.args, valued)
    rest = options.rest
    for name in _RUNS:
        if options.value(name):
            call.emit("exec.config", f"{call.name} --{name}", options.value(name))
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
        if size in ("0", "0B", "0K", "-0", "0M") and not LEFTOVER.search(word):
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


def _echo(call: Call) -> None:
    for word in call.args:
        if word.dynamic:
            for match in re.finditer(r"\$\{(\w+)\}", word):
                if secret_variable(match.group(1)):
                    call.emit("secret.read", match.group(1), word, secret="variable")
    if any(w.startswith("-") for w in call.args) and call.name in ("print", "printf") and "-v" in call.args:
        return


def _xxd(call: Call) -> None:
    words = Options(call.args, wordset("s l c g o n")).rest
    if any(re.match(r"-\w*r", w) for w in call.args) and len(words) > 1:
        write(call, words[1])
    for word in words[:1]:
        read(call, word)


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
    hexdump strings file stat md5sum sha1sum sha256sum sha512sum shasum cksum b2sum sum diff cmp diff3 sdiff
    colordiff zcat zless zgrep bzcat xzcat base64 base32 iconv pr tsort look ptx view vdir exiftool ffprobe
    mediainfo pdftotext pdfinfo antiword catdoc xmllint xpath cloc scc tokei glow mdcat csvlook csvcut csvstat xsv
    mlr hexyl readelf objdump nm ldd size otool lsattr getfacl getfattr lsof pygmentize highlight source-highlight
    delta icdiff difft
    """
)
QUIET = wordset(
    """
    ls dir ll la exa eza lsd tree pwd cd pushd popd dirs true false : test [ [[ whoami id groups users who w last
    uname arch nproc date cal uptime free df du lsblk blkid findmnt lscpu lspci lsusb lsmod vmstat iostat mpstat sar
    top htop btop ps pgrep pstree which whereis whatis type hash man info help apropos tldr basename dirname
    realpath readlink seq yes sleep wait jobs bg fg disown expr bc dc factor numfmt getconf locale tty stty clear
    tput shopt ulimit umask return exit break continue shift let local read mapfile readarray getopts banner figlet
    cowsay lolcat fortune ping ping6 dig host nslookup whois traceroute tracepath mtr ss netstat arp getent
    git-status tokei sw_vers system_profiler mdls mdfind say ncal jot test-path column vmmap sample spindump nettop
    powermetrics ioreg lsappinfo fs_usage leaks heap otool locate plocate pidof pmap pidstat lsns lslocks ipcs
    slabtop numastat sensors inxi neofetch fastfetch screenfetch ntpq compgen complete times caller logname tzselect
    zdump mountpoint namei lsinitramfs modinfo rg-version od fd fdfind rga gettext envsubst nm-online
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
    "dd": dd,
    **dict.fromkeys(
        wordset(
            """
            mkfs mkswap wipefs blkdiscard fdisk sfdisk cfdisk gdisk sgdisk parted partprobe partx badblocks mke2fs
            tune2fs resize2fs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs
            mkfs.exfat mkfs.f2fs mkfs.minix lvremove vgremove pvremove lvreduce pvmove vgreduce newfs diskpart
            format sg_format mdadm lvresize
            """
        ),
        disk,
    ),
    **dict.fromkeys(wordset("zpool zfs btrfs diskutil cryptsetup bcachefs"), pool),
    "find": _find,
    "gfind": _find,
    "rsync": over_rsync,
    "scp": over_scp,
    "tar": tar_files,
    "gtar": tar_files,
    "bsdtar": tar_files,
    "unzip": unzip,
    "7z": unzip,
    "zip": archive,
    "gzip": archive,
    "gunzip": archive,
    "bzip2": archive,
    "xz": archive,
    "zstd": archive,
    "echo": _echo,
    "printf": _echo,
    "print": _echo,
    "mount": mounting,
    "umount": mounting,
    "swapoff": mounting,
    "patch": patching,
    "split": splitting,
    "xxd": _xxd,
    "csplit": splitting,
    "sort": _sort,
    "jq": _jq,
    "yq": _jq,
    "gojq": _jq,
    "dos2unix": _writers,
    "unix2dos": _writers,
}
