"""Exports of other products become exactly these touchpoints."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.refusal import Refused
from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols.import_cells import Habits, instant, number, salesforce_id
from services.ingest.protocols.import_items import RowReader, items_of_row
from services.ingest.protocols.import_ready import ready_of
from services.ingest.protocols.import_rows import value_row
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.outcome import Outcome, Rejected
from shared.clock import to_text
from shared.contracts.touchpoint import Touchpoint
from shared.identity_key import email_key
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL
from tests.unit.ingest.protocols.exports import BESIDE, outcomes, ready, sample

_ANN, _BOB, _CLEO, _DAN, _EVA = (
    email_key(ARRIVAL.secret, address)
    for address in (
        "ann@acme.example",
        "bob@acme.example",
        "cleo@birch.example",
        "dan@birch.example",
        "eva@cedar.example",
    )
)
_CONTACT = ("2external.salesforce:003D000000QYVzVIAX", "2external.salesforce_contact:003D000000QYVzVIAX")

EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "adobe-analytics": [
        ("3001:11", "page_viewed", "05-01T10:00:00Z", ("1anonymous_id:40000000000000000000000000000000000001",)),
        ("3001:12", "page_viewed", "05-01T10:01:00Z", (_ANN, "1anonymous_id:9-8")),
        ("3001:12:order", "order_completed", "05-01T10:01:00Z", (_ANN, "1anonymous_id:9-8"), "129.10 EUR"),
        ("3001:14", "file_downloaded", "05-01T10:03:20Z", ("1anonymous_id:9-8",)),
        ("no_identity", "", "row 5"),
        ("3001:16", "page_viewed", "05-01T10:06:00Z", ("1anonymous_id:9-8",)),
    ],
    "hubspot-contacts": [
        ("101:created", "contact_created", "05-01T08:15:00Z", (_ANN, "3phone:+4561234567", "2external.hubspot:101")),
        (
            "101:2024-06-02T07:00:00Z",
            "profile_updated",
            "06-02T07:00:00Z",
            (_ANN, "3phone:+4561234567", "2external.hubspot:101"),
        ),
        ("102:created", "contact_created", "01-10T07:00:00Z", (_BOB, "2external.hubspot:102")),
        ("102:2024-01-11T07:00:00Z", "profile_updated", "01-11T07:00:00Z", (_BOB, "2external.hubspot:102")),
        ("invalid_instant", "/Create Date", "row 3"),
    ],
    "hubspot-deals": [
        (
            "7001:1",
            "opportunity_opened",
            "05-01T08:00:00Z",
            ("2external.hubspot:101", "2external.hubspot_deal:7001"),
            "12000.50 EUR",
        ),
        (
            "7001:2:closed_won",
            "opportunity_won",
            "06-01T10:00:00Z",
            ("2external.hubspot:101", "2external.hubspot_deal:7001"),
            "12000.50 EUR",
        ),
        (
            "7002:1",
            "opportunity_opened",
            "06-10T08:00:00Z",
            ("2external.hubspot:101", "2external.hubspot_deal:7002"),
            "500 EUR",
        ),
        ("7003:1", "opportunity_opened", "07-01T08:00:00Z", ("2external.hubspot:102", "2external.hubspot_deal:7003")),
        (
            "7003:2:closed_lost",
            "opportunity_lost",
            "07-01T08:00:00Z",
            ("2external.hubspot:102", "2external.hubspot_deal:7003"),
        ),
        ("wrong_type", "/Amount", "row 4"),
    ],
    "salesforce-contacts": [
        (
            "003D000000QYVzVIAX:created",
            "contact_created",
            "05-01T10:00:00Z",
            (_DAN, "3phone:+4587654321", *_CONTACT),
        ),
        (
            "003D000000QYVzVIAX:2024-05-03T10:00:00Z",
            "profile_updated",
            "05-03T10:00:00Z",
            (_DAN, "3phone:+4587654321", *_CONTACT),
        ),
    ],
    "salesforce-leads": [
        (
            "00QD000000abcDEMAY:created",
            "contact_created",
            "04-05T19:07:00Z",
            (_CLEO, "3phone:+4512345678", "2external.salesforce:00QD000000abcDEMAY"),
        ),
        (
            "00QD000000abcDEMAY:2024-04-06T04:00:00Z",
            "profile_updated",
            "04-06T04:00:00Z",
            (_CLEO, "3phone:+4512345678", "2external.salesforce:00QD000000abcDEMAY"),
        ),
    ],
    "salesforce-opportunities": [
        ("006D000000CpsLfIAJ:1", "opportunity_opened", "04-05T13:00:00Z", _CONTACT, "9500.00 USD"),
        ("006D000000CpsLfIAJ:2:won", "opportunity_won", "04-05T13:00:00Z", _CONTACT, "9500.00 USD"),
        ("006D000000CpsLgIAJ:1", "opportunity_opened", "04-06T04:00:00Z", _CONTACT),
    ],
    "zoho-contacts": [
        (
            "zcrm_4876876000000123002:created",
            "contact_created",
            "05-05T10:00:00Z",
            (_EVA, "2external.zoho:4876876000000123002"),
        ),
        (
            "zcrm_4876876000000123002:2024-05-06T10:00:00Z",
            "profile_updated",
            "05-06T10:00:00Z",
            (_EVA, "2external.zoho:4876876000000123002"),
        ),
    ],
    "zoho-deals": [
        (
            "zcrm_4876876000000124001:1",
            "opportunity_opened",
            "05-10T09:30:00Z",
            ("2external.zoho:4876876000000123002", "2external.zoho_deal:4876876000000124001"),
            "1500.00 EUR",
        ),
        (
            "zcrm_4876876000000124001:2:closed_lost_to_competition",
            "opportunity_lost",
            "06-01T00:00:00Z",
            ("2external.zoho:4876876000000123002", "2external.zoho_deal:4876876000000124001"),
            "1500.00 EUR",
        ),
    ],
    "zoho-leads": [
        (
            "zcrm_4876876000000123001:created",
            "contact_created",
            "05-01T10:00:00Z",
            (_EVA, "3phone:+4599887766", "2external.zoho:4876876000000123001"),
        ),
        (
            "zcrm_4876876000000123001:2024-05-02T10:00:00Z",
            "profile_updated",
            "05-02T10:00:00Z",
            (_EVA, "3phone:+4599887766", "2external.zoho:4876876000000123001"),
        ),
    ],
}


def told(outcome: Outcome, name: str) -> tuple[Any, ...]:
    """What matters of an outcome, short enough to be written down."""
    if isinstance(outcome, Rejected):
        why = outcome.refusal
        return why.code.value, why.pointer, why.detail.partition(":")[0]
    assert isinstance(outcome, Touchpoint)
    source = "adobe" if name == "adobe-analytics" else name
    happened = to_text(outcome.occurred_at).removeprefix("2024-")
    value = [f"{outcome.value.amount} {outcome.value.currency}"] if outcome.value else []
    return outcome.id.removeprefix(f"{source}:"), outcome.kind, happened, outcome.keys, *value


def touchpoint(name: str, at: int) -> Touchpoint:
    found = outcomes(name)[at]
    assert isinstance(found, Touchpoint)
    return found


def test_every_mapping_has_a_sample() -> None:
    assert set(exports()) == set(EXPECTED) == set(BESIDE)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_amounts_to_these_touchpoints(name: str) -> None:
    assert [told(one, name) for one in outcomes(name)] == EXPECTED[name]


def test_what_a_contact_says_of_itself() -> None:
    ann, bob = touchpoint("hubspot-contacts", 1), touchpoint("hubspot-contacts", 3)

    assert (ann.traits["lifecycle_stage"], ann.traits["owner"], ann.consent) == (
        "marketing_qualified_lead",
        "Otto Sales",
        {},
    )
    assert bob.consent == {"marketing": "denied"}


def test_of_several_companies_the_primary_one_counts() -> None:
    contacts = [touchpoint("hubspot-contacts", at).account for at in (0, 2)]

    assert (*contacts, touchpoint("hubspot-deals", 0).account) == ("9002", "9001", "9001")


@pytest.mark.parametrize("name", ["salesforce-leads", "salesforce-contacts", "salesforce-opportunities"])
def test_totals_and_notes_of_a_report_are_no_rows_and_a_row_of_one_address_is(name: str) -> None:
    notes = b'"Email","Id","Amount"\n"My report","",""\n"Total","","9"\n"Grand Totals (2 records)","",""\n'

    assert outcomes(name, notes) == []
    assert len(outcomes(name, b"Email,Id\nann@acme.example,\n")) == 1


def test_another_layout_says_where_a_lead_is() -> None:
    traits = touchpoint("zoho-leads", 1).traits

    assert (traits["city"], traits["country"]) == ("Aarhus", "Denmark")


def test_a_feed_escapes_tabs_and_line_ends_and_quotes_are_letters() -> None:
    first, second = touchpoint("adobe-analytics", 0), touchpoint("adobe-analytics", 1)

    assert [one.page and one.page.title for one in (first, second)] == ['Home "A\tB"', "Thanks\nyou"]


def test_a_line_of_a_feed_that_is_not_utf_8_is_latin_1() -> None:
    lines = sample("adobe-analytics").replace(b"Thanks again", "Café 1".encode("latin-1"))
    wide = sample("adobe-analytics").replace(b"Thanks again", "Café 1".encode())

    assert outcomes("adobe-analytics", lines) == outcomes("adobe-analytics", wide)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encoding_does_not_matter(encoding: str) -> None:
    content = sample("hubspot-deals").decode().encode(encoding)

    assert outcomes("hubspot-deals", content) == outcomes("hubspot-deals")


def test_headings_of_another_language_are_named() -> None:
    content = sample("zoho-leads").replace(b"Record Id", b"Datensatz-ID").replace(b"Email,", b"E-Mail-Adresse,")

    taken = outcomes("zoho-leads", content, columns={"id": "Datensatz-ID", "email": "E-Mail-Adresse"})

    assert taken == outcomes("zoho-leads")


def test_day_and_month_are_not_guessed() -> None:
    (refused,) = outcomes("salesforce-leads", dates=None)
    (british, _) = outcomes("salesforce-leads", dates="dmy")

    assert isinstance(refused, Rejected)
    assert (refused.refusal.pointer, "dmy or mdy" in refused.refusal.detail) == ("/Create Date", True)
    assert isinstance(british, Touchpoint)
    assert to_text(british.occurred_at) == "2024-05-04T19:07:00Z"


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,234.50", "1234.50", None),
        ("1.234,50", None, "1234.50"),
        ("€ 12", "12", "12"),
        ("EUR 1 234", "1234", "1234"),
        ("-5.5", "-5.5", None),
        ("n/a", None, None),
    ],
)
def test_numbers(text: str, point: str | None, comma: str | None) -> None:
    for decimals, expected in (("point", point), ("comma", comma)):
        habits = ready_of({"ready": "hubspot-deals", "decimals": decimals}, exports()).habits
        assert _number(text, habits) == expected


def _number(text: str, habits: Habits) -> str | None:
    try:
        return number(text, habits, "/Amount")
    except Refused:
        return None


@pytest.mark.parametrize("text", ["1950-01-01", "4/5/24", "9999-12-31T23:59:59-05:00", "0001-01-01"])
def test_a_year_that_is_none_is_refused(text: str) -> None:
    habits = ready_of({"ready": "salesforce-leads", "zone": "America/New_York", "dates": "mdy"}, exports()).habits

    with pytest.raises(Refused) as caught:
        instant(text, habits, "/Create Date")

    assert caught.value.refusal.code is Code.OUT_OF_RANGE


def test_another_midnight_of_the_same_day_is_that_of_the_zone() -> None:
    habits = ready_of({"ready": "zoho-leads", "zone": "Europe/Copenhagen"}, exports()).habits

    assert instant("01.07.2024", habits, "") == instant("2024-07-01", habits, "") == "2024-06-30T22:00:00Z"
    assert instant("2024-07-01T00:00:00+02:00", habits, "") == "2024-06-30T22:00:00Z"


_HEADINGS = sorted({heading for one in exports().values() for column in one.columns.values() for heading in column.of})


@given(
    name=st.sampled_from(sorted(EXPECTED)),
    row=st.dictionaries(
        st.sampled_from(_HEADINGS), st.text(max_size=40) | st.integers() | st.floats() | st.none() | st.booleans()
    ),
)
def test_any_row_is_taken_or_refused(name: str, row: dict[str, Any]) -> None:
    for item in items_of_row(ready(name), 1, "row-1", value_row(row)):
        assert isinstance(RowReader("i", None).read(item, ARRIVAL, may_hold_nul=True), Touchpoint | Rejected)


def test_short_ids_of_salesforce_are_the_long_ones() -> None:
    habits = ready_of({"ready": "salesforce-leads"}, exports()).habits

    assert salesforce_id("001D000000IRFma", habits, "") == "001D000000IRFmaIAH"
    assert salesforce_id("001D000000IRFmaIAH", habits, "") == "001D000000IRFmaIAH"


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"ready": "nothing"}, "/ready"),
        ({"ready": "zoho-leads", "zone": "Mars/Phobos"}, "/zone"),
        ({"ready": "zoho-leads", "columns": {"mail": "E"}}, "/columns/mail"),
        ({"ready": "zoho-leads", "colums": {}}, "/colums"),
    ],
)
def test_what_is_asked_wrongly_is_told(asked: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        ready_of(asked, exports())

    assert [place for place, _ in caught.value.faults] == [pointer]
