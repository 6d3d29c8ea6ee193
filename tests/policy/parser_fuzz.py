"""Runs in a process of its own: parse many hostile texts. A crash of the parser is this process's death, not a test's."""

from __future__ import annotations

import random
import sys

from sreconsole.policy.shell import parse

TOKENS = [
    "rm", "<<EOF", "<<-E", "<<'X'", "\n", "EOF", "E", "$(", ")", "`", "'", '"', "{", "}", "\x01", "é", "💥", "\u2028", "\r", "\t", " ", "\\", "<<", "<<<", "<", "$", "#", "=",
    "(", "[", "\ufeff", "X", "${", "%", "/", "!", "*", "|", "&", ";", "[[", "]]", "((", "))", "case", "esac", "in", "for", "do", "done", "if", "then", "fi", "@(", "?(", "$'",
]  # fmt: skip
# Inputs that kill tree-sitter-bash 0.25.1 when it sees their characters as they are.
DEADLY = [
    b"\x0c{\xf1\xb6\x8c\xae\xf2\xbc\xb6\x82\xe0\xa5\xb5\x00\x1b\xe2\xa2\x96\xf1\xa3\x9d\x84\x1a\xe0\xb5\xabne\xe1\xbb\x82",
    b"\xf1\x8a\xbb\x9f\xf2\xa1\xaa\x94\xf0\xa2\xa4\x9e\xf1\x83\x89\xbd\xf2\xb6\x80\xba.\xe1\xb6\x90\xe2\x9b\x9d\xf3\x90\x8a\xa8\xe1\xab\xab{",
    b"\xf2\xa5\xb5\xbc\xf1\xaf\xba\xb4\x1b\xe2\xba\xbb\xf2\x9f\xb8\x9d{\xf3\x97\x81\xa0.\xe0\xa9\x8a\xf2\xab\x8d\xa0\xe2\xbd\xa0\xc9\x81",
]


def texts(seed: int, count: int) -> list[bytes]:
    chance = random.Random(seed)
    made = list(DEADLY)
    for _ in range(count):
        kind = chance.random()
        if kind < 0.6:
            text = chance.choice(["", " "]).join(chance.choice(TOKENS) for _ in range(chance.randint(0, 40)))
        elif kind < 0.8:
            low, high = chance.choice([(1, 0x7F), (0x80, 0x2FFF), (0x10000, 0x10FFFF)])
            text = "{" + "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(0, 60)))
        else:
            text = "".join(chr(chance.randint(1, 0x7F)) for _ in range(chance.randint(0, 80)))
        made.append(text.encode("utf-8", "surrogatepass"))
    return made


if __name__ == "__main__":
    for data in texts(int(sys.argv[1]), int(sys.argv[2])):
        assert parse(data).root_node.end_byte <= len(data)
    print("survived")
