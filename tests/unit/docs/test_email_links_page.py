"""What the page about links tells developers to type makes links that the door believes."""

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from services.ingest.protocols.links import NAMES, ONCE_WITHIN, SIGNATURE, Route, read_link
from shared.clock import SECOND
from tests.parts import require

PAGE = Path("docs/connect/email-links.md").read_text()
KEY = b"k" * 32
FIELDS = {"k": "tw_abc", "to": "https://shop.example/grød?a=b&c=d e", "user_id": "u+1 æ", "campaign": "spring"}


def _block(runner: str) -> str:
    found = re.search(rf"<!-- sign: {runner} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def _python() -> list[str]:
    call = f"print(link('https://in.example', {base64.urlsafe_b64encode(KEY).decode()!r}, 'click', **{FIELDS!r}))"
    return [sys.executable, "-c", f"{_block('python')}\n{call}"]


def _node() -> list[str]:
    said = msgspec.json.encode(FIELDS).decode()
    call = f"console.log(link('https://in.example', '{base64.urlsafe_b64encode(KEY).decode()}', 'click', {said}))"
    return [require("node", "nodejs"), "--input-type=module", "-e", f"{_block('node')}\n{call}"]


@pytest.mark.parametrize("line", [_python, _node])
def test_links_are_signed_as_the_page_says(line: Callable[[], list[str]]) -> None:
    done = subprocess.run(line(), capture_output=True, text=True, timeout=30, check=True)

    address = urlsplit(done.stdout.strip())
    link = read_link(Route.CLICK, address.query.encode())
    assert (address.netloc, address.path) == ("in.example", "/v1/click")
    assert link.fields == FIELDS
    assert link.is_signed_with(KEY)


def test_every_name_in_a_link_is_explained() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*NAMES, SIGNATURE}


def test_numbers_on_the_page_are_those_of_the_code() -> None:
    assert ONCE_WITHIN == 10 * SECOND
    assert "within ten seconds" in PAGE
