"""Keys as people write them against keys as ingest stores them."""

import pytest

from services.scoring.handlers.naming import canonical, key_named
from shared.errors import InvalidRequest, NotFound
from shared.identity_key import email_key

SECRET = bytes(32)


@pytest.mark.parametrize(
    ("type_name", "value", "key"),
    [
        ("user_id", " u1 ", "5user_id:u1"),
        ("anonymous_id", "a:b/c", "1anonymous_id:a:b/c"),
        ("email", " Ann@Example.COM", email_key(SECRET, "ann@example.com")),
        ("phone", "+45 20 12 34 56", "3phone:+4520123456"),
        ("external.hubspot", "77", "2external.hubspot:77"),
        ("external.HubSpot", "77", "2external.hubspot:77"),
    ],
)
def test_a_key_is_found_as_it_is_stored(type_name: str, value: str, key: str) -> None:
    assert key_named(SECRET, type_name, value) == key


@pytest.mark.parametrize("value", ["", "null", "0000", "anonymous"])
def test_what_many_people_share_is_nobodys_key(value: str) -> None:
    with pytest.raises(NotFound):
        key_named(SECRET, "user_id", value)


@pytest.mark.parametrize(
    ("type_name", "value"),
    [("phone", "20123456"), ("phone", "ann"), ("email_sha256", "12"), ("cookie", "1"), ("external", "1")],
)
def test_what_can_be_no_key_is_refused_with_what_would_be_right(type_name: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        key_named(SECRET, type_name, value)

    assert refused.value.faults[0].detail


@pytest.mark.parametrize("key", ["5user_id:u1", "1anonymous_id:a:b", "2external.hubspot:77", "3phone:+4520123456"])
def test_a_key_as_it_was_shown_is_taken_back(key: str) -> None:
    assert canonical(key, "/key") == key


@pytest.mark.parametrize("text", ["", "5", "user_id:u1", "4user_id:u1", "5cookie:1", "2external:1", "5external.x:1"])
def test_a_text_that_was_never_shown_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        canonical(text, "/key")
