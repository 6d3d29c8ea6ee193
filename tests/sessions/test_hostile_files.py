"""Files nobody should have to read: bounded memory, one clear line each, and the rest is still counted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from logs import GEMINI_HEAD, assistant, put, usage

from sreconsole.sessions import logfiles
from sreconsole.sessions.prices import PriceList
from sreconsole.sessions.usage import measure


def counted(root: Path) -> tuple[int, list[str]]:
    report = measure([root], PriceList())
    return sum(use.calls for use in report.models.values()), report.faults.lines


def test_a_line_of_fifty_megabytes_binary_and_zeros_in_bounded_memory(tmp_path: Path) -> None:
    with (tmp_path / "big.jsonl").open("wb") as out:
        out.write(json.dumps(assistant("m1", usage(1, 2), "r1")).encode() + b"\n")
        out.write(b'{"type":"user","message":{"content":"')
        for _ in range(50):
            out.write(b"x" * (1 << 20))
        out.write(b'"}}\n' + json.dumps(assistant("m2", usage(1, 2), "r2")).encode() + b"\n")
    (tmp_path / "binary.jsonl").write_bytes(os.urandom(3 << 20))
    (tmp_path / "zeros.jsonl").write_bytes(bytes(3 << 20))
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "deep.jsonl").write_text('{"a":' * 100_000 + '"output_tokens"\n')
    code = (
        "import sys; from pathlib import Path; from sreconsole.sessions.usage import measure\n"
        "from sreconsole.sessions.prices import PriceList\n"
        "report = measure([Path(sys.argv[1])], PriceList())\n"
        "peak = next(one for one in open('/proc/self/status') if one.startswith('VmHWM')).split()[1]\n"
        "print(sum(use.calls for use in report.models.values()), int(peak) >> 10)\n"
        "print(*report.faults.lines, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    first, *faults = done.stdout.splitlines()
    calls, megabytes = map(int, first.split())
    assert calls == 2
    assert megabytes <= 80
    assert [line for line in faults if "longer than 16 MB" in line]


def test_a_long_line_is_read_where_it_fits(tmp_path: Path) -> None:
    wide = assistant("m1", usage(1, 2), "r1", padding="y" * (5 << 20))
    put(tmp_path / "a.jsonl", wide, assistant("m2", usage(1, 2), "r2"), wide)
    assert counted(tmp_path) == (2, [])


def test_links_are_not_followed_inside_a_folder_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "logs/a.jsonl", assistant("m1", usage(1, 2), "r1"))
    put(tmp_path / "elsewhere/b.jsonl", assistant("m2", usage(1, 2), "r2"))
    (tmp_path / "logs/loop").symlink_to(tmp_path / "logs")
    (tmp_path / "logs/b.jsonl").symlink_to(tmp_path / "elsewhere/b.jsonl")
    calls, faults = counted(tmp_path / "logs")
    assert calls == 1
    assert faults == [f"{tmp_path}/logs/b.jsonl: a symbolic link, not followed"]
    (tmp_path / "named").symlink_to(tmp_path / "elsewhere")
    assert counted(tmp_path / "named") == (1, [])


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    log = put(tmp_path / "a.jsonl", assistant(None, usage(1, 2), None))
    os.link(log, tmp_path / "b.jsonl")
    report = measure([tmp_path, log, tmp_path], PriceList())
    assert sum(use.calls for use in report.models.values()) == 1


def test_a_pipe_a_folder_named_like_a_log_and_a_file_without_permission(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    closed = put(tmp_path / "closed.jsonl", assistant("m1", usage(1, 2), "r1"))
    closed.chmod(0)
    calls, faults = counted(tmp_path)
    if os.geteuid() == 0:
        assert (calls, faults) == (1, [])
    else:
        assert calls == 0 and faults == [f"{closed}: cannot be read (Permission denied)"]
    assert measure([tmp_path / "pipe.jsonl"], PriceList()).faults.lines == [
        f"{tmp_path}/pipe.jsonl: neither a file nor a folder, passed over"
    ]


def test_ten_thousand_files(tmp_path: Path) -> None:
    for number in range(10_000):
        folder = tmp_path / f"p{number % 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.jsonl").write_text(json.dumps(assistant(f"m{number}", usage(1, 2), "r")) + "\n")
    assert counted(tmp_path) == (10_000, [])


def test_many_problems_are_a_few_lines_and_a_number(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"{number}.jsonl").symlink_to(tmp_path / "nowhere")
    report = measure([tmp_path], PriceList())
    assert (len(report.faults.lines), report.faults.more) == (50, 30)


@pytest.mark.parametrize(
    ("name", "head", "client"),
    [
        ("x.jsonl", b'{"timestamp":"t","type":"session_meta","payload":{}}', "codex"),
        ("x.jsonl", b'{"timestamp": "t", "ordinal": 0, "type": "event_msg", "payload": {}}', "codex"),
        ("rollout-1.jsonl", b"", "codex"),
        ("x.jsonl", json.dumps(GEMINI_HEAD).encode(), "gemini"),
        ("session-1.json", b'{\n "sessionId": "x",\n "messages": []', "gemini"),
        ("settings.json", b'{"hooks": {}}', ""),
        (
            "x.jsonl",
            b'{"type":"user","message":{"content":"{\\"type\\":\\"session_meta\\",\\"payload\\":1}"}}',
            "claude-code",
        ),
        ("x.jsonl", b"\xff\xfe\x00", "claude-code"),
    ],
)
def test_whose_a_log_is(name: str, head: bytes, client: str) -> None:
    assert logfiles.whose(head, Path(name)) == client
