"""Processes, services, schedules, users, firewalls and keys of one machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .accounts import accounts, gpg, keychain, keygen, openssl, ssh_add, vaults
from .call import Call
from .options import Options
from .shell import Word
from .wordlist import wordset

_DEV = re.compile(
    r"(?i)^(node|npm|npx|vite|next(-server)?|next dev|nuxt|webpack.*|esbuild|tsc|ts-node|tsx|nodemon|jest|"
    r"vitest|playwright|chrome|chromium|"
    r"python[\d.]*|pytest|uvicorn|gunicorn|flask|django|manage\.py|celery|jupyter.*|streamlit|ruby|rails|puma|"
    r"php|java|gradle.*|mvn|go|air|cargo|rustc|"
    r"deno|bun|yarn|pnpm|turbo|storybook|ng|expo|metro|watchman|electron|http-server|http\.server|serve|hugo|"
    r"jekyll|sleep|tail|curl|wget|ping|"
    r"claude-.*|cypress|selenium|geckodriver|chromedriver|firefox|gdb|lldb|dlv|npm run .*|.*dev.*|.*\.(py|js|"
    r"ts|mjs|rb|sh|go)|.*localhost.*|server)\b"
)
_CRITICAL = re.compile(
    r"(?i)^(systemd|init|launchd|sshd|dockerd|containerd|kubelet|etcd|postgres(ql)?|mysqld?|mariadbd|mongod|"
    r"redis-server|nginx|apache2?|httpd|haproxy|caddy|traefik|cron(d)?|rsyslogd|journald|dbus.*|NetworkManager|"
    r"Xorg|gnome-shell|WindowServer|Finder|loginwindow|.*prod.*|auditd|falco.*|osquery.*|fail2ban.*)$"
)


def _kill(call: Call) -> None:
    words = list(call.args)
    if words[:1] == ["-l"] or words[:1] == ["-L"] or "-0" in words:
        return
    signal = next(
        (
            w.lstrip("-").upper().removeprefix("SIG")
            for w in words
            if w.startswith("-") and not re.fullmatch(r"-\d{3,}|--", w)
        ),
        "TERM",
    )
    targets = [w for i, w in enumerate(words) if not w.startswith("-") and words[i - 1 : i] not in (["-s"], ["-n"])]
    minus = [w for w in words[1:] if re.fullmatch(r"-\d+", w)] if words and words[0].startswith("-") else []
    for word in [*targets, *minus]:
        traits = set()
        if word in ("-1", "1", "0") and (word != "0" or minus):
            traits.add("everything")
        elif re.fullmatch(r"\d+", word) and signal in ("9", "KILL"):
            traits.add("literal")
        elif not re.fullmatch(r"\d+|%\S+|-\d+", word) and not word.dynamic and "$" not in word:
            traits.add("by-name")
        call.emit("proc.signal", str(word), word, traits=traits)


def _pkill(call: Call) -> None:
    options = Options(call.args, wordset("u U t g G P s F signal user"))
    text = " ".join(call.args)
    if options.has("l", "list") and not options.rest:
        return
    names = [w for w in options.rest if not re.fullmatch(r"-?\d{1,2}", w)]
    if options.has("u", "U", "user") and not names:
        call.emit("proc.signal", text, traits={"everything"})
        return
    for word in names or [Word(text)]:
        bare = re.sub(r"^[\^.]+|[\$]+$", "", word)
        traits = set()
        if _CRITICAL.match(bare.rsplit("/", 1)[-1]):
            traits.add("critical")
        elif bare in ("", "*", ".*", "."):
            traits.add("everything")
        elif re.fullmatch(r"node|python[\d.]*|java|ruby|php|bash|sh|zsh|ssh|tmux|claude|codex|gemini", bare):
            # An interpreter's bare name is everybody's: other sessions, and the agent's own client.
            traits.add("by-name")
        elif not _DEV.match(bare.rsplit("/", 1)[-1]) and not _DEV.match(bare):
            traits.add("by-name")
        call.emit("proc.signal", str(word), word if word.end else None, traits=traits)


_SERVICE_READ = wordset(
    """
    status is-active is-enabled is-failed list-units list-unit-files list-timers list-jobs show cat
    list-dependencies list-sockets show-environment help get-default list print blame list-machines dump services
    info log monitor
    """
)


def _systemctl(call: Call) -> None:
    options = Options(call.args, wordset("H host M machine t type n lines o output p property s signal"))
    verb = str(options.rest[0]) if options.rest else "status"
    if verb in _SERVICE_READ:
        call.emit("fs.read", f"{call.name} {verb}", **_machine(options))
        return
    name = " ".join(options.rest[1:3])
    call.emit(
        "proc.service",
        f"{verb} {name}".strip(),
        options.rest[0],
        traits={"halt"} if verb in _HALTS else set(),
        **_machine(options),
    )


_HALTS = wordset("poweroff reboot halt kexec rescue emergency suspend hibernate default isolate")


def _machine(options: Options) -> dict[str, Any]:
    host = options.value("H", "host")
    return {"host": str(host), "remote": "ssh", "signals": (str(host),)} if host else {}


def _service(call: Call) -> None:
    words = [w for w in call.args if not w.startswith("-")]
    if not words or (len(words) > 1 and words[1] in ("status", "info")) or "--status-all" in call.args:
        call.emit("fs.read", "services")
        return
    call.emit("proc.service", " ".join(reversed(words[:2])), words[0])


def _launchctl(call: Call) -> None:
    verb = next((str(w) for w in call.args if not w.startswith("-")), "list")
    call.emit(
        "fs.read"
        if verb in ("list", "print", "blame", "dumpstate", "getenv", "managerpid", "version")
        else "proc.service",
        f"launchctl {verb}",
    )


def _halt(call: Call) -> None:
    if any(w in ("-c", "--help", "--show", "-w") for w in call.args):
        return
    call.emit("proc.service", f"{call.name} this machine", traits={"halt"})


def _crontab(call: Call) -> None:
    if "-l" in call.args:
        call.emit("fs.read", "crontab")
    else:
        call.emit(
            "proc.schedule",
            "all scheduled jobs" if "-r" in call.args else "crontab",
            traits={"clears"} if "-r" in call.args else set(),
        )


def _atrm(call: Call) -> None:
    call.emit("proc.schedule", call.name)


def _firewall(call: Call) -> None:
    text = " ".join(call.args)
    if re.search(
        r"(^|\s)(-L|-S|--list\S*|status|list|show|-nvL|-nL|-vnL|ruleset|--state|--get-\S+|-C|-V|--version|-vL|"
        r"-n -L|app list|-sr|-s\s+rules|-s\s+\w+)(\s|$)",
        text,
    ) and not re.search(r"(^|\s)(-A|-D|-I|-F|-X|-P|add|delete|flush|-f)(\s|$)", text):
        call.emit("fs.read", "firewall rules")
        return
    traits = (
        {"opens"} if re.search(r"(^|\s)(-F|--flush|flush|disable|-X|reset|-P\s+\w+\s+ACCEPT|-d)(\s|$)", text) else set()
    )
    call.emit("proc.service", f"{call.name} {text}"[:60], traits={"firewall", *traits})


def _network(call: Call) -> None:
    """ip, ifconfig, route, nmcli, networksetup …: a question, or a change of this machine's network."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    text = " ".join(call.args)
    changes = re.search(
        r"(?i)(^|\s)(add|del|delete|set\w*|flush|up|down|replace|change|modify|connect|disconnect|create|remove|"
        r"reload|on|off|rescan|rm|-set\w+|-remove\w+|-create\w+|-add\w*|-ordernetworkservices|-delete\w*|"
        r"-renamenetworkservice|-duplicate\w+|-rename\w+|-order\w+|-switch\w+|-import\w+|-detect\w+|"
        r"-detectnewhardware|-connect\w+|--set|--add\S*|--remove|--dns|reset|apply|start|stop|enable|disable|--nc|"
        r"--proxy|renew|release)(\s|$)",
        text,
    )
    if (call.name == "ifconfig" and len(words) < 2) or (call.name == "hostname" and not words):
        changes = None
    if (call.name == "hostname" and words) or (call.name == "ifconfig" and len(words) > 1):
        changes = re.search(r".", text)
    call.emit(
        "proc.service" if changes else "fs.read",
        f"{call.name} {' '.join(words[:3])}".strip(),
        traits={"network"} if changes else set(),
    )


