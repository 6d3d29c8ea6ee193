"""docs/configuration.md says what config.py and paths.py do."""

from __future__ import annotations

import re
import tomllib

import pytest
from house import ROOT

from sreconsole import config, paths

PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := re.split(r"(?<!\\)\|", line.strip("| \n"))) == 4
}
TYPES = {str: "text", bool: "true or false", float: "number", int: "whole number", list: "list of text", dict: "table"}


@pytest.mark.parametrize("field", config.FIELDS, ids=lambda field: field.name)
def test_every_setting_is_documented(field: config.Field) -> None:
    kind, default, says = ROWS[field.name]
    assert kind == TYPES[field.kind]
    assert tomllib.loads(f"x = {default.strip('`')}")["x"] == field.default
    assert says.endswith(".")


def test_no_setting_is_documented_that_is_none() -> None:
    settings = {
        name
        for name in ROWS
        if "." in name and name.split(".")[0] in {field.name.split(".")[0] for field in config.FIELDS}
    }
    assert settings - {field.name for field in config.FIELDS} <= {"policy.yaml", "config.toml"}


def test_the_example_loads(tmp_path: object) -> None:
    from pathlib import Path

    example = PAGE.split("```toml\n")[1].split("```")[0]
    file = Path(str(tmp_path)) / "config.toml"
    file.write_text(example)
    assert config.load(file)["operators.groups"] == ["oncall"]


def test_every_file_of_a_home_is_documented() -> None:
    home = paths.at(ROOT)
    for path in (home.store, home.policy, home.settings, home.hook_socket, home.operator_socket, home.log, home.hooks):
        assert f"`{path.name}" in PAGE
    for folder in paths.SYSTEM:
        assert f"`{folder}`" in PAGE


def test_every_variable_is_documented() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "sreconsole").glob("*.py"))
    named = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', sources))
    assert named >= {"SRECONSOLE_HOME", "XDG_STATE_HOME"}
    assert [name for name in named if f"`{name}`" not in PAGE] == []
