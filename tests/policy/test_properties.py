"""Laws no input breaks: wrappers never lower, lists are as strict as their strictest part, quoting drops the effect."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROBES = [json.loads(line) for line in (Path(__file__).parent / "probes.jsonl").read_text().splitlines()]
COMMANDS = [p["command"] for p in PROBES]
ONE_LINE = [c for c in COMMANDS if "\n" not in c and "#" not in c]
HARD = [p["command"] for p in PROBES if p["tier"] == 4 and "\n" not in p["command"]]
SIMPLE = [
    "rm -rf /", "rm -rf ~", "rm -rf ../x", "git push origin main", "git reset --hard HEAD~3", "cat ~/.aws/credentials", "npm publish",
    "terraform destroy -auto-approve", "kubectl delete namespace prod", "ls -la", "touch src/b.py", "pip install requests", "npm run build",
    "dd if=/dev/zero of=/dev/sda", "aws iam create-access-key --user-name ci", "rm -rf node_modules", "gh repo delete acme/api --yes",
    "python3 -c \"import shutil; shutil.rmtree('/')\"", "curl -X DELETE https://api.render.com/v1/services/srv-1", "crontab -r",
]  # fmt: skip
WRAPPERS = [
    "sudo {}", "sudo -u root {}", "env {}", "env -i A=1 {}", "nohup {}", "time {}", "time -p {}", "timeout 5 {}", "timeout -s KILL 5s {}", "nice -n 5 {}",
    "ionice -c3 {}", "command {}", "exec {}", "setsid {}", "stdbuf -oL {}", "flock /tmp/l {}", "coproc {}", "( {} )", "{{ {}; }}", "! {}", "A=1 B=2 {}",
    "if true; then {}; fi", "for i in 1; do {}; done", "while true; do {}; break; done", "f(){{ {}; }}; f", "echo $({})", "echo `{}`", "cat <({})",
    "true && {}", "false || {}", "{} | cat", "{} > /dev/null 2>&1", "{} &", "doas {}", "busybox {}", "xargs {} < /dev/null", "watch -n1 {}",
    "case x in x) {};; esac", "cd . && {}", "\n\n{}\n", "strace -f {}", "caffeinate -i {}", "taskset 1 {}", "chrt 1 {}", "setarch x86_64 {}", "unshare -m {}",
]  # fmt: skip
QUOTERS = [
    "bash -c {}",
    "sh -c {}",
    "zsh -lc {}",
    "eval {}",
    "sudo bash -c {}",
    "env -S {}",
    "trap {} EXIT",
    "bash <<< {}",
    "echo {} | sh",
    "su -c {}",
    "script -qc {} /dev/null",
]
DATA = [
    "echo {}",
    "git commit -m {}",
    "printf '%s' {}",
    "grep -rn -- {} src",
    "gh pr create --body {}",
    "git log --grep={}",
    "rg -- {}",
    "X={}",
    "jq {} f.json",
    ": {}",
    "logger {}",
]
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RELAXED
@given(command=st.sampled_from(SIMPLE), wrappers=st.lists(st.sampled_from(WRAPPERS), min_size=1, max_size=3))
def test_a_wrapper_never_lowers_a_tier(command, wrappers, shell):
    wrapped = command
    for wrapper in wrappers:
        if "`" in wrapper and "`" in wrapped:
            continue
        wrapped = wrapper.format(wrapped)
        # A program cannot run a shell's compound command or assignment: from there on only compounds may follow.
        if (
            not wrapper[0].isalpha()
            or "=" in wrapper.split()[0]
            or wrapper.split()[0] in ("if", "for", "while", "case", "f(){{")
        ):
            break
    assert shell(wrapped).tier >= shell(command).tier, wrapped


@RELAXED
@given(command=st.sampled_from(SIMPLE), wrappers=st.lists(st.sampled_from(QUOTERS), min_size=1, max_size=3))
def test_text_given_to_a_shell_keeps_its_tier(command, wrappers, shell):
    wrapped = command
    for wrapper in wrappers:
        wrapped = wrapper.format(shlex.quote(wrapped))
    assert shell(wrapped).tier >= shell(command).tier, wrapped


@RELAXED
@given(
    first=st.sampled_from(ONE_LINE),
    second=st.sampled_from(ONE_LINE),
    glue=st.sampled_from([" && ", " || ", "; ", "\n", " & "]),
)
def test_a_list_is_at_least_its_strictest_part(first, second, glue, shell):
    if glue == "; " and first.rstrip().endswith("&"):
        glue = " "
    text = first + glue + second
    assert shell(text).tier >= shell(first).tier, text
    # What comes second may stand in another directory; its own words still count.
    if not first.startswith(("cd ", "alias", "exec", "trap")):
        assert shell(text).tier >= min(shell(second).tier, 3), text


@RELAXED
@given(command=st.sampled_from(HARD), holder=st.sampled_from(DATA))
def test_quoting_a_command_as_data_drops_its_effect(command, holder, shell):
    text = holder.format(shlex.quote(command))
    assert shell(text).tier <= 2, text


def _spaced(command: str) -> str:
    return "  " + command.replace(" ", "   ", 1) + "  "


def _split_variable(command: str) -> str:
    head, _, rest = command.partition(" ")
    return f"a={head[:1]}; b={head[1:]}; $a$b {rest}"


def _quoted_name(command: str) -> str:
    head, _, rest = command.partition(" ")
    return f"{head[0]}''{head[1:]} {rest}"


def _double_quoted_name(command: str) -> str:
    head, _, rest = command.partition(" ")
    return f'"{head}" {rest}'


def _escaped_name(command: str) -> str:
    return "\\" + command


def _ansi_name(command: str) -> str:
    head, _, rest = command.partition(" ")
    return "$'" + "".join(f"\\x{ord(c):02x}" for c in head) + f"' {rest}"


def _default_value(command: str) -> str:
    head, _, rest = command.partition(" ")
    return f"${{NOPE:-{head}}} {rest}"


def _braces(command: str) -> str:
    words = command.split(" ")
    return (
        "{" + ",".join(words) + "}" if len(words) > 1 and not set(command) & set("'\"$|&;<>(){},\\`#*?~=") else command
    )


MUTATIONS = [
    _spaced,
    _split_variable,
    _quoted_name,
    _double_quoted_name,
    _escaped_name,
    _ansi_name,
    _default_value,
    _braces,
]


@RELAXED
@given(command=st.sampled_from(SIMPLE), mutate=st.sampled_from(MUTATIONS), spaced=st.booleans())
def test_spelling_does_not_change_the_tier(command, mutate, spaced, shell):
    mutated = mutate(command)
    if spaced and mutate is not _braces:
        mutated = _spaced(mutated)
    assert shell(mutated).tier >= shell(command).tier, mutated


TOKENS = st.sampled_from(
    ["rm", "-rf", "/", "$(", ")", "`", "'", '"', "<<EOF", "\n", "EOF", "|", "&&", ";", "{", "}", "[[", "]]", "((", "))", "$x", "${x:-", "}", "for", "do", "done", "if", "then",
     "fi", "case", "esac", "in", "<(", ">", ">>", "2>&1", "\\", "#", "=", "x=1", "sudo", "bash", "-c", "python3", "é", "💥", "\x00", "\ud800", "!", "*", "?", "~", "&", "coproc",
     "time", "function", "f()", "env", "-S", "xargs", "find", "-exec", "curl", "psql", "git", "-c", "$'", "\\x41", "<<<", "$((", "%", "@", "eval", "node", "-e", "awk", "ssh", "h"]
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(TOKENS, max_size=40), glue=st.sampled_from(["", " "]))
def test_no_text_crashes_the_judge(parts, glue, shell):
    verdict = shell(glue.join(parts))
    assert 1 <= verdict.tier <= 4
    assert not verdict.why.startswith("Could not read") or verdict.tier >= 3
    assert "failed on it" not in verdict.why, verdict.why


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_any_unicode_is_judged_with_spans_inside_it(text, shell):
    verdict = shell(text)
    if verdict.span is not None:
        assert 0 <= verdict.span[0] <= verdict.span[1] <= len(text) + 1
