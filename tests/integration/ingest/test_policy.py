"""The workspace's policy: shown, put in place, and obeyed by the door without a question to the database."""

from pathlib import Path
from typing import Any

import pytest

from services.ingest.bootstrap import opened
from shared.errors import Misconfigured
from tests.country_file import write_countries
from tests.ingest_door import OpenDoor, open_door, settings_for

_GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_EMPTY: dict[str, Any] = {
    "channels": [],
    "own_hosts": [],
    "bots": "mark",
    "own_traffic": {"addresses": [], "email_domains": [], "action": "mark"},
    "consent": {"default": "assumed", "regions": {}, "gpc": "honoured"},
    "time": {"past_days": 1096, "ahead_hours": None},
    "address": "truncated",
}


async def _put(door: OpenDoor, policy: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await door.client.put("/v1/policy", json=policy, headers={"authorization": f"Bearer {door.keys.secret}"})
    assert answer.status_code == status, answer.text
    await door.own.access.load()
    told: dict[str, Any] = answer.json()
    return told


def _item(item_id: str, **said: Any) -> dict[str, Any]:
    return {"id": item_id, "kind": "page_viewed", "identity": {"anonymous_id": "a-1"}, **said}


async def test_policy_is_shown_whole_and_put_whole(door: OpenDoor) -> None:
    headers = {"authorization": f"Bearer {door.keys.secret}"}

    assert (await door.client.get("/v1/policy", headers=headers)).json() == _EMPTY
    assert await _put(door, {"bots": "drop"}) == {**_EMPTY, "bots": "drop"}
    assert (await door.client.get("/v1/policy", headers=headers)).json() == {**_EMPTY, "bots": "drop"}
    assert await _put(door, {}) == _EMPTY


async def test_what_is_no_policy_is_refused_and_changes_nothing(door: OpenDoor) -> None:
    await _put(door, {"bots": "drop"})

    refused = await _put(door, {"own_traffic": {"addresses": ["10.0.0.0/99"]}}, 422)

    assert refused["errors"][0]["code"] == "invalid_policy"
    assert "10.0.0.0/99" in refused["errors"][0]["detail"]
    shown = await door.client.get("/v1/policy", headers={"authorization": f"Bearer {door.keys.secret}"})
    assert shown.json()["bots"] == "drop"


async def test_regions_without_a_database_of_countries_are_noted(
    door: OpenDoor, database: str, admin_dsn: str, tmp_path: Path
) -> None:
    by_region = {"consent": {"regions": {"EEA": "required"}}}
    write_countries(tmp_path / "countries.mmdb", {"203.0.113.0/24": "DK"})

    (note,) = (await _put(door, by_region))["notes"]
    async with open_door(database, admin_dsn, INGEST_COUNTRY_DATABASE=str(tmp_path / "countries.mmdb")) as other:
        told = await _put(other, by_region)

    assert "INGEST_COUNTRY_DATABASE" in note
    assert "notes" not in told


async def test_a_write_key_neither_sees_nor_changes_it(door: OpenDoor) -> None:
    headers = {"authorization": f"Bearer {door.keys.write}"}

    assert (await door.client.get("/v1/policy", headers=headers)).status_code == 403
    assert (await door.client.put("/v1/policy", json={}, headers=headers)).status_code == 403


async def test_the_workspace_s_own_rules_decide(door: OpenDoor) -> None:
    rule = {"name": "portal", "channel": "event", "when": {"source": "portal"}}
    page = {"url": "https://shop.example/?utm_source=portal&utm_medium=cpc"}

    await door.post("/v1/touchpoints", _item("before", page=page))
    await _put(door, {"channels": [rule]})
    await door.post("/v1/touchpoints", _item("after", page=page))

    found = {one.id: (one.channel, one.channel_rule) for one in await door.touchpoints()}
    assert found == {"before": ("ads", "paid_other:medium"), "after": ("event", "workspace:portal")}


async def test_what_is_withheld_is_told_counted_and_not_kept(door: OpenDoor) -> None:
    await _put(door, {"bots": "drop", "consent": {"regions": {"DK": "required"}}})
    items = [
        _item("bot", context={"user_agent": _GOOGLEBOT}),
        _item("silent", context={"locale": "da-DK"}),
        _item("denied", consent={"analytics": "denied"}),
    ]

    answer = await door.post("/v1/touchpoints", {"touchpoints": items})

    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert [(one["id"], one["code"]) for one in answer.json()["rejected"]] == [
        ("bot", "filtered"),
        ("silent", "consent_denied"),
        ("denied", "consent_denied"),
    ]
    assert (await door.touchpoints(), await door.rejections()) == ([], [])
    counted = (await door.client.get("/telemetry")).text
    assert 'code="filtered"' in counted
    assert 'code="consent_denied"' in counted


async def test_with_a_fault_beside_it_the_request_is_refused_and_the_fault_kept(door: OpenDoor) -> None:
    items = [_item("denied", consent={"analytics": "denied"}), _item("bad", kind="Not A Kind")]

    answer = await door.post("/v1/touchpoints", {"touchpoints": items})

    assert answer.status_code == 422
    assert [one.id for one in await door.rejections()] == ["bad"]


@pytest.mark.parametrize(("path", "body"), [("/v1/batch", {"batch": [{"type": "page", "anonymousId": "a"}]})])
async def test_global_privacy_control_and_the_browser_are_those_of_the_request(
    door: OpenDoor, path: str, body: dict[str, Any]
) -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
    head = {"origin": "https://shop.example", "user_agent": chrome, "accept_language": "nb-NO", "sec_gpc": "1"}

    await door.post(path, body, **head)
    await door.post("/v1/touchpoints", _item("native"), **head)

    for touchpoint in await door.touchpoints():
        assert touchpoint.consent == {"marketing": "denied"}
        assert (touchpoint.browser, touchpoint.os, touchpoint.language) == ("Chrome", "Linux", "nb")


async def test_country_is_that_of_the_address_the_proxy_saw(database: str, admin_dsn: str, tmp_path: Path) -> None:
    write_countries(tmp_path / "countries.mmdb", {"203.0.113.0/24": "DK", "198.51.100.0/25": "SE"})
    head = {"origin": "https://shop.example"}

    settings = {
        "INGEST_COUNTRY_DATABASE": str(tmp_path / "countries.mmdb"),
        "INGEST_TRUSTED_PROXIES": "127.0.0.1",
    }
    async with open_door(database, admin_dsn, **settings) as door:
        await door.post("/v1/touchpoints", _item("seen"), **head, x_forwarded_for="192.0.2.1, 203.0.113.9")
        await door.post("/v1/touchpoints", _item("told", context={"ip": "198.51.100.7"}))
        await door.post("/v1/touchpoints", _item("said", context={"ip": "198.51.100.7", "country": "no"}))
        await door.post("/v1/touchpoints", _item("elsewhere", context={"ip": "192.0.2.1"}))
        await door.post("/v1/touchpoints", _item("nonsense", context={"ip": "nonsense"}))

        found = {one.id: one.country for one in await door.touchpoints()}
        kept = {one.id: bytes(one.context) for one in await door.touchpoints()}

    assert found == {"seen": "DK", "told": "SE", "said": "NO", "elsewhere": None, "nonsense": None}
    assert (kept["seen"], kept["told"]) == (b"{}", b'{"ip":"198.51.100.0"}')


async def test_a_file_that_is_none_stops_the_start(database: str, tmp_path: Path) -> None:
    (tmp_path / "none.mmdb").write_bytes(b"nothing of the sort")

    for name in ("none.mmdb", "absent.mmdb"):
        with pytest.raises(Misconfigured, match="INGEST_COUNTRY_DATABASE"):
            async with opened(settings_for(database, INGEST_COUNTRY_DATABASE=str(tmp_path / name))):
                pass
