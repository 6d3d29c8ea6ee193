"""Reading YAML with positions: every complaint about a policy names its file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without its C part
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


MOST_NODES = 200_000


class PolicyError(ValueError):
    """A policy that does not load. `problems` are lines `FILE:LINE: KEY: what is wrong, how to mend it`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Lines(dict[str, Any]):
    """A mapping read from YAML that knows its own line and the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.line = 0
        self.lines: dict[str, int] = {}


class Report:
    """Collects problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[str] = []
        self.nodes = 0

    def add(self, line: int, key: str, what: str) -> None:
        """One problem, one line."""
        self.problems.append(f"{self.file}:{line}: {key + ': ' if key else ''}{what}")

    def unknown(self, where: Mapping[str, Any], path: str, allowed: Iterable[str]) -> None:
        """Complain about every key that is not one of `allowed`, with the nearest that is."""
        names = sorted(allowed)
        for key in where:
            if key not in names:
                near = difflib.get_close_matches(str(key), names, 1, 0.6)
                hint = f", did you mean {near[0]}" if near else f" (known: {', '.join(names)})"
                self.add(line_of(where, key), f"{path}.{key}" if path else str(key), f"unknown key{hint}")


def line_of(where: object, key: str = "") -> int:
    """Line of a key, or of the mapping itself."""
    if isinstance(where, Lines):
        return where.lines.get(key, where.line)
    return 1


def parse(text: str, report: Report) -> Lines:
    """The top mapping of a YAML text. Duplicate keys, other types and syntax errors go to the report."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        report.add(mark.line + 1 if mark else 1, "", f"not YAML: {error.problem or error}")
        return Lines()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        report.add(1, "", f"not YAML: {str(error).splitlines()[0]}")
        return Lines()
    if node is None:
        return Lines()
    value = _build(node, report, "", 0)
    if not isinstance(value, Lines):
        report.add(1, "", "the file must be a mapping with rules")
        return Lines()
    return value


def _build(node: yaml.Node, report: Report, path: str, depth: int) -> Any:
    report.nodes += 1
    if depth > 40:
        report.add(node.start_mark.line + 1, path, "nested too deep")
        return None
    if report.nodes > MOST_NODES:
        # An alias is built again wherever it stands: a few lines can name a billion of them.
        if report.nodes == MOST_NODES + 1:
            report.add(
                node.start_mark.line + 1, path, f"more than {MOST_NODES} values, aliases counted where they stand"
            )
        return None
    if isinstance(node, yaml.MappingNode):
        found = Lines()
        found.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            if report.nodes > MOST_NODES:
                break
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node)
            if key in found:
                report.add(key_node.start_mark.line + 1, f"{path}.{key}" if path else key, "written twice, keep one")
            found.lines[key] = key_node.start_mark.line + 1
            found[key] = _build(value_node, report, f"{path}.{key}" if path else key, depth + 1)
        return found
    if isinstance(node, yaml.SequenceNode):
        items = enumerate(node.value if report.nodes <= MOST_NODES else ())
        return [_build(item, report, f"{path}[{index}]", depth + 1) for index, item in items]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    value = str(node.value)
    if node.tag == "tag:yaml.org,2002:int":
        try:
            return int(value.replace("_", ""), 0) if not value.isdigit() else int(value)
        except ValueError:
            return value
    if node.tag == "tag:yaml.org,2002:float":
        try:
            return float(value)
        except ValueError:
            return value
    if node.tag == "tag:yaml.org,2002:bool":
        return value.lower() in ("true", "yes", "on")
    if node.tag == "tag:yaml.org,2002:null":
        return None
    return value
