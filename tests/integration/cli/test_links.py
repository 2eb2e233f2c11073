"""Links that the command signs are links that the door believes."""

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from services.cli.first_workspace import ensure_workspace
from services.cli.place import read_credentials
from services.ingest.protocols.links import Route, read_link, signature_of
from shared.access import prefix_of
from tests.cli import tragt

NOW = 1_700_000_000_000_000


@pytest.fixture
async def given(database: str, tmp_path: Path) -> tuple[str, ...]:
    """Options that name an instance's folder, with its keys, and its database."""
    await ensure_workspace(database, tmp_path, frozenset(), NOW)
    return ("--data", str(tmp_path), "--database", database)


def test_a_signed_link_holds_with_the_key_that_is_printed(given: tuple[str, ...]) -> None:
    told = tragt("links", "key", *given, "--json").json
    key = base64.urlsafe_b64decode(told["signing_key"])

    link = tragt("links", "sign", "https://shop.example/?a=b", "--email", " Ann@example.com", "--id", "m-1", *given)
    pixel = tragt("links", "sign", "--user-id", "u-1", "--campaign", "spring mail", *given, "--json")

    click = urlsplit(link.out.strip())
    assert (click.netloc, click.path) == ("127.0.0.1:7101", "/v1/click")
    assert dict(parse_qsl(click.query))["email_sha256"] == hashlib.sha256(b"ann@example.com").hexdigest()
    assert read_link(Route.CLICK, click.query.encode()).is_signed_with(key)
    shown = urlsplit(pixel.json["link"])
    assert shown.path == "/v1/pixel.gif"
    assert read_link(Route.PIXEL, shown.query.encode()).is_signed_with(key)


def test_a_link_carries_no_whole_key(given: tuple[str, ...], tmp_path: Path) -> None:
    kept = read_credentials(tmp_path)
    assert kept is not None

    link = tragt("links", "sign", "--user-id", "u-1", *given).out

    assert f"k={prefix_of(kept.write_key)}&" in link
    assert kept.write_key not in link


def test_other_write_keys_sign_otherwise(given: tuple[str, ...]) -> None:
    other = tragt("keys", "create", "write", *given, "--json").json["prefix"]

    ours, theirs = (tragt("links", "key", *given, *more).out for more in ((), ("--write-key", other)))

    assert ours != theirs
    assert signature_of(Route.PIXEL, {}, base64.urlsafe_b64decode(theirs))


def test_a_secret_key_or_an_unknown_one_signs_nothing(given: tuple[str, ...]) -> None:
    secret = tragt("keys", "create", "secret", "--scope", "ingest", *given, "--json").json["prefix"]

    for key in (secret, "tw_nobody"):
        told = tragt("links", "sign", "--user-id", "u-1", "--write-key", key, *given)
        assert (told.code, told.err) == (1, f"there is no valid write key {key}: see `tragt keys list`")


def test_what_is_no_address_is_not_signed(given: tuple[str, ...]) -> None:
    assert tragt("links", "sign", "javascript:alert(1)", *given).code == 2
