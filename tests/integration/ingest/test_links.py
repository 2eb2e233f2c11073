"""Pixel and click redirect on a real log."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec
import pytest

from services.ingest.api.browser import GIF
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.recording import Recording
from services.ingest.protocols.links import Route, signature_of, signing_key
from services.ingest.protocols.native import READER
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.splitting import Split
from shared.access import KeyKind, prefix_of
from shared.clock import SystemClock
from shared.contracts.touchpoint import Touchpoint
from shared.database.access import create_key
from shared.database.session import writing
from shared.errors import Unavailable
from shared.identity_key import email_key
from shared.telemetry import Telemetry
from tests.ingest_door import OpenDoor
from tests.waiting import eventually

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
ANN = hashlib.sha256(b"ann@example.com").hexdigest()
SHOP = "https://shop.example/spring"
ELSEWHERE = "https://elsewhere.example/"


def signed(door: OpenDoor, route: Route, **fields: str) -> str:
    prefix = prefix_of(door.keys.write)
    said = {"k": prefix, **fields}
    key = signing_key(door.keys.workspace.secret, prefix)
    return urlencode({**said, "s": signature_of(route, said, key)})


async def get(door: OpenDoor, path: str, query: str, agent: str = CHROME, **headers: str) -> httpx.Response:
    return await door.client.get(f"{path}?{query}", headers={"user-agent": agent, **headers})


def properties(touchpoint: Touchpoint) -> Mapping[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(touchpoint.properties)
    return decoded


def lost(telemetry: Telemetry) -> bool:
    return 'tragt_ingest_lost_total{route="click"} 1.0' in telemetry.expose().decode()


async def test_signed_pixel_is_an_open_of_the_person(door: OpenDoor) -> None:
    answer = await get(door, "/v1/pixel.gif", signed(door, Route.PIXEL, email_sha256=ANN, id="m-1", campaign="spring"))

    (opened,) = await door.touchpoints()
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, GIF, "image/gif")
    assert len(GIF) == 43
    assert answer.headers["cache-control"] == "no-store"
    assert (opened.kind, opened.channel) == ("email_opened", "email")
    assert opened.keys == (email_key(door.keys.workspace.secret, "ann@example.com"),)
    assert properties(opened) == {"email_id": "m-1"}
    assert opened.campaign is not None
    assert opened.campaign.name == "spring"


@pytest.mark.parametrize(
    "query",
    ["", "k=tw_nobody", "k=ts_a_b", "id=1&id=2", "%ff=%00", f"k=tw_nobody&s=x&email_sha256={ANN}"],
)
async def test_pixel_is_always_the_picture(door: OpenDoor, query: str) -> None:
    answer = await get(door, "/v1/pixel.gif", query)

    assert (answer.status_code, answer.content) == (200, GIF)
    assert await door.touchpoints() == []


async def test_nobody_can_invent_opens_of_others(door: OpenDoor) -> None:
    """Neither without a signature, nor with that of another link, nor by a prefix alone."""
    whole, prefix = door.keys.write, prefix_of(door.keys.write)
    for query in (
        f"k={whole}&email_sha256={ANN}",
        f"k={whole}&user_id=u-1",
        signed(door, Route.PIXEL, user_id="u-2").replace("u-2", "u-1"),
        signed(door, Route.CLICK, user_id="u-1"),
        f"k={prefix}&anonymous_id=a-1",
    ):
        assert (await get(door, "/v1/pixel.gif", query)).content == GIF

    assert await door.touchpoints() == []


async def test_unsigned_pixel_is_of_an_anonymous_id(door: OpenDoor) -> None:
    await get(door, "/v1/pixel.gif", f"k={door.keys.write}&anonymous_id=a-1&kind=ad_viewed&id=ad-1&user_id=u-1")

    (shown,) = await door.touchpoints()
    assert (shown.kind, shown.channel, shown.keys) == ("ad_viewed", "ads", ("1anonymous_id:a-1",))


async def test_machine_opens_are_marked(door: OpenDoor) -> None:
    await get(door, "/v1/pixel.gif", signed(door, Route.PIXEL, email_sha256=ANN, id="m-1"), agent="Mozilla/5.0")

    (opened,) = await door.touchpoints()
    assert properties(opened) == {"email_id": "m-1", "machine": True, "agent": "apple_mail_privacy"}


async def test_signed_click_goes_anywhere(door: OpenDoor) -> None:
    answer = await get(door, "/v1/click", signed(door, Route.CLICK, user_id="u-1", id="m-1", to=ELSEWHERE))

    (clicked,) = await door.touchpoints()
    assert (answer.status_code, answer.headers["location"]) == (302, ELSEWHERE)
    assert answer.headers["cache-control"] == "no-store"
    assert (clicked.kind, clicked.keys) == ("email_link_clicked", ("5user_id:u-1",))
    assert properties(clicked) == {"email_id": "m-1", "link_url": ELSEWHERE}


async def test_click_token_links_the_browser_to_the_person(door: OpenDoor) -> None:
    answer = await get(door, "/v1/click", signed(door, Route.CLICK, email_sha256=ANN, to=SHOP))
    (token,) = parse_qs(urlsplit(answer.headers["location"]).query)["tragt"]

    page = {"kind": "page_viewed", "identity": {"anonymous_id": "browser-1", "click": token}}
    assert (await door.post("/v1/touchpoints", page)).json() == {"accepted": 1, "rejected": []}

    viewed = next(one for one in await door.touchpoints() if one.kind == "page_viewed")
    assert viewed.keys == (email_key(door.keys.workspace.secret, "ann@example.com"), "1anonymous_id:browser-1")


async def test_token_that_is_not_ours_is_no_key_and_no_fault(door: OpenDoor) -> None:
    page = {"kind": "page_viewed", "identity": {"anonymous_id": "browser-1", "click": "invented"}}

    assert (await door.post("/v1/touchpoints", page)).json() == {"accepted": 1, "rejected": []}
    (viewed,) = await door.touchpoints()
    assert viewed.keys == ("1anonymous_id:browser-1",)


async def test_unsigned_click_goes_to_sites_of_the_key_as_a_stranger(door: OpenDoor) -> None:
    query = urlencode({"k": door.keys.write, "to": SHOP, "kind": "ad_clicked", "user_id": "u-1"})
    answer = await get(door, "/v1/click", query)

    (clicked,) = await door.touchpoints()
    (token,) = parse_qs(urlsplit(answer.headers["location"]).query)["tragt"]
    assert answer.status_code == 302
    assert (clicked.kind, clicked.keys[0][:14]) == ("ad_clicked", "1anonymous_id:")

    await door.post("/v1/touchpoints", {"kind": "page_viewed", "identity": {"anonymous_id": "b-1", "click": token}})
    viewed = next(one for one in await door.touchpoints() if one.kind == "page_viewed")
    assert viewed.keys == ("1anonymous_id:b-1", clicked.keys[0])


@pytest.mark.parametrize(
    "to",
    [
        ELSEWHERE,
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "http://shop.example/",
        "//evil.example",
        "javascript:alert(1)",
        "https://evil.example\\@shop.example/",
        "http://localhost:7103/evil",
        "http://127.0.0.1:8080/evil",
        "http://[::1]/evil",
        "http://2130706433/evil",
        "http://10.0.0.1/evil",
        "http://169.254.169.254/evil",
        "ftp://shop.example/",
        "",
    ],
)
async def test_there_is_no_open_redirect(door: OpenDoor, to: str) -> None:
    answer = await get(door, "/v1/click", urlencode({"k": door.keys.write, "to": to}), accept="text/html")

    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "location" not in answer.headers
    assert "This link cannot be followed" in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize("to", ["javascript:alert(1)", "https://a.example\r\nx: y", "https://u:p@shop.example/"])
async def test_not_even_a_signed_link_goes_to_what_is_no_plain_address(door: OpenDoor, to: str) -> None:
    assert (await get(door, "/v1/click", signed(door, Route.CLICK, user_id="u-1", to=to))).status_code == 400


async def test_this_machine_is_a_target_of_signed_links_and_of_keys_that_name_it(door: OpenDoor) -> None:
    to = "http://localhost:3000/welcome"
    async with writing(door.own.writer) as session:
        named = await create_key(session, door.keys.workspace.id, KeyKind.WRITE, 1, origins=frozenset({to[:21]}))
    await door.own.access.load()

    answers = [
        await get(door, "/v1/click", signed(door, Route.CLICK, user_id="u-1", to=to)),
        await get(door, "/v1/click", urlencode({"k": named.text, "to": to})),
        await get(door, "/v1/click", urlencode({"k": door.keys.native, "to": to})),
    ]

    assert [answer.status_code for answer in answers] == [302, 302, 400]


async def test_programs_are_told_by_a_problem(door: OpenDoor) -> None:
    answer = await get(door, "/v1/click", f"k=tw_nobody&to={SHOP}", accept="application/json")

    assert answer.status_code == 400
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("method", "agent", "headers", "machine"),
    [
        ("HEAD", CHROME, {}, "head"),
        ("GET", CHROME, {"sec-purpose": "prefetch;prerender"}, "prefetch"),
        ("GET", f"{CHROME} Proofpoint", {}, "scanner"),
    ],
)
async def test_scanners_are_sent_on_marked_and_without_a_token(
    door: OpenDoor, method: str, agent: str, headers: dict[str, str], machine: str
) -> None:
    query = signed(door, Route.CLICK, email_sha256=ANN, to=SHOP)
    answer = await door.client.request(method, f"/v1/click?{query}", headers={"user-agent": agent, **headers})

    (clicked,) = await door.touchpoints()
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert properties(clicked) == {"link_url": SHOP, "machine": True, "agent": machine}


async def test_sender_can_leave_the_token_out(door: OpenDoor) -> None:
    answer = await get(door, "/v1/click", signed(door, Route.CLICK, email_sha256=ANN, to=SHOP, join="0"))

    assert answer.headers["location"] == SHOP


async def test_person_is_not_kept_waiting_for_the_log(door: OpenDoor) -> None:
    """The log is away: the way on is open within the patience, and the loss is counted."""
    telemetry = Telemetry()
    log_gives_up = asyncio.Event()

    class AwayLog:
        max_record_bytes = 1
        delivery_deadline_seconds = 1.0

        async def append(self, *_: object) -> None:
            await log_gives_up.wait()
            raise Unavailable

        async def partition_count(self, topic: str) -> int:
            raise NotImplementedError(topic)

        async def close(self) -> None: ...

    recording = Recording(Door(AwayLog(), SystemClock(), telemetry, lambda: "x"), telemetry, patience_seconds=0.01)
    principal = door.own.access.authenticate([door.keys.write])
    parcel = Parcel(Split([b'{"kind":"x_y","identity":{"anonymous_id":"a"}}']), READER)

    async with asyncio.timeout(5):
        await recording.record(principal, parcel, "click")
    assert not lost(telemetry)

    log_gives_up.set()

    async def is_lost() -> bool:
        return lost(telemetry)

    await eventually(is_lost, within_seconds=5, what="the loss is counted")
