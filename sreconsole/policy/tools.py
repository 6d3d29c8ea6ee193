"""Every tool of every client as effects: a shell command, an edit, a fetch, an MCP call, another agent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import edits, gatekeeping, network, sql
from .action import Action, Effect
from .call import Call, Context
from .effects import read_shell, settle
from .matching import verbs_of
from .paths import Surroundings
from .script import Walk
from .shell import Source, Word
from .wordlist import wordset

_SHELLS = wordset(
    """
    Bash bash shell exec_command local_shell run_shell_command unified_exec terminal execute_command Shell
    PowerShell container.exec
    """
)


@dataclass(slots=True)
class Reading:
    """What was read from one action. `text` is the command that spans point into (None: no command)."""

    effects: list[Effect] = field(default_factory=list)
    problems: list[tuple[tuple[int, int] | None, str]] = field(default_factory=list)
    text: str | None = None


def read(action: Action, place: Surroundings) -> Reading:
    """The effects of an action. Input of a wrong shape is a problem, never a pass."""
    tool = action.tool
    given = action.input
    if not isinstance(given, Mapping):
        return Reading(problems=[(None, "its input is not an object")])
    if tool in _SHELLS:
        return _shell(given, place)
    handler = _TOOLS.get(tool)
    if handler is None:
        reading = _mcp(tool, given, place) if tool.startswith(("mcp__", "mcp_")) or "__" in tool else _unknown(tool)
    else:
        reading = handler(given, place)
    reading.effects = gatekeeping.sharpen(reading.effects, place)
    return reading


def command_text(given: Mapping[str, Any]) -> str | None:
    """The command of a shell tool: a text, or an argument list (joined, `bash -lc TEXT` unwrapped by the reader)."""
    for key in ("command", "cmd", "script"):
        value = given.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return " ".join(_quote(item) for item in value)
    chars = given.get("chars")
    return chars if isinstance(chars, str) else None


def _quote(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'"


def _shell(given: Mapping[str, Any], place: Surroundings) -> Reading:
    text = command_text(given)
    if text is None:
        return Reading(problems=[(None, "no command in it")])
    folder = given.get("workdir") or given.get("dir_path") or given.get("cwd") or given.get("directory")
    if isinstance(folder, str) and folder:
        place.cwd = folder if folder.startswith("/") else f"{place.cwd}/{folder}"
    if "\0" in text:
        return Reading(problems=[(None, "a zero byte in the command")], text=text)
    walk = read_shell(text, place)
    problems: list[tuple[tuple[int, int] | None, str]] = list(walk.problems)
    return Reading(gatekeeping.sharpen(walk.effects, place), problems, text)


def _call(place: Surroundings, tool: str) -> Call:
    walk = Walk(place, settle)
    return Call(walk, [Word(tool)], Context(Source(b"")))


def _spanless(call: Call) -> list[Effect]:
    return [
        Effect(e.kind, e.target, e.host, e.environment, e.resolved, None, {**e.facts, "argv": ()})
        for e in call.walk.effects
    ]


def _path_of(given: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = given.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _write(given: Mapping[str, Any], place: Surroundings) -> Reading:
    path = _path_of(given, "file_path", "path", "notebook_path", "filename", "target_file", "absolute_path")
    if not path:
        return Reading(problems=[(None, "no path in it")])
    content = given.get("content", given.get("contents", given.get("file_text", given.get("new_source", ""))))
    text = content if isinstance(content, str) else ""
    return _written(place, "Write", path, text, _overwritten(place, path, text))


def _overwritten(place: Surroundings, path: str, text: str) -> tuple[int, float]:
    call = _call(place, "Write")
    before = place.files.size(call.spot(path).path)
    if before <= 0:
        return 0, 0.0
    after = text.count("\n") + 1 if text else 0
    removed = max(0, before - after)
    return removed, removed / before


def _written(place: Surroundings, tool: str, path: str, text: str, lost: tuple[int, float]) -> Reading:
    call = _call(place, tool)
    target = call.spot(path, follow=True)
    if target.zone == "null":
        return Reading([Effect("fs.read", target.path)])
    facts: dict[str, Any] = {
        "changed": text[:4000],
        "removed": lost[0],
        "ratio": round(lost[1], 3),
        "traits": set(),
        "zone": target.zone,
        "inside": target.inside,
    }
    call.emit("fs.write", target.path, resolved=target.resolved, **facts)
    if gatekeeping.disables(text) and re.search(r"settings|config|managed|hooks", target.path):
        call.emit("gate.tamper", target.path, how="switches hooks off")
    return Reading(_spanless(call))


def _edit(given: Mapping[str, Any], place: Surroundings) -> Reading:
    path = _path_of(given, "file_path", "path", "notebook_path", "target_file", "absolute_path")
    if not path:
        return Reading(problems=[(None, "no path in it")])
    edits = given.get("edits")
    pairs = [item for item in edits if isinstance(item, Mapping)] if isinstance(edits, list) else [given]
    removed = added = 0
    text = []
    for pair in pairs[:500]:
        old = str(pair.get("old_string") or pair.get("old_str") or pair.get("old_text") or "")
        new = str(pair.get("new_string") or pair.get("new_str") or pair.get("new_source") or pair.get("new_text") or "")
        removed += _lines(old)
        added += _lines(new)
        text.append(f"{old}\n{new}")
    lost = max(0, removed - added)
    call = _call(place, "Edit")
    size = place.files.size(call.spot(path).path)
    ratio = lost / size if size > 0 else (1.0 if lost >= 200 else 0.0)
    return _written(place, "Edit", path, "\n".join(text), (lost, ratio))


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _notebook(given: Mapping[str, Any], place: Surroundings) -> Reading:
    if given.get("edit_mode") == "delete":
        return _edit({**given, "old_string": "", "new_source": ""}, place)
    return _edit(given, place)


_PATCH = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$", re.MULTILINE)


def _patch(given: Mapping[str, Any], place: Surroundings) -> Reading:
    text = _path_of(given, "input", "patch", "patchText", "command", "diff")
    if not text and isinstance(given.get("command"), list):
        text = "\n".join(str(item) for item in given["command"])
    matches = list(_PATCH.finditer(text))
    if not matches:
        files = re.findall(r"^(?:\+\+\+|---) (?:[ab]/)?(\S+)", text, re.MULTILINE)
        if not files:
            return Reading(problems=[(None, "a patch that names no file")])
        reading = Reading()
        for name in dict.fromkeys(f for f in files if f != "/dev/null"):
            reading.effects += _written(place, "apply_patch", name, text, (0, 0.0)).effects
        return reading
    reading = Reading()
    for index, match in enumerate(matches):
        body = text[match.end() : matches[index + 1].start() if index + 1 < len(matches) else len(text)]
        path = (match.group(2) or match.group(3)).strip()
        lost = len(re.findall(r"^-", body, re.MULTILINE)) - len(re.findall(r"^\+", body, re.MULTILINE))
        if match.group(1) == "Delete":
            call = _call(place, "apply_patch")
            edits.delete(call, path, recursive=False)
            reading.effects += _spanless(call)
        else:
            size = place.files.size(_call(place, "apply_patch").spot(path).path)
            ratio = max(0, lost) / size if size > 0 else 0.0
            reading.effects += _written(place, "apply_patch", path, body, (max(0, lost), ratio)).effects
    return reading


def _reads(given: Mapping[str, Any], place: Surroundings) -> Reading:
    call = _call(place, "Read")
    paths = [
        value
        for key in ("file_path", "path", "notebook_path", "absolute_path", "dir_path", "target_file")
        if isinstance(value := given.get(key), str)
    ]
    for key in ("paths", "file_paths", "include"):
        value = given.get(key)
        paths += [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    for path in paths:
        edits.read(call, path)
    return Reading(_spanless(call) or [Effect("fs.read", place.cwd)])


def _search(given: Mapping[str, Any], place: Surroundings) -> Reading:
    call = _call(place, "Grep")
    path = _path_of(given, "path", "dir_path", "directory")
    pattern = _path_of(given, "glob", "include")
    if path:
        edits.read(call, path)
    if pattern and not re.search(r"\*\*?/?\*\.\w+$", pattern):
        edits.read(call, pattern if pattern.startswith("/") or not path else f"{path}/{pattern}")
    return Reading(_spanless(call) or [Effect("fs.read", place.cwd)])


def _glob(given: Mapping[str, Any], place: Surroundings) -> Reading:
    return Reading([Effect("fs.read", _path_of(given, "path", "pattern") or place.cwd)])


def _fetch(given: Mapping[str, Any], place: Surroundings) -> Reading:
    call = _call(place, "WebFetch")
    urls = re.findall(r"https?://\S+", " ".join(str(value) for value in given.values() if isinstance(value, str)))
    for url in urls[:20] or [""]:
        network.request(call, url, str(given.get("method") or "GET"), str(given.get("body") or ""))
    return Reading(_spanless(call))


def _spawn(given: Mapping[str, Any], place: Surroundings) -> Reading:
    kind = _path_of(given, "subagent_type", "agent_type", "agent", "name")
    return Reading([Effect("agent.spawn", kind or "an agent")])


def _nothing(given: Mapping[str, Any], place: Surroundings) -> Reading:
    return Reading([Effect("none")])


def _asks(given: Mapping[str, Any], place: Surroundings) -> Reading:
    return Reading([Effect("agent.ask")])


def _unknown(tool: str) -> Reading:
    return Reading([Effect("unknown.tool", tool)])


_READ_VERBS = wordset(
    """
    get list search read fetch find query describe show view lookup browse status count check inspect diff explain
    retrieve summarize download resolve screenshot snapshot ask think sequentialthinking context info history
    """
)
_DESTROY_VERBS = wordset(
    """
    delete remove destroy drop purge terminate wipe erase truncate revoke uninstall kill archive reset cancel prune
    disable
    """
)
_OUTWARD_VERBS = wordset(
    """
    create update send merge pay refund post publish deploy write push execute run approve transfer charge add set
    edit submit insert upload invite assign close reply move rename comment trigger put patch apply release
    subscribe schedule book order buy enable grant invoke call modify
    """
)


def _mcp(tool: str, given: Mapping[str, Any], place: Surroundings) -> Reading:
    """An MCP tool by the words of its name; what it carries (SQL, a shell command, a path) is read like anyone's."""
    verbs = verbs_of(tool)
    server = re.sub(r"^mcp_+", "", tool).split("__", 1)[0]
    call = _call(place, tool)
    facts: dict[str, Any] = {"verbs": verbs, "host": f"mcp:{server}", "tool": tool}
    name = tool.rsplit("__", maxsplit=1)[-1]
    for key in ("query", "sql", "statement"):
        value = given.get(key)
        if isinstance(value, str) and re.match(
            r"(?is)\s*(select|insert|update|delete|drop|truncate|alter|create|grant|with|show|explain)\b", value
        ):
            for kind, what in sql.classify(value):
                effect = {
                    "read": "db.read",
                    "destroy": "db.destroy",
                    "grant": "secret.write",
                    "schema": "db.migrate",
                    "execute": "exec.unknown",
                }.get(kind, "db.write")
                call.emit(effect, what, sql=kind, signals=(server,), **facts)
            return Reading(_spanless(call))
    command = given.get("command")
    if isinstance(command, str) and verbs & {"run", "execute", "exec", "shell", "command", "bash", "terminal"}:
        return _shell(given, place)
    path = given.get("path") or given.get("file_path")
    if (
        isinstance(path, str)
        and verbs & {"write", "edit", "create", "delete", "move", "remove"}
        and re.search(r"(?i)file|fs", tool)
    ):
        if verbs & {"delete", "remove"}:
            edits.delete(call, path, recursive="directory" in verbs)
        else:
            edits.write(call, path, text=str(given.get("content") or ""))
        return Reading(_spanless(call))
    if isinstance(path, str) and verbs & {"read", "get"} and re.search(r"(?i)file|fs", tool):
        edits.read(call, path)
        return Reading(_spanless(call))
    first = next((w for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)), "").lower()
    kind = (
        "mcp.destroy"
        if verbs & _DESTROY_VERBS and first not in _READ_VERBS
        else "mcp.read"
        if first in _READ_VERBS
        else "mcp.write"
        if verbs & _OUTWARD_VERBS
        else "mcp.read"
        if verbs & _READ_VERBS
        else "unknown.tool"
    )
    call.emit(kind, f"{server} {name}", **facts)
    return Reading(_spanless(call))


