"""Hostile input is bounded, and never passes because it could not be read."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sreconsole.policy.shell import ansi_c, braces, parse

NESTED = "rm -rf /"
for _ in range(8):
    NESTED = "bash -c '" + NESTED.replace("'", "'\\''") + "'"
HOSTILE = {
    "a megabyte": "echo " + "a" * 1_000_000,
    "ten thousand open substitutions": "echo " + "$(" * 10_000,
    "ten thousand closed substitutions": "echo " + "$(" * 10_000 + "ls" + ")" * 10_000,
    "fifty thousand statements": "ls;" * 50_000,
    "twenty thousand statements": "ls;" * 20_000,
    "five thousand pipes": "|".join(["cat"] * 5_000),
    "five thousand sudos": "sudo " * 5_000 + "rm -rf /",
    "functions that double": "".join(f"f{i}(){{ f{i + 1}; f{i + 1}; }};" for i in range(20)) + "f20(){ ls; }; f0",
    "three thousand cases": "case x in " + "a) ls;; " * 3_000 + "esac",
    "two thousand -exec": "find " + "-exec ls {} \\; " * 2_000,
    "unclosed quotes": "'" * 9_999,
    "unclosed backticks": "`" * 2_001,
    "a zero byte": "ls\0rm -rf /",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_asked_about_and_bounded(name, shell):
    start = time.perf_counter()
    verdict = shell(HOSTILE[name])
    assert verdict.tier >= 3
    assert verdict.unparseable
    # Generous: a machine under load; without bounds these take minutes.
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "command",
    [
        'curl -d "' + '{"query":"mutation{' * 2_000 + '" https://x.y',
        'psql -c "' + "/* " * 20_000 + '"',
        'node -e "rmSync' + " " * 50_000 + 'x"',
        'node -e "' + "execSync(" * 5_000 + '"',
        "python3 - <<EOF\n" + "x=1\n" * 15_000 + "EOF",
        'python3 -c "' + "(" * 3_000 + ")" * 3_000 + '"',
        "a=xxxxxxxxxx; " + "; ".join("a=$a$a" for _ in range(40)) + "; echo $a",
        "; ".join(f"a{i}=$a{i - 1}$a{i - 1}" for i in range(1, 40)) + "; echo $a39",
        "echo " + "{a,b}" * 30,
        "rm {1..1000000000}",
        "cat " + "/.." * 20_000,
        "sed -n 's" + "a" * 20_000 + "' f",
    ],
    ids=lambda c: c[:30],
)
def test_blow_up_is_bounded(command, shell):
    start = time.perf_counter()
    assert 1 <= shell(command).tier <= 4
    assert time.perf_counter() - start < 5


def test_what_is_read_before_the_defect_still_counts(shell):
    assert shell("rm -rf / ; echo 'open").tier == 4
    assert shell("rm -rf / && " + "ls;" * 3_000).tier == 4


@pytest.mark.parametrize(
    "command", ["coproc { rm -rf /; }", "time { rm -rf ~; }", "time ( rm -rf / )", "time for i in 1; do rm -rf /; done"]
)
def test_what_the_grammar_misreads_is_still_found(command, shell):
    assert shell(command).tier == 4


@pytest.mark.parametrize(
    "command",
    [
        "1A=2 git status",
        "ls; }",
        "sudo { ls; }",
        "sudo ( ls )",
        "if true; then ls",
        "echo $(ls",
        "cat <<A <<B\n1\nA\n2\nB\n",
    ],
)
def test_no_shell_grammar_is_never_below_three(command, shell):
    verdict = shell(command)
    assert verdict.tier >= 3
    assert verdict.unparseable


@pytest.mark.parametrize(
    "command", ["time make", "time { make; }", "time for i in 1 2; do ls; done", "coproc { make; }"]
)
def test_legal_uses_of_time_and_coproc_are_read(command, shell):
    assert not shell(command).unparseable


@pytest.mark.torture
@pytest.mark.parametrize("seed", [1, 2])
def test_the_parser_survives_a_fuzz_run_in_a_process_of_its_own(seed):
    script = Path(__file__).with_name("parser_fuzz.py")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(script), str(seed), "20000"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr[-400:]
    assert done.stdout.strip() == "survived"


def test_offsets_are_those_of_the_text_with_its_own_characters():
    data = "echo 💥; rm x".encode()
    command = parse(data).root_node.named_children[-1]
    assert data[command.start_byte : command.end_byte] == b"rm x"


@pytest.mark.parametrize(
    ("text", "value"),
    [(r"\x72\x6d", "rm"), (r"\162m", "rm"), (r"r", "r"), (r"a\nb", "a\nb"), (r"\'", "'"), (r"\U110000", "�")],
)
def test_ansi_c_quoting(text, value):
    assert ansi_c(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{a,b}", ["a", "b"]),
        ("x{a,b}y", ["xay", "xby"]),
        ("{a,{b,c}}", ["a", "b", "c"]),
        ("{1..3}", ["1", "2", "3"]),
        ("{a}", ["{a}"]),
        ("{}", ["{}"]),
        ("{a,b", ["{a,b"]),
    ],
)
def test_brace_expansion(text, words):
    assert [word for word, _ in braces(text, [False] * len(text))] == words


def test_span_marks_the_guilty_part_inside_nested_text(shell):
    command = "ls && ssh prod-db-1 'rm -rf /var/lib/postgresql'"
    verdict = shell(command)
    assert command[slice(*verdict.span)] == "/var/lib/postgresql"
    assert verdict.trail == ("ssh prod-db-1", "rm")
    wide = "echo 'ünï 💥' && rm -rf /"
    assert wide[slice(*shell(wide).span)] == "/"


def test_a_probe_wrapped_eight_shells_deep(shell):
    assert shell(NESTED).tier == 4
    assert json.dumps(NESTED)
