"""Wrappers that run a command on another machine, in a container or a pod: the effect stays, the place changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .call import Argv, Call, Step, Text, Where
from .shell import Word
from .wordlist import wordset

_SSH_VALUES = wordset("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B")
_RUN_VALUES = wordset(
    """
    -a -c -e -h -l -m -p -u -v -w --add-host --annotation --attach --blkio-weight --cap-add --cap-drop --cgroupns
    --cidfile --cpus --cpu-shares --cpuset-cpus --device --dns --entrypoint --env --env-file --expose --gpus
    --group-add --health-cmd --hostname --ip --ipc --label --link --log-driver --log-opt --mac-address --memory
    --mount --name --net --network --pid --platform --publish --pull --restart --runtime --security-opt --shm-size
    --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --ulimit --user --userns --uts --volume
    --volumes-from --workdir --index --detach-keys
    """
)
_GLOBAL = wordset("-c -H -l --context --config --host --log-level --tlscacert --connection --url")


def as_root(where: Where) -> Where:
    """The same machine, as another user."""
    return replace(where, root=True)


def _after_flags(args: Sequence[Word], values: frozenset[str], start: int = 0) -> int:
    index = start
    while index < len(args) and args[index].startswith("-") and args[index] != "--":
        index += 2 if args[index] in values else 1
    return index + 1 if index < len(args) and args[index] == "--" else index


def ssh(call: Call) -> list[Step] | None:
    """`ssh HOST COMMAND`; a proxy command in an option runs here."""
    args = call.args
    found: list[Step] = []
    for index, word in enumerate(args):
        option = (
            args[index + 1] if word == "-o" and index + 1 < len(args) else word[2:] if word.startswith("-o") else ""
        )
        match = re.match(r"(?i)(ProxyCommand|LocalCommand|KnownHostsCommand)[= ]\s*(.*)", option)
        if match and match.group(2).lower() != "none":
            call.emit("exec.config", f"ssh {match.group(1)}", word)
            found.append(Text(match.group(2), f"ssh {match.group(1)}", word))
    index = _after_flags(args, _SSH_VALUES)
    if index >= len(args):
        return found or None
    host = str(args[index]).rpartition("@")[2]
    host = re.sub(r"^ssh://([^/:]+).*", r"\1", host)
    rest = list(args[index + 1 :])
    index = _after_flags(rest, _SSH_VALUES)
    rest = rest[index:]
    where = Where("ssh", host, (host,))
    if rest:
        call.emit("net.read", host, args[-1] if len(rest) == 1 else rest[0], host=host)
    if not rest:
        inside = Call(call.walk, call.argv, call.context.but(where=where), stdin=call.stdin, span=call.span)
        if call.stdin is not None and call.stdin.text is not None:
            return [*found, Text(call.stdin.text, f"ssh {host}", flow=call.stdin, where=where)]
        forwarding = any(re.match(r"-[A-Za-z]*[NLRDWO]", w) for w in args)
        inside.emit("exec.remote" if not forwarding else "net.read", host, shell=not forwarding)
        return found
    word = rest[0]
    text = str(word) if len(rest) == 1 else " ".join(rest)
    return [*found, Text(text, f"ssh {host}", word, where=where)]


def container(call: Call) -> list[Step] | None:
    """`docker exec|run …` and `docker compose exec|run …`: the command inside, with its mounts."""
    args = call.args
    index = _after_flags(args, _GLOBAL)
    if index < len(args) and args[index] == "container":
        index = _after_flags(args, _GLOBAL, index + 1)
    verb = args[index] if index < len(args) else ""
    if verb == "compose":
        return compose(
            Call(call.walk, list(args[index:]), call.context, call.assigns, stdin=call.stdin, span=call.span)
        )
    if verb not in ("exec", "run"):
        return None
    signals = tuple(str(args[i + 1]) for i, w in enumerate(args[:-1]) if w in ("-H", "--host", "-c", "--context"))
    inner = list(args[index + 1 :])
    at = _after_flags(inner, _RUN_VALUES)
    flags, rest = inner[:at], inner[at:]
    if not rest:
        return None
    name = str(rest[0])
    privileged = any(f in ("--privileged", "--pid=host", "--cap-add=ALL", "--cap-add=SYS_ADMIN") for f in flags)
    where = Where("container", name, signals, mounts=_mounts(flags), ephemeral=verb == "run" and not privileged)
    words = rest[1:]
    entry = next((flags[i + 1] for i, w in enumerate(flags[:-1]) if w == "--entrypoint"), None)
    entry = entry or next((w.like(w.partition("=")[2]) for w in flags if w.startswith("--entrypoint=")), None)
    if entry:
        words = [entry, *words]
    if not words:
        return None
    return [Argv(words, f"{call.name} {verb} {name}", where=where, stdin=call.stdin)]


def _mounts(flags: Sequence[Word]) -> tuple[tuple[str, str], ...]:
    found = []
    for index, word in enumerate(flags):
        value = ""
        if word in ("-v", "--volume") and index + 1 < len(flags):
            value = flags[index + 1]
        elif word.startswith("--volume="):
            value = word.partition("=")[2]
        elif word.startswith("-v") and len(word) > 2:
            value = word[2:]
        if value.count(":") >= 1 and value[:1] in "/.~$":
            outside, inside = value.split(":")[:2]
            found.append((inside, outside.replace("${PWD}", ".").replace("$(…)", ".")))
        mount = flags[index + 1] if word == "--mount" and index + 1 < len(flags) else word.partition("=")[2]
        if word.startswith("--mount"):
            parts = dict(p.split("=", 1) for p in mount.split(",") if "=" in p)
            outside = parts.get("source") or parts.get("src") or ""
            inside = parts.get("target") or parts.get("dst") or parts.get("destination") or ""
            if outside and inside:
                found.append((inside, outside))
    return tuple(found)


_COMPOSE = wordset("-f -p --file --project-name --profile --env-file --project-directory")


def compose(call: Call) -> list[Step] | None:
    """`docker compose exec|run SERVICE COMMAND`."""
    args = call.args
    index = _after_flags(args, _COMPOSE)
    if index >= len(args) or args[index] not in ("exec", "run"):
        return None
    verb = str(args[index])
    inner = list(args[index + 1 :])
    at = _after_flags(inner, _RUN_VALUES)
    rest = inner[at:]
    if len(rest) < 2:
        return None
    where = Where("container", str(rest[0]), (), ephemeral=verb == "run")
    return [Argv(rest[1:], f"compose {verb} {rest[0]}", where=where, stdin=call.stdin)]


_KUBE_VALUES = wordset(
    """
    -n --namespace -c --container --context --kubeconfig --cluster --user -s --server -l
    """
)


def kube_signals(args: Sequence[Word]) -> tuple[str, ...]:
    """Context, namespace, cluster and server named on a kubectl or helm command line."""
    found = []
    for index, word in enumerate(args):
        flag, _, value = word.partition("=")
        if flag in ("-n", "--namespace", "--context", "--kube-context", "--cluster", "--server", "-s", "--kubeconfig"):
            found.append(value or (str(args[index + 1]) if index + 1 < len(args) else ""))
        elif re.match(r"-n.", word) and not word.startswith("--"):
            found.append(word[2:])
    return tuple(found)


def pod(call: Call) -> list[Step] | None:
    """`kubectl exec POD -- COMMAND`, `kubectl run … -- COMMAND`, `kubectl debug … -- COMMAND`."""
    args = call.args
    index = _after_flags(args, _KUBE_VALUES)
    if index >= len(args) or args[index] not in ("exec", "run", "debug", "rsh"):
        return None
    verb = args[index]
    signals = kube_signals(args)
    if "--" in args:
        at = args.index(Word("--"))
        words = args[at + 1 :]
        names = [w for w in args[index + 1 : at] if not w.startswith("-")]
    else:
        inner = list(args[index + 1 :])
        at = _after_flags(inner, _KUBE_VALUES)
        names, words = inner[at : at + 1], inner[at + 1 :]
        words = words[_after_flags(words, _KUBE_VALUES) :]
    if not words:
        return None
    name = str(names[0]) if names else "pod"
    where = Where("pod", name, ("kubernetes", *signals), ephemeral=verb == "run")
    return [Argv(words, f"{call.name} {verb} {name}", where=where, stdin=call.stdin)]


def minikube(call: Call) -> list[Step] | None:
    """`minikube kubectl -- …`, `minikube ssh -- …`."""
    args = call.args
    if args[:1] == ["kubectl"] and "--" in args:
        return [Argv([Word("kubectl"), *args[args.index(Word("--")) + 1 :]], "minikube")]
    return None


def lxc(call: Call) -> list[Step] | None:
    """`lxc exec NAME -- COMMAND`."""
    args = call.args
    if args[:1] != ["exec"] or len(args) < 3:
        return None
    rest = [w for w in args[2:] if w != "--"]
    return [Argv(rest, f"lxc exec {args[1]}", where=Where("container", str(args[1])))]


def _hosted(call: Call, words: list[Word], label: str, host: str) -> list[Step] | None:
    if not words:
        return None
    where = Where("ssh", host, (host,))
    if len(words) == 1 and " " in words[0]:
        return [Text(words[0], label, words[0], where=where)]
    return [Argv(words, label, where=where)]


def heroku(call: Call) -> list[Step] | None:
    """`heroku run [-a APP] COMMAND` runs on a dyno."""
    args = call.args
    if not args or not args[0].startswith("run"):
        return None
    app = next((str(args[i + 1]) for i, w in enumerate(args[:-1]) if w in ("-a", "--app")), "heroku")
    rest = list(args[1:])
    at = _after_flags(rest, frozenset({"-a", "--app", "-r", "--remote", "-s", "--size", "-e", "--env", "--type"}))
    return _hosted(call, rest[at:], "heroku run", f"heroku:{app}")


def fly(call: Call) -> list[Step] | None:
    """`fly ssh console -C COMMAND`."""
    args = call.args
    if args[:1] != ["ssh"]:
        return None
    for index, word in enumerate(args[:-1]):
        if word in ("-C", "--command"):
            return _hosted(call, [args[index + 1]], "fly ssh", "fly")
    return None


def gcloud(call: Call) -> list[Step] | None:
    """`gcloud compute ssh HOST --command TEXT`."""
    args = call.args
    if "ssh" not in args[:4]:
        return None
    host = next((str(w) for w in args[args.index(Word("ssh")) + 1 :] if not w.startswith("-")), "gcloud")
    for index, word in enumerate(args):
        if word == "--command" and index + 1 < len(args):
            return _hosted(call, [args[index + 1]], "gcloud ssh", host)
        if word.startswith("--command="):
            return [Text(word.partition("=")[2], "gcloud ssh", word, where=Where("ssh", host, (host,)))]
    return None
