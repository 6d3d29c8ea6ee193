"""`sreconsole sessions usage`: one document or a table, and one clear line for what cannot be read."""

import json
import subprocess
import sys
from pathlib import Path


def line(message: str, model: str = "claude-opus-4-6") -> str:
    used = {"input_tokens": 1, "output_tokens": 2}
    return json.dumps({"type": "assistant", "message": {"id": message, "model": model, "usage": used}}) + "\n"


def usage(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sreconsole", "sessions", "usage", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_document_holds_a_price_only_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line("m1") + line("m2", "home-made"))
    done = usage(tmp_path, "--json")
    models = json.loads(done.stdout)["models"]
    assert done.returncode == 0 and models["claude-opus-4-6"]["calls"] == 1
    assert models["home-made"]["usd"] is None and models["claude-opus-4-6"]["usd"] > 0


def test_the_table_is_harmless_and_says_that_prices_are_an_estimate(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line("m1") + line("m2", "home-\x1b[31mmade"))
    shown = usage(tmp_path).stdout
    assert "unpriced" in shown and "< $0.01" in shown and "List price, an estimate" in shown and "\x1b" not in shown


def test_what_is_not_there_and_prices_that_cannot_be_used_are_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line("m1"))
    (tmp_path / "prices.json").write_text('{"models": {"m": {"input": 3}}}')
    absent = usage(tmp_path / "absent")
    bad = usage(tmp_path / "a.jsonl", "--prices", tmp_path / "prices.json")
    assert absent.returncode == bad.returncode == 2
    assert "no such file or folder" in absent.stderr and absent.stderr.count("\n") == 1
    assert "models.m.output" in bad.stderr and bad.stderr.count("\n") == 1
