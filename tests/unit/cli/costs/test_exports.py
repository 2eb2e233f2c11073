"""Exports of ad platforms, invented but under their real headings, amount to exactly these costs."""

import codecs
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.cli.costs.command import exports
from services.cli.costs.exports import Asked, Parsed, parsed
from services.cli.costs.lines import UnreadableExport
from services.ingest.protocols.import_cells import Decimals
from services.metrics.domain.cost import FIELDS, Cost

GOOGLE = """Campaign report
"May 1, 2026 - May 2, 2026"
Day,Campaign,Campaign ID,Ad group,Currency code,Impr.,Clicks,Cost,Conversions,Search impr. share
2026-05-01,Spring,123,Shoes,USD,"12,345",50,"1,234.56",3.00,< 10%
2026-05-02,"Spring, late",123, --,USD,0, --,0.00,0.50, --
Total: Campaigns, --, --, --,USD,"12,345",50,"1,234.56",3.50, --
Total: Account, --, --, --,USD,"12,345",50,"1,234.56",3.50, --
"""
GOOGLE_API = [
    {
        "results": [
            {
                "customer": {"resourceName": "customers/1234567890", "id": "1234567890", "currencyCode": "USD"},
                "campaign": {"id": "123", "name": "Spring"},
                "adGroup": {"id": "9"},
                "segments": {"date": "2026-05-01", "device": device},
                "metrics": {"costMicros": micros, "impressions": "1000", "clicks": "50", "conversions": 1.5},
            }
            for device, micros in (("MOBILE", "12340000"), ("DESKTOP", "1"))
        ]
    },
    {"results": []},
]
META = """Reporting starts,Reporting ends,Campaign name,Campaign ID,Amount spent (USD),Impressions,Link clicks,Results
2026-05-01,2026-05-02,,,37.00,3000,30,3
2026-05-01,2026-05-01,Spring,1,12.34,1000,10,1
2026-05-02,2026-05-02,Spring,1,24.66,2000,20,
2026-05-01,2026-05-02,Autumn,2,5,1,1,1
"""
META_API = {
    "data": [
        {
            "account_id": "55",
            "account_currency": "USD",
            "campaign_id": "1",
            "campaign_name": "Spring",
            "adset_id": "4",
            "ad_id": "6",
            "spend": "12.34",
            "impressions": "1000",
            "clicks": "50",
            "inline_link_clicks": "40",
            "actions": [{"action_type": "link_click", "value": "40"}, {"action_type": "lead", "value": "3"}],
            "date_start": "2026-05-01",
            "date_stop": "2026-05-01",
        }
    ],
    "paging": {"cursors": {"before": "a", "after": "b"}},
}
LINKEDIN = """Campaign Performance Report (in UTC)
Report Start: May 1, 2026, 12:00 AM
Report End: May 1, 2026, 11:59 PM
Date Generated: May 3, 2026, 9:12 AM

Start Date (in UTC)\tAccount Name\tCurrency\tCampaign ID\tCampaign Name\tTotal Spent\tImpressions\tClicks\tLeads
5/1/2026\tAcme\tEUR\t700\tSøg\t1.234,50\t1.000\t5\t1
"""
LINKEDIN_API = {
    "elements": [
        {
            "costInLocalCurrency": "12.5",
            "impressions": 1000,
            "clicks": 5,
            "oneClickLeads": 1,
            "dateRange": {
                "start": {"year": 2026, "month": 5, "day": 1},
                "end": {"year": 2026, "month": 5, "day": 1},
            },
            "pivotValues": ["urn:li:sponsoredCampaign:700"],
        }
    ]
}
LINKEDIN_ADS = """Ad Performance Report (in UTC)
"Report Start: May 1, 2026, 12:00 AM"
"Report End: May {last}, 2026, 11:59 PM"
"Date Generated: May 3, 2026, 9:12 AM"

"Start Date (in UTC)"\t"Account Name"\t"Currency"\t"Campaign ID"\t"Campaign Name"\t"Ad Set ID"\t"Ad Set Name"\t\
"Ad ID"\t"Ad Name"\t"Ad Introduction Text"\t"Total Spent"\t"Impressions"\t"Clicks"\t"Conversions"
5/1/2026\tAcme\tEUR\t600\tSpring\t700\tBuyers\t800\tBoots\t"We say ""hello"",
and more"\t1,234.50\t1,000\t5\t2
5/{day}/2026\tAcme\tEUR\t600\tSpring\t700\tBuyers\t801\tLaces\tCome\t0.50\t10\t0\t0
"""
TIKTOK_ADS = """Campaign name,Ad group name,Ad name,Primary status,By Day,Currency,Cost,CPM,Impressions,\
Clicks (destination),Conversions
Spring,Buyers,Boots,Active,2026-05-01,EUR,99.50,12.40,8024,5,1
Spring,Buyers,Laces,Active,2026-05-01,EUR,0.02,5.00,<5,0,0
-,-,-,-,-,EUR,99.52,12.40,8028,5,1
"""
TIKTOK = """By Day;Campaign name;Campaign ID;Ad group ID;Currency;Cost;Impressions;Clicks (destination);Conversions
2026-05-01;Spring;72;8;DKK;99,50;1000;5;1
Total of 1 results;-;-;-;DKK;99,50;1000;5;1
"""
TIKTOK_API = {
    "code": 0,
    "message": "OK",
    "data": {
        "list": [
            {
                "dimensions": {"campaign_id": "72", "stat_time_day": "2026-05-01 00:00:00"},
                "metrics": {"spend": "99.50", "impressions": "1000", "clicks": "5", "conversion": "1"},
            }
        ],
        "page_info": {"total_number": 1},
    },
}
NEUTRAL = f"""{",".join(FIELDS)}
2026-05-01,social,reddit,1,2,Spring,3,4,EUR,0.1,10,1,
2026-05-01,,radio,,,,,,EUR,500,,,
2026-05-01,social,reddit,1,2,Spring,3,4,EUR,0.2,10,1,
2026-05-01,social,reddit,1,2,Spring,3,5,EUR,-1,10,1,
"""


