"""The tests of a policy as a JUnit report, for a continuous-integration server to show."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sreconsole.policy.policy import Tested


def report(ran: Sequence[Tested], failures: Sequence[str]) -> str:
    """One `testcase` a test, by rule; what failed beside the tests (a file, advice) is a case of its own.

    The form is what JUnit's Ant task writes: testsuite > testcase > failure.
    """
    problems = {one.problem for one in ran}
    others = [failure for failure in failures if failure not in problems]
    suite = ElementTree.Element("testsuite", name="policy", tests=str(len(ran) + len(others)), errors="0",
                                failures=str(len(failures)))  # fmt: skip
    for one in ran:
        case = ElementTree.SubElement(suite, "testcase", classname=one.rule, name=_plain(f"{one.where}: {one.said}"))
        if one.problem:
            ElementTree.SubElement(case, "failure", message=_plain(one.problem))
    for failure in others:
        case = ElementTree.SubElement(suite, "testcase", classname="policy", name=_plain(failure.partition(": ")[0]))
        ElementTree.SubElement(case, "failure", message=_plain(failure))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    """Text without the characters XML 1.0 cannot hold (section 2.2)."""
    return "".join(
        c if c in "\t\n" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" or c > "\uffff" else "?" for c in text
    )