def _query_or_set(read: str) -> Callable[[Call], None]:
    """A system tool that only answers when its words match `read`, and changes the machine otherwise."""
    pattern = re.compile(read)

    def look(call: Call) -> None:
        text = " ".join(call.args)
        if not call.args or pattern.search(text):
            call.emit("fs.read", f"{call.name} {text}"[:60])
        else:
            call.emit("proc.service", f"{call.name} {text}"[:60])

    return look


def _query_or_task(read: str) -> Callable[[Call], None]:
    """A terminal multiplexer: a question, or something that runs in it."""
    pattern = re.compile(read)

    def look(call: Call) -> None:
        text = " ".join(call.args)
        call.emit("fs.read" if pattern.search(text) else "proc.run", f"{call.name} {text}"[:60])

    return look


def _dmesg(call: Call) -> None:
    clears = any(
        re.match(r"-[A-Za-z]*[cCDEn]|--(clear|read-clear|console\S*)", w) and not re.match(r"--(color|ctime)", w)
        for w in call.args
    )
    call.emit("proc.service" if clears else "fs.read", "kernel log", traits={"clears"} if clears else set())


def _journal(call: Call) -> None:
    text = " ".join(call.args)
    if re.search(r"--(vacuum|rotate|flush|relinquish|smart-relinquish|setup-keys|update-catalog)", text):
        call.emit("proc.service", f"journalctl {text}"[:60], traits={"clears"})
    else:
        call.emit("fs.read", "journal")


