"""What holds on every route that SDKs use, whichever protocol it is of."""

import pytest

from services.ingest.api import serving
from tests.ingest_door import OpenDoor

_SHOP = {"origin": "https://shop.example"}
_PARAMETERS = {"{write_key}": "tw_x_y", "{token}": "tw_x_y", "{call}": "track"}


def _posted(door: OpenDoor) -> list[str]:
    return [path for surface in serving.surfaces(door.own) for path in surface.endpoints]


def _fetched(door: OpenDoor) -> list[str]:
    paths = [path for fetches in serving.fetched(door.own) for path in fetches.endpoints]
    for name, value in _PARAMETERS.items():
        paths = [path.replace(name, value) for path in paths]
    return paths


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_browser_of_another_site_may_ask_with_any_header(door: OpenDoor, slash: str) -> None:
    asked = "anonymousid,authorization,content-type,rsa-retry-attempt,sentat,x-retry-count"
    for path in [*_posted(door), *_fetched(door)]:
        answer = await door.client.options(f"{path}{slash}", headers={**_SHOP, "access-control-request-headers": asked})

        told = answer.headers
        assert answer.status_code == 200, path
        assert told["access-control-allow-origin"] == _SHOP["origin"], path
        assert told["access-control-allow-credentials"] == "true", path
        assert told["access-control-allow-headers"] == asked, path
        assert {"GET", "POST", "OPTIONS"} <= set(told["access-control-allow-methods"].split(", ")), path
        assert int(told["access-control-max-age"]) > 0, path


@pytest.mark.parametrize("slash", ["", "/"])
async def test_no_route_redirects_and_every_error_can_be_read(door: OpenDoor, slash: str) -> None:
    """A browser that may not read an answer takes it for a network error, and a redirect loses the body."""
    answers = [await door.post(f"{path}{slash}", b"{}", authorization="", **_SHOP) for path in _posted(door)]
    answers += [await door.client.get(f"{path}{slash}", headers=_SHOP) for path in _fetched(door)]

    for answer in answers:
        assert answer.status_code in {200, 204, 400, 401, 404}, answer.url
        assert answer.headers["access-control-allow-origin"] == _SHOP["origin"], answer.url
        assert "Retry-After" in answer.headers["access-control-expose-headers"], answer.url
        if answer.status_code >= 400:
            assert {"code", "message", "detail"} <= set(answer.json()), answer.url
