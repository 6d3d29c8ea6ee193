"""Containers and clusters: docker, kubectl, helm and their kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import edits
from .call import Call
from .options import Options
from .remote import kube_signals
from .shell import Word
from .wordlist import wordset

_DOCKER_READ = wordset(
    """
    ps images logs inspect stats top version info events port diff history search ls list df config context-ls
    port-list help wait ps-a show services ps imagetools du
    """
)
_DOCKER_LOCAL = wordset(
    """
    build run create start stop restart pull tag commit rename pause unpause update exec attach cp load import
    export save up init scan buildx compose network volume image container system builder bake watch kill scout
    """
)
_GROUPS = wordset(
    """
    container image volume network system builder buildx compose context manifest plugin secret service stack swarm
    node config trust checkpoint machine pod scout model
    """
)


def _docker(call: Call) -> None:
    args = list(call.args)
    options_first = 0
    signals: list[str] = []
    while options_first < len(args) and args[options_first].startswith("-"):
        if args[options_first] in ("-H", "--host", "-c", "--context") and options_first + 1 < len(args):
            signals.append(str(args[options_first + 1]))
            options_first += 1
        elif args[options_first] in ("--config", "-l", "--log-level", "--tlscacert"):
            options_first += 1
        options_first += 1
    variable = call.assigns.get("DOCKER_HOST") or call.walk.state.exported.get("DOCKER_HOST")
    if variable:
        signals.append(str(variable))
    args = args[options_first:]
    if not args:
        return
    group = str(args[0]) if args[0] in _GROUPS else ""
    rest = args[1:] if group else args
    if group == "compose":
        _compose_verbs(call, rest, signals)
        return
    verb = next((str(w) for w in rest if not w.startswith("-")), "")
    after = rest[rest.index(Word(verb)) + 1 :] if verb else rest
    facts: dict[str, Any] = {
        "signals": tuple(signals),
        "local": not signals,
        "local_why": "the docker daemon of this machine",
    }
    _docker_verb(call, group, verb, after, facts)


_SHARED = wordset("service stack secret node swarm config network context plugin")


def _docker_verb(call: Call, group: str, verb: str, after: list[Word], facts: dict[str, Any]) -> None:
    options = Options(after, wordset("f filter format until"))
    name = " ".join(str(w) for w in options.rest[:2])
    what = " ".join(part for part in ("docker", group, verb, name) if part)
    word = options.rest[0] if options.rest else None
    builds = verb in ("build", "bake") and any(w == "--push" or "type=registry" in w for w in after)
    if verb == "push" or builds:
        call.emit("pkg.publish", f"image {name}", word, signals=facts["signals"])
    elif verb in ("login", "logout"):
        call.emit("secret.use", "registry credentials")
    elif verb == "cp":
        _docker_copy(call, options.rest)
    elif verb in ("run", "create") and group in ("", "container"):
        _docker_run(call, after, facts)
    elif verb in _DOCKER_READ:
        call.emit("infra.read", f"docker {verb}", signals=facts["signals"])
    elif verb in ("save", "export"):
        edits.write(call, Options(after, ("o", "output")).value("o", "output") or Word("/dev/stdout"))
    elif _docker_destroys(group, verb, options):
        call.emit("infra.destroy", what, word, **facts)
    else:
        shared = group in ("swarm", "service", "stack", "node", "secret", "config")
        call.emit("infra.write", what, word, **{**facts, "local": facts["local"] and not shared})


def _docker_destroys(group: str, verb: str, options: Options) -> bool:
    """Whether a verb loses data or a running container: volumes, prunes, forced removals, what a swarm shares."""
    if verb in ("prune", "kill") or (group == "volume" and verb in ("rm", "remove")):
        return True
    forced = options.has("f", "force", "a", "all", "volumes", "v")
    return (verb in ("rm", "rmi", "remove") and (forced or group in _SHARED)) or (group == "swarm" and verb == "leave")


def _docker_copy(call: Call, words: list[Word]) -> None:
    for item in words:
        if ":" not in item and item is words[-1]:
            edits.write(call, item)
        elif ":" not in item:
            edits.read(call, item)


def _docker_run(call: Call, after: list[Word], facts: dict[str, Any]) -> None:
    text = " ".join(after)
    escapes = re.search(
        r"--privileged|--pid[= ]host|--cap-add[= ](ALL|SYS_ADMIN)|/var/run/docker\.sock|(-v|--volume)[= ]?/:|"
        r"source=/,|--security-opt[= ](apparmor|seccomp)[=:]unconfined|--device[= ]/dev/(sd|nvme|mem)|"
        r"--userns[= ]host",
        text,
    )
    if escapes:
        call.emit("proc.service", "a container that reaches the host", traits={"escape"})
    call.emit("infra.write", "docker run", **facts)


def _compose_verbs(call: Call, rest: list[Word], signals: list[str]) -> None:
    options = Options(rest, wordset("f p file project-name profile env-file t timeout scale e"), clusters=False)
    verb = str(options.rest[0]) if options.rest else ""
    facts: dict[str, Any] = {
        "signals": (*signals, *(str(options.value("f", "file")) or "").split()),
        "local": not signals,
        "local_why": "the docker daemon of this machine",
    }
    if verb == "down" and (options.has("v", "volumes") or options.has("rmi")):
        call.emit(
            "infra.destroy",
            "compose volumes" if options.has("v", "volumes") else "compose images",
            options.rest[0],
            **facts,
        )
    elif verb == "rm" and options.has("v", "f", "s", "force", "volumes", "fsv", "sfv", "fs", "fv", "sv", "vf"):
        call.emit("infra.destroy", "compose containers", options.rest[0], **facts)
    elif verb in ("ps", "logs", "config", "images", "top", "port", "ls", "events", "version", "stats", ""):
        call.emit("infra.read", f"compose {verb}")
    elif verb in {"push", "publish"}:
        call.emit("pkg.publish", "compose images", options.rest[0])
    elif verb == "kill":
        call.emit("infra.destroy", "compose kill", options.rest[0], **facts)
    else:
        call.emit("infra.write", f"compose {verb}", options.rest[0] if options.rest else None, **facts)


def _compose(call: Call) -> None:
    _compose_verbs(call, list(call.args), [])


_KUBE_READ = wordset(
    """
    get describe logs top explain version api-resources api-versions cluster-info events diff wait completion
    options help ktx kns tree neat status whoami projects
    """
)
_KUBE_PERMANENT = re.compile(
    r"(?i)^(ns|namespaces?|pv|persistentvolumes?|pvc|persistentvolumeclaims?|crds?|customresourcedefinitions?|"
    r"nodes?|no|secrets?|deploy(ment)?s?|statefulsets?|sts|daemonsets?|ds|svc|services?|ingress(es)?|ing|all|"
    r"clusterroles?\w*|rolebindings?|clusters?|projects?|configmaps?|cm|cronjobs?|jobs?|helmreleases?|"
    r"prometheusrules?|certificates?)([./].*)?$"
)


_KUBE_ACCESS = re.compile(r"(?i)(secret|token|serviceaccount|clusterrolebinding|rolebinding|clusterrole|role)$")
_KUBE_LIGHT = re.compile(r"(?i)^(pods?|po|events?|rs|replicasets?)([/.].*)?$")


def _kubectl(call: Call) -> None:
    valued = wordset(
        """
        n namespace context kubeconfig cluster user s server l selector o output f filename k kustomize c container
        p patch type token as field-selector grace-period timeout
        """
    )
    options = Options(call.args, valued, clusters=False)
    words = [str(w) for w in options.rest]
    name = " ".join(words[:3]) or call.name
    word = options.rest[0] if options.rest else None
    facts: dict[str, Any] = {"signals": ("kubernetes", *kube_signals(call.args)), "cloud": "kubernetes"}
    if any(w.startswith("--dry-run") and w != "--dry-run=none" for w in call.args):
        call.emit("infra.read", name, **facts)
    elif words[:1] == ["config"]:
        _kube_config(call, words, options, facts)
    else:
        kind = _kube_kind(words, options)
        if kind == "secret.read":
            facts["secret"] = "command"
        call.emit(kind, name, word, **facts)


def _kube_kind(words: list[str], options: Options) -> str:
    verb, noun = (*words[:2], "", "")[:2]
    if verb == "get" and options.has("o", "output") and re.match(r"(?i)^secrets?([./,]|$)|.*,secret", noun):
        return "secret.read"
    if (
        not verb
        or verb in _KUBE_READ
        or (verb, noun) in (("auth", "can-i"), ("rollout", "status"), ("rollout", "history"))
    ):
        return "infra.read"
    if verb == "delete" or (verb, noun) == ("adm", "prune") or (verb == "replace" and options.has("force")):
        light = _KUBE_LIGHT.match(noun) and not options.has("all", "all-namespaces", "A")
        return "infra.write" if light else "infra.destroy"
    if verb == "create" and _KUBE_ACCESS.match(noun):
        return "secret.write"
    if verb in ("login", "logout"):
        return "secret.use"
    return "net.listen" if verb in ("port-forward", "proxy") else "infra.write"


def _kube_config(call: Call, words: list[str], options: Options, facts: dict[str, Any]) -> None:
    noun = words[1] if len(words) > 1 else ""
    if noun == "view" and options.has("raw"):
        call.emit("secret.read", "kubeconfig", options.rest[0], secret="command", **facts)
    elif noun in ("view", "get-contexts", "current-context", "get-clusters", "get-users", ""):
        call.emit("infra.read", " ".join(words[:3]))
    else:
        removes = noun.startswith(("delete", "unset"))
        call.emit("infra.write" if removes else "fs.write", " ".join(words[:3]), **facts)


def _helm(call: Call) -> None:
    signals = ("kubernetes", *kube_signals(call.args))
    options = Options(call.args, wordset("n namespace kube-context kubeconfig f values set version"), clusters=False)
    words = [str(w) for w in options.rest]
    verb = words[0] if words else ""
    name = " ".join(words[:2])
    word = options.rest[0] if options.rest else None
    facts: dict[str, Any] = {"signals": signals, "cloud": "kubernetes"}
    if options.has("dry-run") or verb in wordset(
        """
        list ls status get history hist show search template lint version env verify diff dependency dep create
        package pull fetch help completion inspect
        """
    ):
        call.emit(
            "infra.read" if verb not in ("dependency", "create", "package", "pull") else "fs.write", f"helm {verb}"
        )
    elif verb in ("repo", "plugin", "registry"):
        call.emit("fs.write", f"helm {name}")
    elif verb in ("uninstall", "delete", "del", "un", "destroy"):
        call.emit("infra.destroy", f"helm {name}", word, **facts)
    elif verb == "push":
        call.emit("pkg.publish", f"chart {name}", word)
    else:
        call.emit("infra.write", f"helm {name}", word, **facts)


def _local_cluster(call: Call) -> None:
    """kind, k3d, minikube, colima: clusters of this machine."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    facts: dict[str, Any] = {"local": True, "local_why": f"{call.name} runs on this machine"}
    if verb in ("delete", "prune", "nuke", "destroy"):
        call.emit("infra.destroy", f"{call.name} {' '.join(words[:2])}", **facts)
    elif verb in ("get", "status", "list", "version", "logs", "ip", "ls", "profile", "service", "dashboard", ""):
        call.emit("infra.read", f"{call.name} {verb}", **facts)
    else:
        call.emit("infra.write", f"{call.name} {' '.join(words[:2])}", **facts)


def _registry(call: Call) -> None:
    """crane, skopeo, oras, regctl, cosign: images in registries."""
    words = [str(w) for w in call.args if not w.startswith("-")]
    verb = words[0] if words else ""
    if verb in wordset(
        """
        push copy cp tag append mutate sync attach sign delete rm flatten rebase index
        """
    ):
        call.emit("pkg.publish", f"{call.name} {' '.join(words[:2])}")
    else:
        call.emit("infra.read", f"{call.name} {verb}")


TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(wordset("docker podman nerdctl finch"), _docker),
    **dict.fromkeys(wordset("docker-compose podman-compose"), _compose),
    **dict.fromkeys(wordset("kubectl oc k kubecolor"), _kubectl),
    **dict.fromkeys(wordset("helm helm3 helmsman"), _helm),
    **dict.fromkeys(
        wordset(
            """
            kind k3d minikube colima lima limactl k0s rancher-desktop orb orbctl multipass vagrant
            """
        ),
        _local_cluster,
    ),
    **dict.fromkeys(wordset("crane skopeo oras regctl cosign buildah"), _registry),
}
