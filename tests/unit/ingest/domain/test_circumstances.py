"""Device, country, address, consent, money, ids."""

from decimal import Decimal

import pytest

from services.ingest.domain import consent, money
from services.ingest.domain.device import device_of, device_of_type
from services.ingest.domain.item_id import content_id, own_id
from services.ingest.domain.place import country_code, country_of_locale, truncated_address
from services.ingest.domain.refusal import Refused
from shared.vocabulary import Code

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/120 Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/605.1.15", "desktop"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} Chrome/120 Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {_WEBKIT} Mobile/15E148", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_WEBKIT} Chrome/120 Mobile Safari/537.36", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X900) {_WEBKIT} Chrome/120 Safari/537.36", "tablet"),
        (f"Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) {_WEBKIT} Mobile/15E148", "tablet"),
        (f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {_WEBKIT} TV Safari/537.36", "tv"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("analytics-python/2.4.0", None),
        ("", None),
    ],
)
def test_class_of_device(agent: str, device: str | None) -> None:
    assert device_of(agent) == device


@pytest.mark.parametrize(
    ("name", "device"), [("ios", "mobile"), ("Android", "mobile"), ("tablet", "tablet"), ("fridge", None)]
)
def test_class_of_device_by_its_type(name: str, device: str | None) -> None:
    assert device_of_type(name) == device


@pytest.mark.parametrize(
    ("locale", "country"),
    [
        ("da-DK", "DK"),
        ("en_us", "US"),
        ("zh-Hant-TW", "TW"),
        ("de_DE.UTF-8", "DE"),
        ("da", None),
        ("", None),
        ("x" * 50, None),
    ],
)
def test_country_of_a_locale(locale: str, country: str | None) -> None:
    assert country_of_locale(locale) == country


def test_country_is_a_code_of_two_letters() -> None:
    assert country_code("dk") == "DK"
    assert country_code("Denmark") is None


@pytest.mark.parametrize(
    ("address", "kept"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:1234:5678::1", "2001:db8:1234::"), ("nonsense", None)],
)
def test_only_the_network_of_an_address_is_kept(address: str, kept: str | None) -> None:
    assert truncated_address(address) == kept


def test_denied_analytics_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        consent.enforce({"analytics": "denied"}, "page_viewed")

    assert caught.value.refusal.code is Code.CONSENT_DENIED


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, "page_viewed"),
        ({"analytics": "granted", "marketing": "denied", "profiling": "denied"}, "page_viewed"),
        ({"analytics": "denied"}, "consent_changed"),
    ],
)
def test_what_is_not_denied_and_the_decision_itself_pass(said: dict[str, str], kind: str) -> None:
    consent.enforce(said, kind)


@pytest.mark.parametrize(
    ("said", "code"),
    [({"analytics": "maybe"}, Code.UNKNOWN_VALUE), ({f"p{n}": "granted" for n in range(33)}, Code.TOO_LARGE)],
)
def test_words_of_consent_are_closed(said: dict[str, str], code: Code) -> None:
    with pytest.raises(Refused) as caught:
        consent.said_of(said, "/consent")

    assert caught.value.refusal.code is code


def test_categories_of_tag_managers_are_purposes() -> None:
    said = consent.from_categories(
        {"Advertising": False, "Analytics": True, "Functional": True, "Other": True, "Marketing": 1}
    )

    assert said == {"marketing": "denied", "analytics": "granted", "profiling": "granted"}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("129.00", "129.00"),
        ("-5", "-5"),
        ("0.000000001", "0.000000001"),
        ("1e3", "1000"),
        ("999999999999999", "999999999999999"),
    ],
)
def test_amount_keeps_its_digits(amount: str, text: str) -> None:
    assert money.amount_text(Decimal(amount), "/value/amount") == text


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("NaN", Code.NOT_FINITE),
        ("Infinity", Code.NOT_FINITE),
        ("1e400", Code.OUT_OF_RANGE),
        ("1e-10", Code.OUT_OF_RANGE),
    ],
)
def test_amount_beyond_money_is_refused(amount: str, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        money.amount_text(Decimal(amount), "/value/amount")

    assert caught.value.refusal.code is code


@pytest.mark.parametrize(
    ("value", "amount"),
    [(" 12.50 ", "12.50"), (12.5, "12.5"), (7, "7"), ("free", None), (True, None), (None, None), ([], None)],
)
def test_free_amount_is_read_or_left(value: object, amount: str | None) -> None:
    assert money.lenient_amount(value) == amount


def test_currency_is_three_letters() -> None:
    assert money.currency_code("eur", "") == "EUR"
    assert money.lenient_currency("dkk", "USD") == "DKK"
    assert money.lenient_currency(5, "USD") == "USD"
    with pytest.raises(Refused) as caught:
        money.currency_code("€", "/value/currency")
    assert caught.value.refusal.code is Code.UNKNOWN_VALUE


@pytest.mark.parametrize(("value", "own"), [("x", "x"), (5, "5"), (None, None), ("", None), ("x" * 200, "x" * 200)])
def test_own_id(value: object, own: str | None) -> None:
    assert own_id(value, "/id") == own


@pytest.mark.parametrize(
    ("value", "code"), [("x" * 201, Code.TOO_LONG), ([], Code.WRONG_TYPE), (True, Code.WRONG_TYPE)]
)
def test_bad_id_is_refused(value: object, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        own_id(value, "/id")

    assert caught.value.refusal.code is code


def test_content_gives_the_same_id_again() -> None:
    assert content_id(b"x") == content_id(b"x") != content_id(b"y")
