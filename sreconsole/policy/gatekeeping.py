"""Whether an action touches what watches the agents: policy, hooks, clients' settings, the store, the daemon."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .action import Effect
from .paths import Surroundings, under
from .shell import Word
from .wordlist import wordset

if TYPE_CHECKING:
    from .call import Call

# Files whose change would loosen or blind the gate. Patterns are over absolute, resolved paths.
_FILES = re.compile(
    r"""(?x)
      /\.claude/(?:settings(?:\.local)?[\w.-]*\.json|hooks(?:/.*)?|managed-settings\.json)$ | /\.claude/?$
        | /\.claude\.json$
    | /(?:etc|Library/Application\ Support)/(?:claude-code|ClaudeCode)(?:/.*)?$ | /managed-settings(?:\.d/.*
      |\.json)$ | /managed-mcp\.json$
    | /\.codex(?:/(?:config\.toml|hooks(?:\.json|/.*)?|requirements\.toml|rules(?:/.*)?|execpolicy(?:/.*)?
      |managed_config\.toml))?$ | /etc/codex(?:/.*)?$
    | /\.gemini(?:/(?:settings\.json|policies(?:/.*)?|hooks(?:/.*)?|trustedFolders\.json|extensions(?:/.*)?))?$
      | /etc/gemini-cli(?:/.*)?$
    | /\.sreconsole(?:/.*)?$ | /\.sreconsole\.ya?ml$
    | /sreconsole\.(?:service|socket)(?:\.d/.*)?$ | /sreconsole/policy\.d(?:/.*)?$
    | /(?:hook|operator)\.sock$ | /fleet\.db(?:-wal|-shm)?$
    """
)
_STATE = re.compile(
    r"/(?:\.config|\.local/state|\.local/share|\.cache|etc|var/lib|var/log|run|opt|"
    r"run/user/\d+)/sreconsole(?:/.*)?$"
)
_VERBS = re.compile(
    r"^(escalations (approve|deny)|policy (except)|hooks (uninstall|install)|quarantine (release|add)|"
    r"grants revoke|reviews (ok|flag)|service (uninstall|install|stop)|agents (enroll|revoke)|"
    r"maintenance (add|end)|oncall (override|swap|import)|rollback run|sessions stop|incidents (close|merge|"
    r"split)|pages (ack|snooze|test)|handoff accept|backup|sources sync|postmortem edit|serve|run)\b"
)
_FLAGS = wordset(
    """
    --bare --safe-mode --setting-sources --dangerously-skip-permissions --dangerously-bypass-approvals-and-sandbox
    --yolo --no-hooks --disable-hooks --settings --managed-settings --full-auto --permission-mode
    --allow-dangerously-skip-permissions --approval-mode --admin-policy
    """
)
_CLIENTS = wordset(
    """
    claude codex gemini aider opencode cursor-agent goose amp crush droid qwen copilot
    """
)
_VARIABLES = re.compile(
    r"^(SRECONSOLE_\w+|CLAUDE_CONFIG_DIR|CLAUDE_CODE_(SIMPLE|DISABLE_\w+|MANAGED\w*)|CODEX_HOME|GEMINI_CLI_HOME|"
    r"GEMINI_CLI_SYSTEM_\w+|DISABLE_HOOKS|CLAUDE_DISABLE_HOOKS)$"
)
_LOADS = wordset(
    """
    LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV PROMPT_COMMAND PYTHONSTARTUP PYTHONHOME PERL5DB GCONV_PATH
    SHELLOPTS BASHOPTS PS4 ZDOTDIR LESSOPEN LESSCLOSE MANPAGER GIT_EXEC_PATH
    """
)
_SETTING = re.compile(r"disableAllHooks|\"?hooks\"?\s*[:=]\s*(\{\s*\}|\[\s*\]|null|false)|allowManagedHooksOnly")


def guards(path: str, place: Surroundings) -> bool:
    """Whether a path is one that watches the agents: by its name, or because the caller says so (`Facts.guarded`)."""
    return bool(_STATE.search(path) or _FILES.search(path)) or any(under(path, root) for root in place.guarded)


def covers(path: str, place: Surroundings) -> bool:
    """Whether losing a whole directory loses one of them."""
    home = place.home
    kept = (
        *place.guarded,
        f"{home}/.claude",
        f"{home}/.codex",
        f"{home}/.gemini",
        f"{home}/.config/sreconsole",
        f"{home}/.local/state/sreconsole",
        "/etc/sreconsole",
        "/etc/claude-code",
        "/var/lib/sreconsole",
    )
    return any(item == path or item.startswith(path.rstrip("/*") + "/") for item in kept) and path not in (
        "/",
        home,
        "/home",
        "/etc",
        "/var",
        "/var/lib",
        f"{home}/.config",
        f"{home}/.local",
    )


def sharpen(effects: list[Effect], place: Surroundings) -> list[Effect]:
    """Writes and deletions of what watches the agents, as `gate.tamper`."""
    if not effects:
        return effects
    found = []
    for effect in effects:
        if effect.kind in ("fs.write", "fs.delete") and effect.facts.get("remote") in (None, ""):
            lost = effect.kind == "fs.delete" and "recursive" in effect.facts.get("traits", ())
            if guards(effect.target, place) or (lost and covers(effect.target, place)):
                facts = {**effect.facts, "was": effect.kind}
                found.append(Effect("gate.tamper", effect.target, effect.host, "", effect.resolved, effect.span, facts))
                continue
        found.append(effect)
    return found


def look(call: Call) -> None:
    """Commands that would loosen the gate: its own verbs, clients started without hooks, its daemon stopped."""
    name = call.name
    for variable, word in call.assigns.items():
        if _VARIABLES.match(variable) and (name in _CLIENTS or name.startswith("sreconsole")):
            call.emit("gate.tamper", variable, word, how="a variable that moves or empties settings")
    for variable, word in call.assigns.items():
        if executes(variable, word):
            call.emit("exec.config", variable, word)
    args = call.args
    if name == "sreconsole" or (name.startswith("python") and args[:2] == ["-m", "sreconsole"]):
        _own(call, args if name == "sreconsole" else args[2:])
    elif name in _CLIENTS:
        _client(call)
    elif name in ("kill", "pkill", "killall", "systemctl", "service", "launchctl", "loginctl", "skill"):
        if any(re.search(r"sreconsole|fleet\.db|hook\.sock", w) for w in args) and not any(
            w in ("status", "is-active", "show", "cat", "list-units") for w in args[:1]
        ):
            word = next(w for w in args if re.search(r"sreconsole|fleet\.db|hook\.sock", w))
            call.emit("gate.tamper", "the sreconsole daemon", word)
    elif name in ("sqlite3", "sqlite") and any(
        guards(call.spot(w).path, call.walk.place) for w in args[:2] if not w.startswith("-")
    ):
        call.emit("gate.tamper", "the fleet log", args[0])
    elif name in ("nc", "ncat", "socat", "curl") and any("operator.sock" in w or "hook.sock" in w for w in args):
        call.emit("gate.tamper", "the gate's socket", args[0])


def _own(call: Call, args: list[Word]) -> None:
    words = [str(w) for w in args if not w.startswith("-")]
    text = " ".join(words[:3])
    if any(w in ("--help", "-h", "--dry-run") for w in args):
        return
    word = args[0] if args else None
    if _VERBS.match(text):
        call.emit("gate.tamper", f"sreconsole {text}", word)
    else:
        call.emit("fs.read", f"sreconsole {text}".strip())


def _client(call: Call) -> None:
    args = call.args
    risky = next((w for w in args if w.partition("=")[0] in _FLAGS), None)
    if risky is not None and risky.partition("=")[0] == "--permission-mode":
        at = args.index(risky)
        mode = risky.partition("=")[2] or (str(args[at + 1]) if at + 1 < len(args) else "")
        if mode not in ("bypassPermissions", "dontAsk", "auto"):
            risky = None
    if risky is not None:
        call.emit("gate.tamper", f"{call.name} {risky}", risky, how="starts an agent without its hooks or rules")
    elif any(_SETTING.search(w) for w in args):
        call.emit("gate.tamper", f"{call.name} hooks off", next(w for w in args if _SETTING.search(w)))
    elif args[:2] == ["config", "set"] and any("hook" in w.lower() or "permission" in w.lower() for w in args):
        call.emit("gate.tamper", f"{call.name} config", args[0])
    elif args[:1] in (["--version"], ["--help"], ["-h"], ["doctor"], ["update"], ["-v"]) or args[:2] == ["mcp", "list"]:
        return
    elif args[:2] and args[0] == "mcp" and args[1] in ("add", "remove", "add-json"):
        call.emit("exec.config", f"{call.name} mcp {args[1]}", args[1])
    else:
        call.emit("agent.spawn", call.name, call.argv[0])


def executes(variable: str, value: str) -> bool:
    """Whether an environment variable makes the next program load or run something (ld.so(8), bash(1), node)."""
    if variable in _LOADS:
        return bool(value)
    if variable == "PATH":
        return bool(re.match(r"(/tmp|/var/tmp|/dev/shm|\.{1,2}(:|/(?!node_modules|venv|bin))|:)", value))
    return variable in ("NODE_OPTIONS", "PERL5OPT", "RUBYOPT", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS") and bool(
        re.search(r"--require|-r[ =]?\S|--import|--(experimental-)?loader|-javaagent|-M\S|-agentpath", value)
    )


def disables(text: str) -> bool:
    """Whether text written to a settings file switches hooks off."""
    return bool(_SETTING.search(text))