def cost(day: int, **said: Any) -> Cost:
    """A cost of a day of May."""
    usual: dict[str, Any] = {
        "account_id": "",
        "campaign_id": "",
        "adgroup_id": "",
        "ad_id": "",
        "channel": "ads",
        "campaign_name": "",
        "impressions": 0,
        "clicks": 0,
        "conversions": 0,
    }
    found = {"day": date(2026, 5, day), **usual, **said}
    return Cost(**found | {name: Decimal(found[name]) for name in ("cost", "conversions")})


def read(name: str, said: Any, asked: Asked = Asked()) -> Parsed:  # noqa: B008  (frozen)
    """What a file of this mapping amounts to."""
    data = said if isinstance(said, bytes) else (said if isinstance(said, str) else json.dumps(said)).encode()
    return parsed(exports()[name], data, asked)


def faults(found: Parsed) -> list[tuple[int, str, str]]:
    """Line, code and field of what was refused."""
    return [(line, str(fault.code), fault.pointer) for line, fault in found.refused]


def test_google_ads_report() -> None:
    found = read("google-ads", GOOGLE, Asked(account="123-456-7890"))

    usual = {"source": "google", "account_id": "1234567890", "campaign_id": "123", "currency": "USD"}
    assert list(found.costs.values()) == [
        cost(
            1,
            **usual,
            campaign_name="Spring",
            adgroup_id="Shoes",
            cost="1234.56",
            impressions=12345,
            clicks=50,
            conversions="3.00",
        ),
        cost(2, **usual, campaign_name="Spring, late", cost="0.00", conversions="0.50"),
    ]
    assert (found.rows, found.totals, found.refused) == (4, 2, [])


def test_google_ads_report_as_tabs_in_utf_16_is_the_same() -> None:
    table = (
        GOOGLE.replace('"12,345"', "12345").replace('"1,234.56"', "1234.56").replace('"Spring, late"', "Spring; late")
    )
    lines = table.splitlines()
    wide = "\n".join([*lines[:2], *(line.replace(",", "\t") for line in lines[2:])]).replace("; late", ", late")

    assert read("google-ads", codecs.BOM_UTF16_LE + wide.encode("utf-16-le")).costs == read("google-ads", GOOGLE).costs


@pytest.mark.parametrize("is_stream", [False, True], ids=["list", "one a line"])
def test_google_ads_api_in_micros_adds_devices_up(is_stream: bool) -> None:
    said = "\n".join(json.dumps(one) for one in GOOGLE_API) if is_stream else GOOGLE_API

    found = read("google-ads", said)

    assert list(found.costs.values()) == [
        cost(
            1,
            source="google",
            account_id="1234567890",
            campaign_id="123",
            campaign_name="Spring",
            adgroup_id="9",
            currency="USD",
            cost="12.340001",
            impressions=2000,
            clicks=100,
            conversions="3.0",
        )
    ]
    assert found.refused == []


