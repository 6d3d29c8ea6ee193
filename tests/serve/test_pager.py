"""A waiting question pages after the policy's delay; what cannot be delivered is retried, then given up aloud."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from house import House, wait_for

from sreconsole.serve.client import Refused
from sreconsole.store import outbox

POLICY = """
version: 1
rules:
  - {id: t.ask, tier: 3, match: {tool: Bash, command: ["touch"]}, why: "writes a file", page_after: 1s}
"""


class Receiver:
    """A real HTTP server that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = [200]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = outer.status.pop(0) if len(outer.status) > 1 else outer.status[0]
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/page"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()


@pytest.fixture
def paged(receiver: Receiver, tmp_path: Any) -> Iterator[House]:
    key = tmp_path / "key"
    key.write_text("s3cret-of-the-pager\n")
    key.chmod(0o600)
    house = House(POLICY, f'[pager.webhook]\nurl = "{receiver.url}"\nsecret_file = "{key}"\n')
    yield house.start()
    house.close()


def test_a_waiting_question_pages_once_and_signed(paged: House, receiver: Receiver) -> None:
    hook = paged.hook(paged.bash("touch a"))
    e = paged.waiting()[0]
    wait_for(lambda: receiver.got, 10, "the page")
    headers, body = receiver.got[0]
    stamp = headers["x-sreconsole-timestamp"]
    mac = hmac.new(b"s3cret-of-the-pager", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-sreconsole-signature"] == f"v1={mac}"
    page = json.loads(body)
    assert page["open"] == f"sreconsole escalations show {e.id}"
    assert page["deadline"] == e.deadline
    assert headers["idempotency-key"] == f"{e.id}:webhook:asked"
    wait_for(lambda: paged.events("page.sent"), 5, "the record of it")
    assert len(receiver.got) == 1
    hook.kill()


def test_a_quick_answer_pages_nobody(paged: House, receiver: Receiver) -> None:
    paged.hook(paged.bash("touch a"))
    paged.decide("deny", paged.waiting()[0])
    with pytest.raises(AssertionError):
        wait_for(lambda: receiver.got, 2, "a page that must not come")


def test_a_failing_receiver_is_retried_with_the_same_key(paged: House, receiver: Receiver) -> None:
    receiver.status = [500, 503, 200]
    hook = paged.hook(paged.bash("touch a"))
    wait_for(lambda: paged.events("page.sent"), 20, "the page to get through")
    assert len({headers["idempotency-key"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 3
    hook.kill()


def test_killed_before_it_was_sent_the_page_still_goes_out(paged: House, receiver: Receiver) -> None:
    receiver.status = [500]
    hook = paged.hook(paged.bash("touch a"))
    wait_for(lambda: receiver.got, 10, "the first try")
    paged.kill()
    receiver.status = [200]
    paged.start()
    wait_for(lambda: paged.events("page.sent"), 20, "the page after the restart")
    hook.kill()


def test_pages_test_says_what_came_of_it(paged: House, receiver: Receiver) -> None:
    letters = paged.ask("page_test")["letters"]
    assert [letter["state"] for letter in letters] == ["sent"]
    receiver.status = [401]
    letters = paged.ask("page_test")["letters"]
    assert letters[0]["error"] == "HTTP 401"


def test_a_readable_key_file_is_refused(paged: House, receiver: Receiver) -> None:
    path = paged.home.settings.read_text().split('secret_file = "')[1].split('"')[0]
    os.chmod(path, 0o644)
    letters = paged.ask("page_test")["letters"]
    assert "chmod 600" in letters[0]["error"]
    assert not receiver.got


def test_without_a_pager_the_log_says_so(house: House) -> None:
    with pytest.raises(Refused, match=r"pager\.webhook\.url"):
        house.ask("page_test")
    hook = house.hook(house.bash("touch a"))
    queued = wait_for(lambda: house.events("page.queued"), 5, "the note")
    assert "no pager is configured" in queued[0].summary
    assert house.read(lambda c: outbox.newest(c)) == []
    hook.kill()
