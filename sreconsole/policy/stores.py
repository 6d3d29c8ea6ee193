"""Object stores and backups: copies up, copies down, syncs that delete."""

from __future__ import annotations

import re
from typing import Any

from . import edits
from .call import Call
from .shell import Word


def copying(call: Call, words: list[str], word: Word | None, facts: dict[str, Any]) -> None:
    """Object stores and backups: a copy down writes here, a copy up writes there, a sync that deletes destroys."""
    verb = next(
        (
            w
            for w in words
            if re.match(
                r"(cp|mv|sync|copy|move|moveto|copyto|rsync|rb|rm|remove|delete|deletefile|purge|rmdir|rmdirs|cleanup|"
                r"dedupe|mirror|ls|cat|du|stat|mb|mount|serve|bisync|find|tree|diff|pipe|share|admin|alias|ilm|event|"
                r"policy|anonymous|version|retention|legalhold|replicate|tag|encrypt|undo|backup|restore|forget|prune|"
                r"check|list|snapshots|put|get|del|upload|download|config|bucket|file|info|init|create|acl|iam|setacl|"
                r"lifecycle|web|signurl|hash|compose|rewrite|defacl|cors|label|retention|versioning|lsd|lsf|lsl|size|"
                r"about|link|md5sum|jobs|delete-file-version|hide-file|cryptcheck|obscure|ncdu|unlock|recover|"
                r"rebuild-index|compact|snapshot|repository|head|quota)$",
                w,
            )
        ),
        "",
    )
    flags = {w.lstrip("-").split("=")[0] for w in call.args if w.startswith("-")}
    name = f"{call.name} {' '.join(words[:4])}"[:100]
    destination = words[-1] if words else ""
    deletes = flags & {
        "delete",
        "remove",
        "delete-before",
        "delete-during",
        "delete-after",
        "delete-excluded",
        "d",
        "delete-removed",
        "delete-destination",
        "force-delete",
    }
    nested = {"del", "rm", "remove", "delete", "purge", "disable", "unset"} & set(words[1:4])
    if verb in (
        "rb",
        "rm",
        "remove",
        "delete",
        "deletefile",
        "purge",
        "rmdir",
        "rmdirs",
        "cleanup",
        "dedupe",
        "del",
        "forget",
        "prune",
        "delete-file-version",
        "hide-file",
        "undo",
    ) or (
        verb
        in (
            "admin",
            "ilm",
            "event",
            "policy",
            "anonymous",
            "bucket",
            "file",
            "alias",
            "tag",
            "replicate",
            "retention",
            "snapshot",
            "lifecycle",
            "repository",
            "web",
        )
        and nested
    ):
        call.emit("infra.destroy", name, word, **facts)
    elif (
        (verb in ("sync", "rsync", "mirror", "bisync") and (deletes or call.name in ("rclone",)))
        or (verb in ("mirror", "cp") and deletes)
        or (verb in ("move", "moveto", "mv") and call.name in ("rclone", "gsutil", "mc"))
    ):
        call.emit("infra.destroy", name, word, traits={"mirror"}, **facts)
    elif (
        verb
        in (
            "ls",
            "cat",
            "du",
            "stat",
            "find",
            "tree",
            "diff",
            "check",
            "list",
            "snapshots",
            "info",
            "lsd",
            "lsf",
            "lsl",
            "size",
            "about",
            "version",
            "head",
            "hash",
            "md5sum",
            "cryptcheck",
            "ncdu",
            "get",
            "download",
            "jobs",
            "share",
            "signurl",
            "quota",
            "link",
            "config",
            "obscure",
        )
        and not nested
    ):
        call.emit("infra.read", name, **facts)
        if verb in ("get", "download"):
            edits.write(call, destination if "/" in destination and "://" not in destination else ".")
    elif verb in ("cp", "mv", "sync", "copy", "copyto", "rsync", "restore") and not re.match(
        r"\w[\w.-]*:|s3://|gs://|https?://", destination
    ):
        call.emit("infra.read" if verb not in ("mv", "move") else "infra.write", name, **facts)
        edits.write(call, destination or ".")
    else:
        for item in words[1:]:
            if "://" not in item and ("/" in item or item.startswith(".")):
                edits.read(call, item)
        call.emit("infra.write", name, word, **facts)
