from collections import Counter

from services.cli.demo.diary import Json
from services.cli.demo.month import STORY_DAYS, month
from shared.vocabulary import Channel, Kind

LAST = 20_783
FIRST = LAST - STORY_DAYS + 1


def people(touchpoints: list[Json]) -> set[str]:
    return {touchpoint["id"].rsplit("-", 1)[0] for touchpoint in touchpoints}


def test_a_month_is_large_enough_to_look_at() -> None:
    touchpoints = list(month(1, FIRST, LAST))

    assert len(touchpoints) >= 25_000
    assert len(people(touchpoints)) >= 3_000
    assert {touchpoint["channel"] for touchpoint in touchpoints} == set(Channel)


def test_the_same_seed_and_days_give_the_same_bytes() -> None:
    assert list(month(1, FIRST, LAST)) == list(month(1, FIRST, LAST))
    assert list(month(1, FIRST, LAST)) != list(month(2, FIRST, LAST))


def test_the_next_day_only_adds() -> None:
    today = {touchpoint["id"] for touchpoint in month(1, FIRST, LAST)}
    tomorrow = {touchpoint["id"] for touchpoint in month(1, FIRST + 1, LAST + 1)}
    at_once = {touchpoint["id"] for touchpoint in month(1, FIRST, LAST + 1)}

    assert today | tomorrow == at_once
    assert len(at_once - today) > 400


def test_no_id_has_two_texts() -> None:
    texts: dict[str, Json] = {}

    for touchpoint in month(1, FIRST, LAST):
        assert texts.setdefault(touchpoint["id"], touchpoint) == touchpoint


def test_some_come_late_and_some_come_twice() -> None:
    touchpoints = list(month(1, FIRST, LAST))
    counts = Counter(touchpoint["id"] for touchpoint in touchpoints)
    instants = [touchpoint["occurred_at"] for touchpoint in touchpoints]
    late = sum(instants[place] < instants[place - 100] for place in range(100, len(instants)))

    assert sum(count > 1 for count in counts.values()) > 200
    assert late > 400


def test_devices_are_shared_and_people_use_several() -> None:
    addresses_of_cookie: dict[str, set[str]] = {}
    cookies_of_address: dict[str, set[str]] = {}
    for touchpoint in month(1, FIRST, LAST):
        identity = touchpoint["identity"]
        if "email" in identity and "anonymous_id" in identity:
            addresses_of_cookie.setdefault(identity["anonymous_id"], set()).add(identity["email"])
            cookies_of_address.setdefault(identity["email"], set()).add(identity["anonymous_id"])

    assert sum(len(addresses) > 1 for addresses in addresses_of_cookie.values()) >= 10
    assert sum(len(cookies) > 1 for cookies in cookies_of_address.values()) >= 50


def test_every_way_to_end_is_lived() -> None:
    kinds = Counter(touchpoint["kind"] for touchpoint in month(1, FIRST, LAST))

    for kind in (
        Kind.OPPORTUNITY_WON,
        Kind.OPPORTUNITY_LOST,
        Kind.ORDER_COMPLETED,
        Kind.ORDER_REFUNDED,
        Kind.SUBSCRIPTION_STARTED,
        Kind.SUBSCRIPTION_CANCELLED,
        Kind.ACCOUNT_JOINED,
    ):
        assert kinds[kind] > 0, kind


def test_nothing_happens_before_the_first_day_or_after_the_last() -> None:
    instants = [touchpoint["occurred_at"] for touchpoint in month(1, FIRST, LAST)]

    assert min(instants) >= "2026-10-28"
    assert max(instants) < "2026-11-27"