def _history(call: Call) -> None:
    call.emit("fs.write", "system settings", traits={"settings"})


def _defaults(call: Call) -> None:
    verb = str(call.args[0]) if call.args else "read"
    if verb in ("read", "read-type", "domains", "find", "help", "export"):
        call.emit("fs.read", "preferences")
    else:
        call.emit("proc.service", f"defaults {verb}")


def _nothing_local(call: Call) -> None:
    call.emit("fs.read", call.name)


def _kernel(call: Call) -> None:
    if call.name == "sysctl" and not any("=" in w or w in ("-w", "-p", "--system", "--load") for w in call.args):
        call.emit("fs.read", "kernel settings")
        return
    call.emit("proc.service", f"{call.name} {' '.join(call.args[:2])}", traits={"kernel"})


def _labels(call: Call) -> None:
    for word in call.args[-1:]:
        call.touch("fs.write", word, traits={"permissions"})


TABLE: dict[str, Callable[[Call], None]] = {
    "kill": _kill,
    "pkill": _pkill,
    "killall": _pkill,
    "killall5": _pkill,
    "skill": _pkill,
    "fuser": lambda call: call.emit(
        "proc.signal" if any(re.match(r"-\w*k", w) for w in call.args) else "fs.read",
        " ".join(call.args[:3]),
        traits=set(),
    ),
    "kill-port": lambda call: call.emit("proc.signal", " ".join(call.args)),
    "systemctl": _systemctl,
    "service": _service,
    "rc-service": _service,
    "invoke-rc.d": _service,
    "sv": _service,
    "supervisorctl": _query_or_set(r"^(status|tail|pid|avail|maintail|version|help)\b"),
    "pm2": _query_or_set(r"^(list|ls|status|logs?|monit|show|describe|info|env|jlist|prettylist|start|restart|save)\b"),
    "launchctl": _launchctl,
    "initctl": _launchctl,
    **dict.fromkeys(wordset("shutdown reboot halt poweroff init telinit"), _halt),
    "crontab": _crontab,
    "atrm": _atrm,
    **dict.fromkeys(
        wordset(
            """
            passwd chpasswd useradd userdel usermod groupadd groupdel groupmod adduser deluser addgroup delgroup
            visudo chage newusers gpasswd chsh chfn vipw vigr dscl sysadminctl dseditgroup net smbpasswd htpasswd
            kadmin
            """
        ),
        accounts,
    ),
    "ssh-keygen": keygen,
    "ssh-add": ssh_add,
    "ssh-keyscan": _nothing_local,
    **dict.fromkeys(
        wordset(
            """
            iptables ip6tables nft ufw firewall-cmd pfctl ebtables ipset iptables-restore iptables-legacy
            """
        ),
        _firewall,
    ),
    **dict.fromkeys(
        wordset(
            """
            ip ifconfig route nmcli networksetup scutil wpa_cli iwctl brctl ovs-vsctl tc resolvectl hostname wg
            wg-quick tailscale zerotier-cli netplan ifup ifdown dhclient ethtool
            """
        ),
        _network,
    ),
    "dmesg": _dmesg,
    "journalctl": _journal,
    "logger": _nothing_local,
    **dict.fromkeys(wordset("gpg gpg2"), gpg),
    "openssl": openssl,
    "security": keychain,
    **dict.fromkeys(
        wordset(
            """
            pass gopass op bw lpass keyring secret-tool sops ansible-vault age chezmoi-secret gnome-keyring berglas
            teller bitwarden keepassxc-cli
            """
        ),
        vaults,
    ),
    **dict.fromkeys(
        wordset(
            """
            sysctl modprobe insmod rmmod kexec setenforce grub-install update-grub grub-mkconfig update-initramfs
            dracut efibootmgr bcdedit
            """
        ),
        _kernel,
    ),
    "defaults": _defaults,
    "nvram": _query_or_set(r"^-p|^\S+$"),
    "csrutil": _query_or_set(r"^status"),
    "spctl": _query_or_set(r"^(-a|--assess|--status|-v)|--list"),
    "pmset": _query_or_set(r"^-g"),
    "tmutil": _query_or_set(
        r"^(list|status|destinationinfo|latestbackup|isexcluded|compare|machinedirectory|version|uniquesize|"
        r"calculatedrift)"
    ),
    "mdutil": _query_or_set(r"^-[sL]|-t"),
    "mdimport": _query_or_set(r"^-[tdALXn]|-L|-t"),
    "timedatectl": _query_or_set(r"^(status|show|list-timezones|timesync-status|show-timesync)"),
    "hostnamectl": _query_or_set(r"^(status)$|^$"),
    "loginctl": _query_or_set(r"^(list|show|session-status|user-status|seat-status)"),
    "localectl": _query_or_set(r"^(status|list)"),
    "chronyc": _query_or_set(r"^(tracking|sources|sourcestats|activity|ntpdata)"),
    "hdparm": _query_or_set(r"^-[IiTt]+\b"),
    "nvme": _query_or_set(r"^(list|smart-log|id-ctrl|error-log|show-regs|fw-log)"),
    "e2fsck": _query_or_set(r"(^|\s)-n\b"),
    "fsck": _query_or_set(r"(^|\s)-[nN]\b"),
    "hdiutil": _query_or_set(
        r"^(info|imageinfo|verify|checksum|hfsanalyze|isencrypted|plugins|pmap|udifderez|help|fsid)\b"
    ),
    "sips": _query_or_set(r"^(-g|--getProperty|-h|--help|-v|--verify|-H|--formats)|^(-g \S+ )+"),
    "plutil": _query_or_set(r"^(-p|-lint|-help|-type|-extract \S+ \S+ -o -)|^\S+\.plist$|(-o -)"),
    "codesign": _query_or_set(r"^(-d|-v|--verify|--display|-h)\S*"),
    "osascript": _query_or_set(r"^$"),
    "sample": _nothing_local,
    "watchman": _nothing_local,
    "chcon": _labels,
    "setcap": lambda call: call.emit("proc.service", "setcap", traits={"kernel"}),
    "lsof": _nothing_local,
    "tmux": _query_or_task(
        r"^(display(-message)?|list-\S+|ls|lsp|lsw|lsk|capture-pane|capturep|show\S*|has-session|has|info|-V|"
        r"attach|a|at)\b"
    ),
    "screen": _query_or_task(r"^-(ls|list|v)"),
    "sw_vers": _nothing_local,
    "tcpdump": lambda call: call.emit("secret.read", "network traffic", secret="command"),
    "nmap": lambda call: call.emit("net.mutate", " ".join(call.args[-1:]), method="SCAN"),
    "masscan": lambda call: call.emit("net.mutate", " ".join(call.args[-1:]), method="SCAN"),
    "sqlmap": lambda call: call.emit("net.mutate", " ".join(call.args[-1:]), method="SCAN"),
}
