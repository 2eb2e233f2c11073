"""Another workspace's leads do not exist, whatever is asked for."""

from collections.abc import AsyncIterator

import httpx
import pytest

from shared.access import Scope
from shared.clock import DAY, to_text
from tests.integration.scoring.api.service import OTHER_WORKSPACE, T0, Service, id_of, new_key
from tests.scoring_driver import WORKSPACE, touchpoint

U1, A1 = "5user_id:u1", "1anonymous_id:a1"
CANARY = "canary-of-another-workspace"
ALL_SCOPES = frozenset({Scope.LEADS_READ, Scope.LEADS_WRITE})
PAST = {"as_of": to_text(T0 + DAY)}
KNOWN = {"known_at": to_text(T0 + 10 * DAY)}


@pytest.fixture
async def stranger(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of another workspace, who may do everything there."""
    key = await new_key(service.dsn, OTHER_WORKSPACE, ALL_SCOPES)
    await service.access.load()
    async with service.with_key(key) as client:
        yield client


async def test_another_workspaces_lead_does_not_exist(service: Service, stranger: httpx.AsyncClient) -> None:
    traits = {"name": CANARY}
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, A1, traits=traits)])
    await service.relay()

    for key in (U1, A1):
        for path in ("", "/history", "/ledger", "/touchpoints"):
            assert (await stranger.get(f"/v1/leads/{id_of(key)}{path}")).status_code == 404
        for when in (PAST, KNOWN):
            assert (await stranger.get(f"/v1/leads/{id_of(key)}", params=when)).status_code == 404
    for when in ({}, PAST, KNOWN):
        assert (await stranger.get("/v1/leads/by/user_id/u1", params=when)).status_code == 404
    assert CANARY in (await service.client.get(f"/v1/leads/{id_of(U1)}")).text


async def test_lists_hold_nothing_of_another_workspace(service: Service, stranger: httpx.AsyncClient) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, A1, traits={"name": CANARY})])
    await service.relay()

    for path in ("/v1/leads", f"/v1/leads?id={id_of(U1)}", "/v1/changes", "/v1/facts"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_a_stranger_cannot_split(service: Service, stranger: httpx.AsyncClient) -> None:
    await service.scoring.deliver([touchpoint(1, "identified", T0, U1, A1)])

    answer = await stranger.post("/v1/identities/split", json={"key": A1, "from_key": U1})

    assert answer.status_code == 404


async def test_without_a_key_or_with_a_foreign_scope_nothing_is_said(service: Service) -> None:
    ingest_only = await new_key(service.dsn, WORKSPACE, frozenset({Scope.INGEST}))
    await service.access.load()

    for path in (f"/v1/leads/{id_of(U1)}", "/v1/leads", "/v1/changes", "/v1/facts", "/v1/changes/stream"):
        async with service.with_key("ts_nobody_x") as nobody, service.with_key(ingest_only) as sender:
            assert (await nobody.get(path)).status_code == 401
            assert (await sender.get(path)).status_code == 403
