"""Object stores and backups: copies up, copies down, syncs that delete."""

from __future__ import annotations

import re
from typing import Any

from . import edits
from .call import Call
from .shell import Word
from .wordlist import wordset

_VERBS = wordset(
    """
    cp mv sync copy move moveto copyto rsync rb rm remove delete deletefile purge rmdir rmdirs cleanup dedupe mirror
    ls cat du stat mb mount serve bisync find tree diff pipe share admin alias ilm event policy anonymous version
    retention legalhold replicate tag encrypt undo backup restore forget prune check list snapshots put get del
    upload download config bucket file info init create acl iam setacl lifecycle web signurl hash compose rewrite
    defacl cors label versioning lsd lsf lsl size about link md5sum jobs delete-file-version hide-file cryptcheck
    obscure ncdu unlock recover rebuild-index compact snapshot repository head quota
    """
)
_DELETES = wordset(
    """
    rb rm remove delete deletefile purge rmdir rmdirs cleanup dedupe del forget prune delete-file-version hide-file
    undo
    """
)
_READS = wordset(
    """
    ls cat du stat find tree diff check list snapshots info lsd lsf lsl size about version head hash md5sum
    cryptcheck ncdu get download jobs share signurl quota link config obscure
    """
)
_GROUPS = wordset(
    """
    admin ilm event policy anonymous bucket file alias tag replicate retention snapshot lifecycle repository web
    """
)
_DELETING_FLAGS = wordset(
    """
    delete remove delete-before delete-during delete-after delete-excluded d delete-removed delete-destination
    force-delete
    """
)
_REMOTE = re.compile(r"\w[\w.-]*:|s3://|gs://|https?://")


def copying(call: Call, words: list[str], word: Word | None, facts: dict[str, Any]) -> None:
    """A copy down writes here, a copy up writes there, a sync that deletes destroys."""
    verb = next((w for w in words if w in _VERBS), "")
    name = f"{call.name} {' '.join(words[:4])}"[:100]
    destination = words[-1] if words else ""
    nested = bool({"del", "rm", "remove", "delete", "purge", "disable", "unset"} & set(words[1:4]))
    if verb in _DELETES or (verb in _GROUPS and nested):
        call.emit("infra.destroy", name, word, **facts)
    elif _replaces(call, verb):
        call.emit("infra.destroy", name, word, traits={"mirror"}, **facts)
    elif verb in _READS and not nested:
        call.emit("infra.read", name, **facts)
        if verb in ("get", "download"):
            edits.write(call, destination if "/" in destination and "://" not in destination else ".")
    elif verb in ("cp", "mv", "sync", "copy", "copyto", "rsync", "restore") and not _REMOTE.match(destination):
        call.emit("infra.write" if verb == "mv" else "infra.read", name, **facts)
        edits.write(call, destination or ".")
    else:
        for item in words[1:]:
            if "://" not in item and ("/" in item or item.startswith(".")):
                edits.read(call, item)
        call.emit("infra.write", name, word, **facts)


def _replaces(call: Call, verb: str) -> bool:
    """Whether a copy also removes: at the target what the source lacks, or the source itself."""
    deletes = any(w.startswith("-") and w.lstrip("-").split("=", 1)[0] in _DELETING_FLAGS for w in call.args)
    if verb in ("sync", "rsync", "mirror", "bisync", "cp"):
        return deletes or (call.name == "rclone" and verb != "cp")
    return verb in ("move", "moveto", "mv") and call.name in ("rclone", "gsutil", "mc")
