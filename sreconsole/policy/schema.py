"""The JSON Schema of a policy file, made from the same tables the loader checks by. For editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import rules
from .matching import NAMES
from .tiers import kinds

FILE = Path(__file__).with_name("schema.json")
_TEXTS: dict[str, Any] = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_TIER: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 4}
_TIME: dict[str, Any] = {
    "oneOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]$"}, {"type": "number", "minimum": 0}]
}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _match() -> dict[str, Any]:
    here = {"$ref": "#/$defs/match"}
    special: dict[str, Any] = {
        "not": here,
        "any": {"type": "array", "items": here, "minItems": 1},
        "all": {"type": "array", "items": here, "minItems": 1},
        "effect": {"oneOf": [{"$ref": "#/$defs/effect"}, {"type": "array", "items": {"$ref": "#/$defs/effect"}}]},
        "path": {
            "oneOf": [
                *_TEXTS["oneOf"],
                _object(
                    {"outside": {"const": "project"}, "inside": {"const": "project"}, "under": _TEXTS, "glob": _TEXTS}
                ),
            ]
        },
        "shrink": _object(
            {"lines_removed": {"type": ["string", "number"]}, "or_ratio": {"type": ["string", "number"]}}
        ),
        "remote": {"oneOf": [{"type": "boolean"}, *_TEXTS["oneOf"]]},
    }
    return _object({name: special.get(name, _TEXTS) for name in sorted(NAMES)})


def _ask() -> dict[str, Any]:
    return {
        "wait": _TIME,
        "page_after": _TIME,
        "then": {"enum": ["refuse", "defer"]},
        "confirm": {"enum": ["type"]},
        "approvers": {"enum": [1, 2]},
        "attended": {"enum": ["ask", "gate"]},
    }


def _known(names: frozenset[str], given: dict[str, Any]) -> dict[str, Any]:
    return {name: given.get(name, True) for name in sorted(names)}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a policy file."""
    text = {"type": "string"}
    test = _known(rules.TEST, {"bash": text, "tool": text, "input": {"type": "object"}, "tier": _TIER})
    match = {"$ref": "#/$defs/match"}
    rule = _known(
        rules.RULE,
        {
            "id": text,
            "tier": _TIER,
            "match": match,
            "why": text,
            "instead": text,
            "locked": {"type": "boolean"},
            **_ask(),
        },
    )
    rule["tests"] = {"type": "array", "items": _object(test, ("tier",))}
    exception = _known(
        rules.EXCEPTION, {"tier": _TIER, "match": match, "owner": text, "until": text, "why": text, "rule": text}
    )
    chain = _known(rules.CHAIN, {"tier": _TIER, "within": _TIME, "page": {"type": "boolean"}})
    environment = _known(rules.ENVIRONMENT, {**dict.fromkeys(rules.ENVIRONMENT, _TEXTS), "env": {"type": "object"}})
    top = _known(
        rules.TOP,
        {
            "version": {"const": 1},
            "rules": {"type": "array", "items": _object(rule, ("id", "tier", "match"))},
            "exceptions": {
                "type": "array",
                "items": _object(exception, ("id", "rule", "tier", "owner", "until", "why")),
            },
            "chains": {"type": "array", "items": _object(chain, ("id", "tier", "steps"))},
            "environments": {"type": "object", "additionalProperties": _object(environment)},
            "critical_paths": _TEXTS,
            "default": _object({"tier": _TIER, "why": text}),
            "on_parse_error": _object({"tier": {"enum": [3, 4]}, "why": text}),
            "escalation": _object(_ask()),
            "budgets": {"type": "object"},
        },
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sreconsole blast-radius policy",
        **_object(top),
        "$defs": {
            "match": _match(),
            "effect": {"anyOf": [{"enum": sorted(kinds())}, {"type": "string", "pattern": r"\*$"}]},
        },
    }


def text() -> str:
    """The schema as the bytes kept in `schema.json`."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"
