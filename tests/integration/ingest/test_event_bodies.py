"""What holds for the bodies of Snowplow, the Measurement Protocol and CloudEvents alike."""

import asyncio
import gzip
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from services.ingest.api import cloudevents, ga4, snowplow
from services.ingest.api.examples import NATIVE
from services.ingest.protocols.cloudevents import NATIVE_TYPE
from tests.ingest_door import OpenDoor


@dataclass(frozen=True, slots=True)
class _Route:
    path: str
    example: dict[str, Any]
    content_type: str
    status: int = 200


_ROUTES = {
    "snowplow": _Route(snowplow.PATH, snowplow.EXAMPLE, "application/json"),
    "ga4": _Route(ga4.PATH, ga4.EXAMPLE, "application/json", 204),
    "cloudevents": _Route(cloudevents.PATH, cloudevents.EXAMPLE, "application/cloudevents+json"),
}
_TYPES = ("text/plain", "application/x-www-form-urlencoded", "application/json;charset=UTF-8", "")


@pytest.fixture(params=list(_ROUTES))
def route(request: pytest.FixtureRequest) -> _Route:
    return _ROUTES[request.param]


async def test_gzip_is_known_by_its_first_bytes(door: OpenDoor, route: _Route) -> None:
    body = gzip.compress(msgspec.json.encode(route.example))

    answer = await door.post(route.path, body, content_type=route.content_type)

    assert answer.status_code == route.status
    assert await door.touchpoints()


async def test_bomb_is_413_and_can_be_read_by_a_browser(door: OpenDoor, route: _Route) -> None:
    bomb = gzip.compress(b" " * 3_000_000)

    answer = await door.post(route.path, bomb, content_type=route.content_type, origin="https://shop.example")

    assert answer.status_code == 413
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize("content_type", _TYPES)
@pytest.mark.parametrize("name", ["snowplow", "ga4"])
async def test_type_of_the_body_does_not_matter(door: OpenDoor, name: str, content_type: str) -> None:
    route = _ROUTES[name]

    assert (await door.post(route.path, route.example, content_type=content_type)).status_code == route.status
    assert await door.touchpoints()
    assert await door.rejections() == []


async def test_event_sent_again_at_the_same_time_or_later_has_the_id_it_had(door: OpenDoor, route: _Route) -> None:
    once = await door.post(route.path, route.example, content_type=route.content_type)
    expected = {one.id for one in await door.touchpoints()}
    sending = [door.post(route.path, route.example, content_type=route.content_type) for _ in range(5)]

    answers = [once, *await asyncio.gather(*sending)]

    assert {answer.status_code for answer in answers} == {route.status}
    assert {one.id for one in await door.touchpoints()} == expected


@pytest.mark.parametrize("name", list(NATIVE))
async def test_touchpoint_of_ours_may_come_as_an_event(door: OpenDoor, name: str) -> None:
    found = NATIVE[name]["value"]
    data = found["touchpoints"][0] if "touchpoints" in found else found
    event = {**cloudevents.EXAMPLE, "type": NATIVE_TYPE, "data": data}

    answer = await door.post(cloudevents.PATH, event, content_type="application/cloudevents+json")

    assert answer.json() == {"accepted": 1, "rejected": []}
    assert [one.kind for one in await door.touchpoints()] == [data["kind"]]