def test_meta_report_takes_the_currency_of_the_heading_and_refuses_rows_of_several_days() -> None:
    found = read("meta-ads", META)

    usual = {"source": "facebook", "campaign_id": "1", "campaign_name": "Spring", "currency": "USD"}
    assert list(found.costs.values()) == [
        cost(1, **usual, cost="12.34", impressions=1000, clicks=10, conversions=1),
        cost(2, **usual, cost="24.66", impressions=2000, clicks=20),
    ]
    assert found.totals == 1
    assert faults(found) == [(5, "out_of_range", "/date")]


def test_meta_report_of_a_whole_account_has_no_totals() -> None:
    found = read("meta-ads", "Reporting starts,Reporting ends,Amount spent (EUR)\n2026-05-01,2026-05-01,3\n")

    assert list(found.costs.values()) == [cost(1, source="facebook", currency="EUR", cost=3)]


@pytest.mark.parametrize("total", [",,,,37.00", "2026-05-01,2026-05-02,,,37.00"])
def test_meta_day_counts_beside_the_period_of_the_report(total: str) -> None:
    head = "Reporting starts,Reporting ends,Day,Ad name,Amount spent (USD)\n"
    rows = "2026-05-01,2026-05-02,2026-05-01,Boots,12.34\n2026-05-01,2026-05-02,2026-05-02,Boots,24.66\n"

    found = read("meta-ads", f"{head}{rows}{total}\n")

    assert [(one.day.day, one.ad_id, str(one.cost)) for one in found.costs.values()] == [
        (1, "Boots", "12.34"),
        (2, "Boots", "24.66"),
    ]
    assert (found.totals, found.refused) == (1, [])


def test_meta_api() -> None:
    (found,) = read("meta-ads", META_API).costs.values()

    assert found == cost(
        1,
        source="facebook",
        account_id="55",
        campaign_id="1",
        campaign_name="Spring",
        adgroup_id="4",
        ad_id="6",
        currency="USD",
        cost="12.34",
        impressions=1000,
        clicks=50,
        conversions=3,
    )


def test_linkedin_report_with_comma_and_months_first() -> None:
    (found,) = read("linkedin-ads", LINKEDIN, Asked(dates="mdy", decimals="comma", account="77")).costs.values()

    assert found == cost(
        1,
        source="linkedin",
        account_id="77",
        campaign_id="700",
        campaign_name="Søg",
        currency="EUR",
        cost="1234.50",
        impressions=1000,
        clicks=5,
        conversions=1,
    )


def test_linkedin_report_of_ads_in_its_later_words_as_tabs_in_utf_16() -> None:
    wide = codecs.BOM_UTF16_LE + LINKEDIN_ADS.format(last=2, day=2).encode("utf-16-le")

    first, second = read("linkedin-ads", wide, Asked(dates="mdy")).costs.values()

    usual = {
        "source": "linkedin",
        "campaign_id": "600",
        "campaign_name": "Spring",
        "adgroup_id": "700",
        "currency": "EUR",
    }
    assert first == cost(1, **usual, ad_id="800", cost="1234.50", impressions=1000, clicks=5, conversions=2)
    assert second == cost(2, **usual, ad_id="801", cost="0.50", impressions=10)


def test_linkedin_report_of_several_days_that_is_not_broken_down_is_refused_whole() -> None:
    with pytest.raises(UnreadableExport, match="2026-05-01 to 2026-05-02"):
        read("linkedin-ads", LINKEDIN_ADS.format(last=2, day=1), Asked(dates="mdy"))

    assert len(read("linkedin-ads", LINKEDIN_ADS.format(last=1, day=1), Asked(dates="mdy")).costs) == 2


def test_days_that_may_be_read_in_two_ways_are_refused() -> None:
    assert faults(read("linkedin-ads", LINKEDIN, Asked(decimals="comma"))) == [(7, "invalid_instant", "/date")]


def test_decimals_of_another_mark_are_refused_where_they_show() -> None:
    assert faults(read("linkedin-ads", LINKEDIN, Asked(dates="mdy", decimals="point"))) == [(7, "wrong_type", "/cost")]


def test_a_number_that_may_be_read_in_two_ways_is_refused() -> None:
    table = "Day;Currency;Cost;Impressions\n2026-05-01;EUR;5;1.000\n2026-05-02;EUR;0.125;1,000\n"

    found = read("google-ads", table)

    assert faults(found) == [(2, "wrong_type", "/impressions")]
    assert list(found.costs.values()) == [cost(2, source="google", currency="EUR", cost="0.125", impressions=1000)]


