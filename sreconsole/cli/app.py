"""Placeholder."""
import json
import sys

from sreconsole import paths


def run() -> int:
    home = paths.home()
    if sys.argv[1:2] == ["serve"]:
        from sreconsole.serve.daemon import serve
        return serve(home)
    from sreconsole.serve.client import Line
    with Line(home) as line:
        print(json.dumps(line.ask(sys.argv[1], **(json.loads(sys.argv[2]) if len(sys.argv)>2 else {})), indent=1))
    return 0
