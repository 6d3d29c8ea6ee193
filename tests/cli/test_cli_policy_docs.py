"""docs/policy.md: every example loads with its tests, and every word of the language is in it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from sreconsole.cli import policy
from sreconsole.policy import schema, tiers
from sreconsole.policy.matching import NAMES
from sreconsole.policy.policy import load
from sreconsole.policy.rules import STEP

PAGE = Path(__file__).parent.parent.parent / "docs/policy.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
TODAY = datetime.date(2026, 6, 1)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0][:30])
def test_an_example_loads(example: str):
    assert load([example], TODAY, starter=True).version


def test_every_matcher_has_an_example():
    block = next(one for one in EXAMPLES if "m.effect" in one)
    assert {name for name in NAMES if not re.search(rf"\b{name}:", block)} == set()


def keys(node: object) -> set[str]:
    """Every property name in a JSON Schema."""
    if isinstance(node, list):
        return set().union(*map(keys, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
    return own.union(*map(keys, node.values()))


def test_every_key_of_the_schema_is_mentioned():
    wanted = keys(schema.schema()) | STEP
    assert {"exceptions", "graphql_mutation", "kube_context", "other_tool"} <= wanted
    assert {key for key in wanted if not re.search(rf"\b{key}\b", TEXT)} == set()


def test_every_effect_is_listed_with_its_tier():
    assert [kind for kind in tiers.kinds() if f"| `{kind}` | {tiers._BASE[kind][0]} |" not in TEXT] == []


def test_every_command_is_named():
    import typer

    words = typer.main.get_command(policy.app).commands  # type: ignore[attr-defined]
    assert {word for word in words if f"policy {word}" not in TEXT} == {"reload"}