@pytest.mark.parametrize(("decimals", "amount"), [("point", "1.234"), ("comma", "1234")])
def test_a_number_is_read_in_the_way_that_is_said(decimals: Decimals, amount: str) -> None:
    (found,) = read("google-ads", "Day;Currency;Cost\n2026-05-01;EUR;1.234\n", Asked(decimals=decimals)).costs.values()

    assert found.cost == Decimal(amount)


def test_linkedin_api_whatever_marks_are_asked_for() -> None:
    (found,) = read("linkedin-ads", LINKEDIN_API, Asked(currency="EUR", decimals="comma")).costs.values()

    assert found == cost(
        1,
        source="linkedin",
        campaign_id="700",
        currency="EUR",
        cost="12.5",
        impressions=1000,
        clicks=5,
        conversions=1,
    )


def test_tiktok_report() -> None:
    found = read("tiktok-ads", TIKTOK, Asked(decimals="comma"))

    assert list(found.costs.values()) == [
        cost(
            1,
            source="tiktok",
            campaign_id="72",
            campaign_name="Spring",
            adgroup_id="8",
            currency="DKK",
            cost="99.50",
            impressions=1000,
            clicks=5,
            conversions=1,
        )
    ]
    assert found.totals == 1


def test_tiktok_report_of_ads_with_a_masked_count_and_a_total_without_a_name() -> None:
    found = read("tiktok-ads", TIKTOK_ADS)

    assert [(one.ad_id, str(one.cost), one.impressions) for one in found.costs.values()] == [
        ("Boots", "99.50", 8024),
        ("Laces", "0.02", 0),
    ]
    assert (found.totals, found.refused) == (1, [])


def test_tiktok_api() -> None:
    (found,) = read("tiktok-ads", TIKTOK_API, Asked(currency="DKK", account="3")).costs.values()

    assert found == cost(
        1,
        source="tiktok",
        account_id="3",
        campaign_id="72",
        currency="DKK",
        cost="99.50",
        impressions=1000,
        clicks=5,
        conversions=1,
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_neutral_file_refuses_a_key_twice(mark: str) -> None:
    found = read("neutral", mark + NEUTRAL)

    usual = {"currency": "EUR", "source": "reddit", "account_id": "1", "campaign_id": "2", "campaign_name": "Spring"}
    assert list(found.costs.values()) == [
        cost(1, **usual, channel="social", adgroup_id="3", ad_id="4", cost="0.1", impressions=10, clicks=1),
        cost(1, source="radio", currency="EUR", cost="500"),
    ]
    assert faults(found) == [(4, "repeated", ""), (5, "out_of_range", "/cost")]


def test_a_row_that_stands_twice_counts_once_and_is_told() -> None:
    lines = META.splitlines()

    found = read("meta-ads", "\n".join([*lines[:3], lines[2]]))

    assert [one.cost for one in found.costs.values()] == [Decimal("12.34")]
    assert faults(found) == [(4, "repeated", "")]


def test_amounts_of_one_ad_in_two_currencies_are_not_added() -> None:
    head = "Day,Campaign ID,Currency,Cost\n2026-05-01,1,EUR,1\n2026-05-01,1,USD,2\n"

    found = read("google-ads", head)

    assert [(one.currency, one.cost) for one in found.costs.values()] == [("EUR", Decimal(1))]
    assert faults(found) == [(3, "repeated", "")]


def test_more_fields_than_the_header_names_are_refused() -> None:
    assert faults(read("tiktok-ads", "Date,Currency,Cost\n2026-05-01,EUR,1,234.50\n")) == [(2, "too_many_items", "")]


def test_without_a_currency_anywhere_a_row_is_refused() -> None:
    assert faults(read("tiktok-ads", TIKTOK_API)) == [(1, "missing", "/currency")]


@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", b"{", b"\xff\xfe\x00", b"\xe6", b'Day,Cost\n"open', META.encode()], ids=repr
)
def test_another_file_is_refused_whole(data: bytes) -> None:
    with pytest.raises(UnreadableExport):
        read("tiktok-ads", data)


@pytest.mark.parametrize("levels", [800, 950, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_file_that_is_nested_too_deep_is_unreadable_or_refused(levels: int, opening: str, closing: str) -> None:
    try:
        found = parsed(exports()["neutral"], (opening * levels + "1" + closing * levels).encode(), Asked())
    except UnreadableExport:
        return
    assert (len(found.refused), found.costs) == (1, {})


def test_an_amount_with_many_zeros_is_one_that_the_service_takes() -> None:
    file = b"date,source,currency,cost\n2026-05-01,radio,EUR,0." + b"0" * 400

    (cost,) = parsed(exports()["neutral"], file, Asked()).costs.values()

    assert f"{cost.cost:f}" == "0.000000000"
