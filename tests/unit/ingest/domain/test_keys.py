"""Identity keys: what is one, what is none, and which is strongest."""

import hashlib
from collections.abc import Callable

import pytest

from services.ingest.domain.keys import KeyRing
from services.ingest.domain.refusal import Refused
from shared.identity_key import email_key
from shared.phone import normalise_phone
from shared.vocabulary import Code

_SECRET = b"s" * 32


def _keys(*say: Callable[[KeyRing], None], country: str | None = None) -> tuple[str, ...]:
    ring = KeyRing(_SECRET, country)
    for tell in say:
        tell(ring)
    return ring.strongest_first()


def test_strongest_comes_first() -> None:
    keys = _keys(
        lambda ring: ring.anonymous_id("a-1", ""),
        lambda ring: ring.external("hubspot", "501", ""),
        lambda ring: ring.phone("+45 20 12 34 56"),
        lambda ring: ring.email("Jane@Example.com "),
        lambda ring: ring.user_id("u-1", ""),
    )

    assert keys == (
        "5user_id:u-1",
        email_key(_SECRET, "jane@example.com"),
        "3phone:+4520123456",
        "2external.hubspot:501",
        "1anonymous_id:a-1",
    )


def test_address_and_its_hash_are_one_key_and_neither_is_readable_in_it() -> None:
    digest = hashlib.sha256(b"jane@example.com").hexdigest()

    by_address = _keys(lambda ring: ring.email("JANE@example.com"))
    by_hash = _keys(lambda ring: ring.email_sha256(digest.upper()))

    assert by_address == by_hash
    assert "jane" not in by_address[0]
    assert digest not in by_address[0]


@pytest.mark.parametrize("value", [7, "7", " 7 "], ids=repr)
def test_numeric_id_is_the_same_as_text(value: object) -> None:
    assert _keys(lambda ring: ring.user_id(value, "")) == ("5user_id:7",)


@pytest.mark.parametrize(
    "value", [None, "", "  ", 0, -1, "null", "NULL", "undefined", "anonymous", "00000000-0000-0000-0000-000000000000"]
)
def test_junk_is_no_key(value: object) -> None:
    with pytest.raises(Refused) as caught:
        _keys(lambda ring: ring.user_id(value, ""), lambda ring: ring.anonymous_id(value, ""))

    assert caught.value.refusal.code is Code.NO_IDENTITY


@pytest.mark.parametrize(
    "value", ["jane", "jane@", "@example.com", "a b@c", 7, None, "x@y" * 200, "noreply@example.com"]
)
def test_what_is_no_address_is_no_key(value: object) -> None:
    assert _keys(lambda ring: ring.email(value), lambda ring: ring.user_id("u", "")) == ("5user_id:u",)


@pytest.mark.parametrize("value", ["abc", "g" * 64, 7, None])
def test_what_is_no_hash_is_no_key(value: object) -> None:
    assert _keys(lambda ring: ring.email_sha256(value), lambda ring: ring.user_id("u", "")) == ("5user_id:u",)


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_id_of_a_wrong_type_is_refused(value: object) -> None:
    with pytest.raises(Refused) as caught:
        _keys(lambda ring: ring.user_id(value, "/userId"))

    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (Code.WRONG_TYPE, "/userId")


def test_id_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        _keys(lambda ring: ring.anonymous_id("a" * 513, "/anonymousId"))

    assert caught.value.refusal.code is Code.TOO_LONG


@pytest.mark.parametrize("system", ["Hub Spot", "", "9x", "a" * 51, "a:b"])
def test_name_of_a_system_is_checked(system: str) -> None:
    with pytest.raises(Refused) as caught:
        _keys(lambda ring: ring.external(system, "1", "/identity/external"))

    assert caught.value.refusal.code is Code.UNKNOWN_VALUE


def test_name_of_a_system_is_lower_case() -> None:
    assert _keys(lambda ring: ring.external("HubSpot", "1", "")) == ("2external.hubspot:1",)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+45 20 12 34 56", None, "+4520123456"),
        ("+45-20-12-34-56", None, "+4520123456"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("+44 (0)20 7946 0018", None, "+442079460018"),
        ("20 12 34 56", None, None),
        ("12", "DK", None),
        ("call me", "DK", None),
        ("1" * 65, "US", None),
    ],
)
def test_phone_is_one_number_however_it_is_written(text: str, country: str | None, number: str | None) -> None:
    assert normalise_phone(text, country) == number


def test_contact_is_read_from_traits() -> None:
    keys = _keys(
        lambda ring: ring.contact({"email": "jane@example.com", "phone": 4520123456, "name": "Jane"}), country="DK"
    )

    assert keys == (email_key(_SECRET, "jane@example.com"), "3phone:+4520123456")
