"""Snowplow's collector on a real log, by hand as its trackers send."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from services.ingest.api.snowplow import EXAMPLE, GIF, PATH
from services.ingest.protocols.snowplow import NOBODY_ID
from shared.errors import Misconfigured
from tests.ingest_door import OpenDoor, open_door, settings_for

_SCHEMA = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
_VIEW = {"e": "pv", "uid": "u-1", "eid": "e-1", "p": "web"}
_SHOP = "https://shop.example"
_NETWORK = "8f2b0f6a-3f44-4c1c-9f0e-0a3f6f1d2c3b"


def _payload(*events: dict[str, Any]) -> dict[str, Any]:
    return {"schema": _SCHEMA, "data": list(events)}


@pytest.fixture
async def redirecting(database: str, admin_dsn: str) -> AsyncIterator[OpenDoor]:
    more = {"INGEST_SNOWPLOW_PATHS": "com.acme/track", "INGEST_SNOWPLOW_REDIRECT_HOSTS": "shop.example, *.mail.example"}
    async with open_door(database, admin_dsn, **more) as opened:
        yield opened


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
async def test_events_are_answered_ok_as_the_collector_does(door: OpenDoor, path: str) -> None:
    answer = await door.post(path, _payload(_VIEW, {**_VIEW, "eid": "e-2"}), origin=_SHOP)

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["access-control-allow-origin"] == _SHOP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {one.id for one in await door.touchpoints()} == {"e-1", "e-2"}


async def test_example_of_the_documents_is_accepted(door: OpenDoor) -> None:
    assert (await door.post(PATH, EXAMPLE)).content == b"ok"
    assert [one.channel for one in await door.touchpoints()] == ["ads"]


async def test_app_id_may_be_the_write_key(door: OpenDoor) -> None:
    posted = await door.post(PATH, _payload({**_VIEW, "aid": door.keys.write}), authorization="")
    fetched = await door.client.get("/i", params={**_VIEW, "eid": "e-2", "aid": door.keys.write})
    queried = await door.client.get("/i", params={**_VIEW, "eid": "e-3", "aid": "shop", "writeKey": door.keys.write})

    assert [one.status_code for one in (posted, fetched, queried)] == [200, 200, 200]
    touchpoints = await door.touchpoints()
    assert len(touchpoints) == 3
    assert not any(b"tw_" in msgspec.json.encode(one) for one in touchpoints)


async def test_without_a_good_key_nothing_is_taken(door: OpenDoor) -> None:
    posted = await door.post(PATH, _payload({**_VIEW, "aid": "shop"}), authorization="", origin=_SHOP)
    fetched = await door.client.get("/i", params=_VIEW)
    foreign = await door.post(PATH, _payload(_VIEW), origin="https://evil.example")

    assert [one.status_code for one in (posted, fetched, foreign)] == [401, 401, 403]
    assert posted.headers["access-control-allow-origin"] == _SHOP


async def test_refused_event_is_kept_with_the_words_of_its_request_and_can_be_taken_again(door: OpenDoor) -> None:
    key = door.keys.write
    answer = await door.post(f"{PATH}?p=web", _payload(_VIEW, {"e": "pv", "eid": "bad", "aid": key}), authorization="")
    await door.keep()

    assert (answer.status_code, answer.content) == (200, b"ok")
    (kept,) = await door.rejections()
    assert (kept.id, kept.code, kept.protocol) == ("bad", "no_identity", "snowplow")
    assert msgspec.json.decode(kept.payload) == {"e": "pv", "eid": "bad", "p": "web"}
    secret = {"authorization": f"Bearer {door.keys.secret}"}
    repaired = {"payload": {"e": "pv", "eid": "bad", "uid": "u-9"}}
    await door.client.patch("/v1/rejected/bad", json=repaired, headers=secret)
    replayed = await door.client.post("/v1/rejected/bad/replay", headers=secret)
    assert replayed.json() == {"accepted": 1, "refused": []}


@pytest.mark.parametrize("body", [b"", b"nonsense", {"data": [_VIEW]}, {"schema": _SCHEMA}])
async def test_body_that_is_no_payload_is_400(door: OpenDoor, body: Any) -> None:
    assert (await door.post(PATH, body)).status_code == 400


@pytest.mark.parametrize("path", ["/i", "/i/", "/ice.png", PATH])
async def test_image_is_an_event_and_asking_for_it_is_none(door: OpenDoor, path: str) -> None:
    params = {**_VIEW, "aid": door.keys.write}

    asked = await door.client.head(path, params={**params, "eid": "e-0"})
    answer = await door.client.get(path, params=params)

    assert (asked.status_code, answer.status_code) == (200, 200)
    assert answer.headers["content-type"] == asked.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert answer.content == GIF
    assert [one.id for one in await door.touchpoints()] == ["e-1"]


def test_image_is_the_collectors_own() -> None:
    assert base64.b64encode(GIF) == b"R0lGODlhAQABAPAAAP///wAAACH5BAUAAAAALAAAAAABAAEAAAICRAEAOw=="


async def test_base64_in_an_address_is_taken(door: OpenDoor) -> None:
    outer = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    event = {"schema": outer, "data": {"schema": "iglu:com.acme/form_submit/jsonschema/1-0-0", "data": {"form": "d?"}}}
    coded = base64.urlsafe_b64encode(msgspec.json.encode(event)).decode().rstrip("=")

    await door.client.get("/i", params={"e": "ue", "ue_px": coded, "uid": "u", "aid": door.keys.write})

    (touchpoint,) = await door.touchpoints()
    assert (touchpoint.kind, bytes(touchpoint.properties)) == ("form_submit", b'{"form":"d?"}')


async def test_browser_is_given_a_cookie_and_known_by_it_afterwards(door: OpenDoor) -> None:
    view = {"e": "pv", "eid": "1", "aid": door.keys.write}
    first = await door.client.get("/i", params=view, headers={"referer": f"{_SHOP}/a"})
    cookie = first.headers["set-cookie"]
    network = cookie.partition("sp=")[2].partition(";")[0]
    headers = {"referer": f"{_SHOP}/b", "cookie": f"x=1; sp={network}"}
    again = await door.client.get("/i", params={**view, "eid": "2"}, headers=headers)

    for attribute in ("Max-Age=31536000", "Path=/", "Secure", "HttpOnly", "SameSite=None"):
        assert attribute in cookie
    assert f"sp={network};" in again.headers["set-cookie"]
    touchpoints = await door.touchpoints()
    assert {one.keys for one in touchpoints} == {(f"1anonymous_id:{network}",)}
    assert {one.page.url for one in touchpoints if one.page} == {f"{_SHOP}/a", f"{_SHOP}/b"}


async def test_server_without_a_cookie_is_nobody_new_each_time(door: OpenDoor) -> None:
    await door.post(PATH, _payload({"e": "pv", "eid": "1"}, {"e": "pv", "eid": "2", "uid": "u-1"}))

    assert [one.keys for one in await door.touchpoints()] == [("5user_id:u-1",)]
    assert [one.code for one in await door.rejections()] == ["no_identity"]


async def test_network_id_of_the_address_wins_over_the_cookie_and_junk_is_never_reflected(door: OpenDoor) -> None:
    params = {"e": "pv", "aid": door.keys.write}
    named = await door.client.get("/i", params={**params, "nuid": _NETWORK}, headers={"cookie": f"sp={NOBODY_ID}"})
    junk = await door.client.get("/i", params={**params, "nuid": "x; Domain=evil", "uid": "u"})

    assert f"sp={_NETWORK};" in named.headers["set-cookie"]
    assert "evil" not in junk.headers["set-cookie"]


async def test_anonymous_request_gets_no_cookie_loses_the_one_it_has_and_leaves_no_trace(door: OpenDoor) -> None:
    headers = {"sp-anonymous": "*", "cookie": f"sp={_NETWORK}", "referer": f"{_SHOP}/"}
    params = {**_VIEW, "ip": "203.0.113.7", "tnuid": _NETWORK, "aid": door.keys.write}

    held = await door.client.get("/i", params=params, headers=headers)
    fresh = await door.client.get("/i", params=params, headers={"sp-anonymous": "*"})

    assert held.headers["set-cookie"].startswith("sp=; Max-Age=0;")
    assert "set-cookie" not in fresh.headers
    for touchpoint in await door.touchpoints():
        assert touchpoint.keys == ("5user_id:u-1",)
        assert _NETWORK.encode() not in msgspec.json.encode(touchpoint)
        assert b"203.0.113" not in msgspec.json.encode(touchpoint)


@pytest.mark.parametrize("path", [PATH, "/i", "/r/tp2", "/ice.png/"])
async def test_preflight_passes_for_what_trackers_ask(door: OpenDoor, path: str) -> None:
    asked = {
        "origin": _SHOP,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,sp-anonymous",
    }

    answer = await door.client.options(path, headers=asked)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == _SHOP
    assert answer.headers["access-control-allow-headers"] == "content-type,sp-anonymous"
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_link_leads_to_allowed_sites_and_notes_the_click(redirecting: OpenDoor) -> None:
    door = redirecting
    target = "https://shop.example/ø?utm_medium=email&a=1"

    answer = await door.client.get("/r/tp2", params={"u": target, "uid": "u-1", "aid": door.keys.write})

    assert (answer.status_code, answer.headers["location"]) == (
        302,
        "https://shop.example/%C3%B8?utm_medium=email&a=1",
    )
    (touchpoint,) = await door.touchpoints()
    assert (touchpoint.kind, touchpoint.channel, touchpoint.keys) == ("link_clicked", "email", ("5user_id:u-1",))


async def test_click_in_a_mail_without_any_id_is_that_of_a_browser_to_come(redirecting: OpenDoor) -> None:
    params = {"u": "https://shop.example/", "aid": redirecting.keys.write}

    answer = await redirecting.client.get("/r/tp2", params=params, headers={"sec-fetch-mode": "navigate"})

    network = answer.headers["set-cookie"].partition("sp=")[2].partition(";")[0]
    assert [one.keys for one in await redirecting.touchpoints()] == [(f"1anonymous_id:{network}",)]


async def test_person_goes_on_though_the_click_is_not_noted(redirecting: OpenDoor) -> None:
    answer = await redirecting.client.get("/r/tp2", params={"u": "http://news.mail.example/", "aid": "no key"})

    assert answer.status_code == 302
    assert await redirecting.touchpoints() == []


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "/relative",
        "//shop.example/",
        "javascript:alert(1)",
        "https://evil.example/",
        "https://evil.example/https://shop.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://mail.example/",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https:\\\\evil.example/",
        "https://shop.example:8443/",
        "https://shop.example/\r\nset-cookie: a=b",
        "ftp://shop.example/",
    ],
)
async def test_link_leads_nowhere_else(redirecting: OpenDoor, target: str | None) -> None:
    params = {"aid": redirecting.keys.write, "uid": "u-1", **({} if target is None else {"u": target})}

    answer = await redirecting.client.get("/r/tp2", params=params)

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert await redirecting.touchpoints() == []


async def test_links_are_closed_unless_sites_are_named(door: OpenDoor) -> None:
    answer = await door.client.get("/r/tp2", params={"u": "https://shop.example/", "aid": door.keys.write})

    assert (answer.status_code, answer.json()["detail"].startswith("redirects disabled")) == (404, True)


async def test_further_path_of_the_settings_is_a_collector_too(redirecting: OpenDoor, door: OpenDoor) -> None:
    posted = await redirecting.post("/com.acme/track", _payload(_VIEW))
    fetched = await redirecting.client.get("/com.acme/track", params={**_VIEW, "aid": redirecting.keys.write})
    elsewhere = await door.post("/com.other/track", _payload(_VIEW))

    assert [posted.status_code, fetched.status_code, elsewhere.status_code] == [200, 200, 404]


@pytest.mark.parametrize("path", ["v1/touchpoints", "track", "com.acme", "/com.acme/track", "com.acme/a/b"])
def test_path_that_could_hide_another_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured):
        settings_for("postgresql://x/y", INGEST_SNOWPLOW_PATHS=path)


@pytest.mark.parametrize("path", ["/health", "/robots.txt"])
async def test_monitors_of_a_collector_are_answered(door: OpenDoor, path: str) -> None:
    assert (await door.client.get(path)).status_code == 200
