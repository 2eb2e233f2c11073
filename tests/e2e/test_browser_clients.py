"""The real clients of others for browsers, unmodified, in a real browser on another site than ingest is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.ingest.bootstrap import opened
from shared.access import WireProfile
from shared.contracts.codec import decode_touchpoint
from shared.contracts.touchpoint import Touchpoint
from shared.database.engine import connect
from shared.identity_key import email_key
from shared.vocabulary import TopicName
from tests.e2e.visit import WEEK, Visit, visiting
from tests.ingest_door import Keys, key_of, make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True)
class Shop:
    """An ingest with its keys, and where what it accepted can be read."""

    ingest: IngestProcess
    keys: Keys
    write: dict[WireProfile, str]
    admin_dsn: str

    async def touchpoints(self) -> list[Touchpoint]:
        """All on the log."""
        connection = await connect(self.admin_dsn)
        try:
            values = await read_log(connection, TopicName.TOUCHPOINTS)
        finally:
            await connection.close()
        return [decode_touchpoint(value) for value in values]

    async def wait_for(self, kinds: list[str]) -> dict[str, Touchpoint]:
        """The touchpoints, once there are as many as these: they must be of these kinds, each with an id of its own."""

        async def are_there() -> bool:
            return len(await self.touchpoints()) >= len(kinds)

        await eventually(are_there, within_seconds=30, what=f"{len(kinds)} touchpoints")
        found = await self.touchpoints()
        assert sorted(one.kind for one in found) == sorted(kinds)
        assert len({one.id for one in found}) == len(found)
        return {one.kind: one for one in found}


@pytest.fixture
async def keys(database: str) -> AsyncIterator[tuple[Keys, dict[WireProfile, str]]]:
    async with opened(settings_for(database)) as own:
        made = await make_keys(own)
        yield made, {profile: await key_of(own, made.workspace.id, profile) for profile in WireProfile}


@pytest.fixture
def shop(tmp_path: Path, database: str, admin_dsn: str, keys: tuple[Keys, dict[WireProfile, str]]) -> Iterator[Shop]:
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database}) as running:
        running.wait_for(running.is_ready)
        yield Shop(running, *keys, admin_dsn)


@pytest.fixture
async def visit(shop: Shop) -> AsyncIterator[Visit]:
    async with visiting(shop.ingest.address) as visits:
        visit = await visits.new()
        yield visit
    assert visit.strangers == []
    assert [answer for answer in visit.answers if answer[1] not in {200, 204} and "favicon" not in answer[0]] == []


def _check_person(shop: Shop, week: dict[str, Touchpoint]) -> str:
    """That the visit is a person's; the anonymous key."""
    address = email_key(shop.keys.workspace.secret, "browser@example.com")
    user, *rest = week["identified"].keys
    assert (user, rest[0]) == ("5user_id:u-browser", address)
    assert week["demo_requested"].keys[0] == "5user_id:u-browser"
    assert week["account_joined"].account == "acme"
    assert week["order_completed"].value is not None
    seen = week["page_viewed"]
    assert seen.campaign is not None
    assert (seen.channel, seen.campaign.name, seen.campaign.click_id) == ("ads", "spring", "gclid:G1")
    assert (seen.device, seen.country) == ("desktop", "DK")
    assert rest[-1] in seen.keys
    return rest[-1]


async def test_segment_sends_every_call_once(shop: Shop, visit: Visit) -> None:
    await visit.start("segment", shop.write[WireProfile.SEGMENT])

    week = await shop.wait_for(WEEK)

    assert sorted(visit.posts) == ["/v1/g", "/v1/i", "/v1/p", "/v1/t", "/v1/t"]
    assert _check_person(shop, week).startswith("1anonymous_id:")


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({}, {"/v1/page", "/v1/identify", "/v1/track", "/v1/group", "/v1/alias"}),
        ({"queueOptions": {"batch": {"enabled": True, "maxItems": 6, "flushInterval": 2_000}}}, {"/v1/batch"}),
        ({"useBeacon": True, "beaconQueueOptions": {"flushQueueInterval": 2_000}}, {"/beacon/v1/batch"}),
    ],
    ids=["one by one", "batches", "beacons"],
)
async def test_rudderstack_sends_every_call_once(
    shop: Shop, visit: Visit, options: dict[str, object], paths: set[str]
) -> None:
    await visit.start("rudderstack", shop.write[WireProfile.RUDDERSTACK], options)

    week = await shop.wait_for([*WEEK, "aliased"])

    assert set(visit.posts) == paths
    assert len(visit.posts) == (1 if options else len([*WEEK, "aliased"]))
    assert _check_person(shop, week).startswith("1anonymous_id:")
    assert (week["aliased"].keys[0], week["aliased"].previous) == ("5user_id:u-browser-2", "5user_id:u-browser")


@pytest.mark.parametrize(
    ("page", "options"),
    [("posthog", {}), ("posthog", {"disable_compression": True}), ("posthog-of-2024", {})],
    ids=["compressed", "plain", "of 2024"],
)
async def test_posthog_sends_every_event_once_and_the_last_by_beacon(
    shop: Shop, visit: Visit, page: str, options: dict[str, object]
) -> None:
    await visit.start(page, shop.write[WireProfile.POSTHOG], options)
    await shop.wait_for(WEEK)
    await visit.page.goto(f"{visit.site}/elsewhere")

    week = await shop.wait_for([*WEEK, "page_left"])

    assert {path for path in visit.posts if path not in {"/flags/", "/decide/"}} == {"/e/"}
    assert _check_person(shop, week).startswith("1anonymous_id:")