_TOOLS: dict[str, Callable[[Mapping[str, Any], Surroundings], Reading]] = {
    **dict.fromkeys(("Write", "write_file", "create_file", "WriteFile", "create"), _write),
    **dict.fromkeys(
        (
            "Edit",
            "MultiEdit",
            "replace",
            "edit_file",
            "str_replace",
            "str_replace_editor",
            "str_replace_based_edit_tool",
            "insert",
        ),
        _edit,
    ),
    "NotebookEdit": _notebook,
    "apply_patch": _patch,
    **dict.fromkeys(("Read", "read_file", "read_many_files", "view", "view_image", "NotebookRead", "ReadFile"), _reads),
    **dict.fromkeys(("Grep", "grep_search", "search_file_content", "grep", "grep_files"), _search),
    **dict.fromkeys(("Glob", "LS", "glob", "list_directory", "list_dir", "find_files"), _glob),
    **dict.fromkeys(("WebFetch", "web_fetch", "WebSearch", "web_search", "google_web_search"), _fetch),
    **dict.fromkeys(
        (
            "Agent",
            "Task",
            "spawn_agent",
            "delegate_to_agent",
            "send_input",
            "TaskCreate",
            "codebase_investigator",
            "SendMessage",
            "Workflow",
            "TeamCreate",
        ),
        _spawn,
    ),
    **dict.fromkeys(("AskUserQuestion", "ExitPlanMode", "EnterPlanMode", "ask_user", "request_user_input"), _asks),
    **dict.fromkeys(
        wordset(
            """
            TodoWrite TodoRead update_plan write_todos BashOutput TaskOutput TaskGet TaskList TaskUpdate TaskStop
            KillShell KillBash Skill SlashCommand ToolSearch ListMcpResourcesTool ReadMcpResourceTool
            list_mcp_resources read_mcp_resource wait close_agent save_memory get_internal_docs Sleep
            StructuredOutput LSP exit_plan_mode enter_plan_mode complete_task
            """
        ),
        _nothing,
    ),
}
