"""The funnel beside the application answers like the application: status, headers and body."""

from typing import Any

import httpx
import pytest

from services.metrics.api.hot import HotFunnel
from tests.integration.metrics.conftest import Desk, with_state
from tests.integration.metrics.histories import random_changes

_PATHS = [
    "",
    "?by=channel",
    "?by=channel&by=campaign",
    "?by=channel,campaign&filter=country:DK&from=2026-09-01&to=2026-10-01",
    "?basis=period&window=7d",
    "?from=2026-09-01T00%3A00%3A00Z&to=2026-10-01",
    "?by=colour",
    "?entri=known",
    "?tz=Mars",
    "?entry=anonymous",
]


def _told(response: httpx.Response) -> dict[str, Any]:
    """All of an answer but the instants of answering."""
    body = response.json()
    body.get("meta", {}).update(as_of="", watermark="", lag_seconds=0)
    headers = {name: value for name, value in response.headers.items() if name not in {"content-length", "date"}}
    return {"status": response.status_code, "headers": headers, "body": body}


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("authorization", ["good", "ts_unknown_key", ""])
async def test_both_ways_give_the_same_answer(desk: Desk, path: str, authorization: str) -> None:
    await desk.tell(*random_changes(1, 10, desk.workspace))
    header = (
        {}
        if not authorization
        else {"authorization": f"Bearer {desk.key if authorization == 'good' else authorization}"}
    )
    hot = HotFunnel(desk.app, desk.own.telemetry)

    async with (
        desk.app.router.lifespan_context(desk.app) as state,
        httpx.AsyncClient(transport=httpx.ASGITransport(with_state(hot, state)), base_url="http://metrics") as client,
    ):
        beside = await client.get(f"/v1/funnel{path}", headers=header)
    inside = await desk.client.get(f"/v1/funnel{path}", headers=header)

    assert _told(beside) == _told(inside)


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/funnel"), ("GET", "/v1/funnel/"), ("GET", "/health/live")])
async def test_everything_else_is_left_to_the_application(desk: Desk, method: str, path: str) -> None:
    hot = HotFunnel(desk.app, desk.own.telemetry)

    async with (
        desk.app.router.lifespan_context(desk.app) as state,
        httpx.AsyncClient(transport=httpx.ASGITransport(with_state(hot, state)), base_url="http://metrics") as client,
    ):
        beside = await client.request(method, path, headers=desk.bearer)
    inside = await desk.client.request(method, path, headers=desk.bearer)

    assert (beside.status_code, beside.content) == (inside.status_code, inside.content)
