"""Disks, partitions, volumes and mounts."""

from __future__ import annotations

import re

from .call import Call
from .edits import read, write
from .shell import Word
from .wordlist import wordset


def dd(call: Call) -> None:
    """`dd`: what `of=` overwrites, what `if=` reads."""
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


def disk(call: Call) -> None:
    """Partitioning, formatting, volume and pool tools: anything but a listing can lose a disk."""
    words = list(call.args)
    if any(_DISK_READ.match(w) for w in words) and not any(w in ("mklabel", "rm", "mkpart", "destroy") for w in words):
        call.emit("fs.read", "disk layout")
        return
    target = next((w for w in reversed(words) if not w.startswith("-")), Word(call.name))
    call.emit("fs.delete", str(target), target, zone="device", traits={"device", "catastrophic"})


def pool(call: Call) -> None:
    """zpool, btrfs, diskutil, cryptsetup: a listing, a change, or a disk lost."""
    verb = next((w for w in call.args if not w.startswith("-")), "")
    if verb in wordset(
        """
        destroy rollback labelclear remove detach offline erase erasevolume erasedisk eraseDisk eraseVolume
        partitionDisk reformat secureErase zeroDisk randomDisk delete remove-subvolume luksFormat luksErase erase
        zap deleteVolume deleteContainer
        """
    ):
        call.emit("fs.delete", " ".join(call.args[-2:]), traits={"device", "catastrophic"}, zone="device")
    elif verb in ("subvolume", "device", "balance", "apfs", "snapshot", "filesystem") and any(
        w in ("delete", "remove", "deleteVolume", "deleteContainer") for w in call.args
    ):
        call.emit("fs.delete", str(call.args[-1]), traits={"device", "catastrophic"}, zone="device")
    elif verb in wordset(
        """
        list status get info show history iostat luksDump usage df verifyVolume
        """
    ):
        call.emit("fs.read", "disk layout")
    else:
        call.emit("proc.service", f"{call.name} {verb}")


def mounting(call: Call) -> None:
    """`mount`, `umount`, `swapoff`."""
    if not call.args or (call.args[0] in ("-l", "--list", "-t") and len(call.args) < 3):
        call.emit("fs.read", "mounts")
    else:
        call.emit("proc.service", f"{call.name} {' '.join(call.args[-1:])}", traits={"mount"})
