import hashlib
from typing import Any

import msgspec
import pytest

from services.ingest.protocols.links import (
    ONCE_WITHIN,
    Link,
    Route,
    Visit,
    item_of,
    person_of,
    read_link,
    signature_of,
    signing_key,
)
from shared.errors import InvalidRequest
from shared.identity_key import email_key

SECRET = b"s" * 32
KEY = signing_key(SECRET, "tw_abc")
NOW = 1_772_366_400_000_000
ANN = hashlib.sha256(b"ann@example.com").hexdigest()
FIELDS = {"k": "tw_abc", "id": "mail-7", "email_sha256": ANN, "campaign": "spring"}


def visit(now: int = NOW, machine: str | None = None, stranger: str = "") -> Visit:
    return Visit(
        now=now, machine=machine, user_agent="Mozilla/5.0 (X11)", languages="da-DK,da;q=0.9", stranger=stranger
    )


def item(link: Link, seen: Visit | None = None, *, is_signed: bool = True) -> dict[str, Any]:
    made = item_of(link, seen or visit(), is_signed=is_signed)
    assert made is not None
    decoded: dict[str, Any] = msgspec.json.decode(made)
    return decoded


def test_the_signature_is_what_the_page_for_developers_says() -> None:
    """A vector: whoever signs in another language can check theirs with it."""
    fields = {"k": "tw_abc", "to": "https://shop.example/?a=b c", "user_id": "u-1"}

    assert signature_of(Route.CLICK, fields, b"k" * 32) == "C4UGeXYGS3kOdGuJJpf4Lg"


def test_signature_holds_whatever_the_order_and_what_mail_systems_add() -> None:
    signature = signature_of(Route.PIXEL, FIELDS, KEY)
    query = f"mc_cid=1&campaign=spring&s={signature}&email_sha256={ANN}&id=mail%2D7&k=tw_abc&utm_source=x"

    assert read_link(Route.PIXEL, query.encode()).is_signed_with(KEY)


@pytest.mark.parametrize("change", [{"id": "mail-8"}, {"email_sha256": "0" * 64}, {"campaign": ""}, {"user_id": "u-1"}])
def test_signature_ends_with_any_change(change: dict[str, str]) -> None:
    signature = signature_of(Route.PIXEL, FIELDS, KEY)

    assert not Link(Route.PIXEL, FIELDS | change, signature).is_signed_with(KEY)


def test_signature_is_of_one_route_and_one_write_key() -> None:
    signature = signature_of(Route.PIXEL, FIELDS, KEY)

    assert not Link(Route.CLICK, FIELDS, signature).is_signed_with(KEY)
    assert not Link(Route.PIXEL, FIELDS, signature).is_signed_with(signing_key(SECRET, "tw_abd"))
    assert not Link(Route.PIXEL, FIELDS, "").is_signed_with(KEY)


@pytest.mark.parametrize("query", [b"id=1&id=2", b"to=https://a.example&to=https://b.example", b"id=a%0Auser_id=b"])
def test_a_link_says_each_thing_once_and_in_plain_text(query: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_link(Route.CLICK, query)


def test_open_is_a_touchpoint_of_the_person() -> None:
    made = item(Link(Route.PIXEL, FIELDS, ""))

    assert made["kind"] == "email_opened"
    assert made["identity"] == {"email_sha256": ANN}
    assert made["campaign"] == {"name": "spring"}
    assert made["properties"] == {"email_id": "mail-7"}
    assert made["context"] == {"user_agent": "Mozilla/5.0 (X11)", "locale": "da-DK"}


def test_click_takes_its_campaign_from_its_target_too() -> None:
    to = "https://shop.example/?utm_source=news&utm_campaign=may&gclid=g1"
    made = item(Link(Route.CLICK, {"k": "tw_abc", "user_id": "u-1", "campaign": "spring", "to": to}, ""))

    assert made["kind"] == "email_link_clicked"
    assert made["campaign"] == {"source": "news", "name": "spring", "click_id": "gclid:g1"}
    assert made["properties"] == {"link_url": to}


def test_only_a_signed_link_names_a_person() -> None:
    named = Link(Route.PIXEL, {"user_id": "u-1", "external": "hubspot:77", "anonymous_id": "a-1"}, "")

    assert item(named)["identity"] == {"user_id": "u-1", "external": {"hubspot": "77"}, "anonymous_id": "a-1"}
    assert item(named, is_signed=False)["identity"] == {"anonymous_id": "a-1"}
    assert item_of(Link(Route.PIXEL, FIELDS, ""), visit(), is_signed=False) is None


def test_click_of_nobody_is_a_stranger() -> None:
    click = Link(Route.CLICK, {"to": "https://shop.example", "kind": "ad_clicked", "id": "ad-1"}, "")
    made = item(click, visit(stranger="~1"), is_signed=False)

    assert made["identity"] == {"anonymous_id": "~1"}
    assert made["properties"]["link_id"] == "ad-1"


def test_machine_is_marked_and_its_browser_is_nobodys() -> None:
    made = item(Link(Route.PIXEL, FIELDS, ""), visit(machine="gmail_proxy"))

    assert made["properties"] == {"email_id": "mail-7", "machine": True, "agent": "gmail_proxy"}
    assert made["context"] == {}


def test_two_opens_within_ten_seconds_are_one() -> None:
    link = Link(Route.PIXEL, FIELDS, "")

    assert item(link)["id"] == item(link, visit(NOW + ONCE_WITHIN - 1))["id"]
    assert item(link)["id"] != item(link, visit(NOW + ONCE_WITHIN))["id"]
    assert item(link)["id"] != item(link, visit(machine="scanner"))["id"]
    assert item(link)["id"] != item(Link(Route.PIXEL, FIELDS | {"id": "mail-8"}, ""))["id"]


@pytest.mark.parametrize("kind", ["identified", "aliased", "unlinked", "account_joined"])
def test_a_link_never_joins_people_by_its_kind(kind: str) -> None:
    assert item_of(Link(Route.PIXEL, FIELDS | {"kind": kind}, ""), visit(), is_signed=True) is None


def test_person_is_the_strongest_key() -> None:
    assert person_of(Link(Route.CLICK, FIELDS, ""), SECRET) == email_key(SECRET, "Ann@example.com ")
    assert person_of(Link(Route.CLICK, FIELDS | {"user_id": "u-1"}, ""), SECRET) == "5user_id:u-1"
    assert person_of(Link(Route.CLICK, {"external": "hubspot:77"}, ""), SECRET) == "2external.hubspot:77"
    for nobody in ({}, {"user_id": "null"}, {"external": "hubspot"}, {"anonymous_id": "a-1"}, {"external": "?:1"}):
        assert person_of(Link(Route.CLICK, nobody, ""), SECRET) is None
