import pytest

from services.ingest.domain.target import MAX_LENGTH, location_of, origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://SHOP.example:443/a?b#c", "https://shop.example"),
        ("http://shop.example:8080/", "http://shop.example:8080"),
        ("https://[::1]:1/x", "https://[::1]:1"),
        ("https://shop.example/grød?q=a@b", "https://shop.example"),
    ],
)
def test_origin_of_a_plain_address(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/path",
        "//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example",
        "https://",
        "https:///path",
        "https://shop.example@evil.example",
        "https://shop.example:pw@evil.example/",
        "https://evil.example\\@shop.example",
        "https:\\\\evil.example",
        "https://shop.example\r\nset-cookie: a=b",
        " https://shop.example",
        "https://shop.example:99999/",
        "https://sh%6fp.example/",
        "https://shop。example/",
        "https://shop.example/" + "a" * MAX_LENGTH,
    ],
)
def test_what_browsers_may_read_differently_is_no_target(address: str) -> None:
    assert origin_of(address) is None


def test_location_is_the_address_untouched_without_a_token() -> None:
    assert location_of("https://shop.example/a?b=%20c&d=e+f#g", "") == "https://shop.example/a?b=%20c&d=e+f#g"
    assert location_of("https://shop.example/grød", "") == "https://shop.example/gr%C3%B8d"


@pytest.mark.parametrize(
    ("address", "location"),
    [
        ("https://shop.example", "https://shop.example?tragt=T-1_"),
        ("https://shop.example/a?b=c#d", "https://shop.example/a?b=c&tragt=T-1_#d"),
        ("https://shop.example/a?tragt=old&b", "https://shop.example/a?b&tragt=T-1_"),
    ],
)
def test_token_stands_among_the_parameters_once(address: str, location: str) -> None:
    assert location_of(address, "T-1_") == location
