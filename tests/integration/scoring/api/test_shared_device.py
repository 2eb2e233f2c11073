"""One device under which twenty thousand people have come: a list of them costs what any list costs.

PostgreSQL itself counts how many runs were read, as a wall clock would tell more about the machine.
"""

from typing import Any

import asyncpg
import pytest

from services.scoring.handlers.listed import MOST_SHOWN
from services.scoring.queries.below import MOST_KEYS, MOST_LINKED, MOST_RUNS
from shared.clock import DAY, HOUR
from tests.integration.scoring.api.service import T0, Service, id_of
from tests.scoring_driver import WORKSPACE, touchpoint
from tests.waiting import eventually

PEOPLE = 20_000
KIOSK, CRM = "1anonymous_id:kiosk", "2external.crm:x1"
LAST, FIRST = f"5user_id:x{PEOPLE}", "5user_id:x1"
ALL_OF_LAST = [f"x{PEOPLE}", f"d{PEOPLE}", "kiosk"]

_FILL = f"""
    CREATE TEMPORARY TABLE many AS SELECT n::int FROM generate_series(2, {PEOPLE}) AS n;
    INSERT INTO scoring.lead (workspace_id, key, lead_id, version)
    SELECT '{WORKSPACE}', '5user_id:x' || n, md5(n::text)::uuid, 1 FROM many WHERE n < {PEOPLE};
    INSERT INTO scoring.listing
    SELECT '{WORKSPACE}', md5(n::text)::uuid, '5user_id:x' || n, 'known', 'awareness', 'web', 1, n % 16, n, n, n
    FROM many WHERE n < {PEOPLE};
    INSERT INTO scoring.link
    SELECT '{WORKSPACE}', '{KIOSK}', {T0} + n, n::text, '5user_id:x' || n, 'own', n FROM many;
    INSERT INTO scoring.run
    SELECT '{WORKSPACE}', '{KIOSK}', {T0} + n, n::text, '', '5user_id:x' || n, 'own' FROM many;
    INSERT INTO scoring.run
    SELECT '{WORKSPACE}', '1anonymous_id:d' || n, {T0} + n, n::text, '', '5user_id:x' || n, 'own' FROM many;
    DROP TABLE many;
    ANALYZE;
"""  # noqa: S608 -- constants of this test
_READ = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'scoring' AND relname = 'run'"
_READ_WHOLE = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE schemaname = 'scoring' AND relname = 'run'"
_READERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'tragt.scoring_reader' AND query NOT ILIKE '%listen%'
"""


async def _runs_read(service: Service, admin: asyncpg.Connection) -> int:
    """Runs that PostgreSQL has read so far. A session has told its counts once it is gone."""
    await service.engine.dispose()

    async def gone() -> bool:
        return bool(await admin.fetchval(_READERS) == 0)

    await eventually(gone, within_seconds=10, what="readers have left")
    await admin.execute("SELECT pg_stat_clear_snapshot()")
    return int(await admin.fetchval(_READ)) + int(await admin.fetchval(_READ_WHOLE))


def _keys(lead: dict[str, Any]) -> list[str]:
    return [identity["value"] for identity in lead["identities"]]


@pytest.fixture
async def kiosk(service: Service, admin_dsn: str) -> Service:
    """The first and the last who came are leads in full, others are rows only. Each has a device of its own too."""
    await service.scoring.deliver([touchpoint(1, "identified", T0, FIRST, CRM, KIOSK)])
    await service.scoring.deliver([touchpoint(2, "page_viewed", T0 + HOUR, LAST)])
    await service.scoring.catch_up(T0 + HOUR)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(_FILL)
    await admin.close()
    return service


async def test_a_list_reads_so_many_runs_and_no_more(kiosk: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    for limit in (20, 100, 500):
        before = await _runs_read(kiosk, admin)
        listed = await kiosk.get("/v1/leads", limit=limit)
        read = await _runs_read(kiosk, admin) - before

        assert len(listed["data"]) == limit
        assert read < limit * 100, "each of these has a device that is linked to everybody"
    await admin.close()


async def test_leads_by_their_ids_read_no_more_than_a_list(kiosk: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    before = await _runs_read(kiosk, admin)
    listed = await kiosk.get("/v1/leads", id=[id_of(FIRST), id_of(LAST)])

    assert [_keys(lead) for lead in listed["data"]] == [["x1", "x1"], ALL_OF_LAST]
    assert await _runs_read(kiosk, admin) - before < 200
    await admin.close()


async def test_a_shared_device_is_shown_with_the_one_who_holds_it_now(kiosk: Service) -> None:
    listed = await kiosk.get("/v1/leads", limit=500)
    with_kiosk = [lead["lead_id"] for lead in listed["data"] if "kiosk" in _keys(lead)]

    assert with_kiosk == [id_of(LAST)]


async def test_one_lead_of_a_shared_device_is_answered_in_full(kiosk: Service) -> None:
    for asked, keys in ((LAST, ALL_OF_LAST), (FIRST, ["x1", "x1"]), (KIOSK, ALL_OF_LAST)):
        assert _keys(await kiosk.get(f"/v1/leads/{id_of(asked)}")) == keys
        await kiosk.get(f"/v1/leads/{id_of(asked)}/touchpoints")


async def test_of_a_key_cut_after_many_owners_a_list_does_not_guess(kiosk: Service, admin_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(
        "INSERT INTO scoring.run VALUES ($1, $2, $3, 'z', '', $4, 'split')", WORKSPACE, KIOSK, T0 + DAY, FIRST
    )
    await admin.close()

    (listed,) = (await kiosk.get("/v1/leads", id=id_of(LAST)))["data"]
    assert _keys(listed) == [f"x{PEOPLE}", f"d{PEOPLE}"]
    assert _keys(await kiosk.get(f"/v1/leads/{id_of(LAST)}")) == ALL_OF_LAST


async def test_rows_of_ordinary_leads_are_as_their_own_addresses_show_them(service: Service) -> None:
    u1, u2, u3, a1, a2 = "5user_id:u1", "5user_id:u2", "5user_id:u3", "1anonymous_id:a1", "1anonymous_id:a2"
    await service.scoring.deliver(
        [
            touchpoint(1, "identified", T0, u1, CRM, a1),
            touchpoint(2, "identified", T0 + 1, u2, a1, a2),
            touchpoint(3, "aliased", T0 + 2, u3, previous=u2),
            touchpoint(4, "aliased", T0 + 3, u2, previous=u3),
            touchpoint(5, "identified", T0 + 4, u1, a2),
            touchpoint(6, "unlinked", T0 + 5, a2, previous=u1),
            touchpoint(7, "page_viewed", T0 + 6, a2),
        ]
    )
    await service.scoring.catch_up(T0 + DAY)

    listed = (await service.get("/v1/leads"))["data"]

    assert [sorted(_keys(lead)) for lead in listed if lead["lead_id"] == id_of(u3)] == [["a1", "u2", "u3"]]
    assert listed == [await service.get(f"/v1/leads/{lead['lead_id']}") for lead in listed]


async def test_an_alias_refused_for_the_sake_of_a_link_not_read_shows_no_key_of_another(service: Service) -> None:
    x, y, root, busy = (f"5user_id:{name}" for name in ("x", "y", "root", "busy"))
    said = [(y, busy), (busy, x), (x, y), (y, root)]  # the third closes a cycle over the first two
    said += [(busy, f"5user_id:p{n % 2}") for n in range(2 * MOST_RUNS)]
    await service.scoring.deliver(
        [touchpoint(n, "aliased", T0 + n, owner, previous=previous) for n, (previous, owner) in enumerate(said)]
    )
    await service.scoring.catch_up(T0 + DAY)

    (listed,) = (await service.get("/v1/leads", id=id_of(root)))["data"]

    assert _keys(await service.get(f"/v1/leads/{id_of(root)}")) == ["root", "y"]
    assert _keys(listed) == ["root"]


@pytest.mark.parametrize("turns", [MOST_RUNS, MOST_RUNS + 1, 5 * MOST_RUNS])
async def test_a_device_that_two_people_share_is_shown_however_often_they_take_turns(
    service: Service, turns: int
) -> None:
    two = ("5user_id:u1", "5user_id:u2")
    await service.scoring.deliver(
        [touchpoint(n, "identified", T0 + n, two[n % 2], "1anonymous_id:home") for n in range(turns)]
    )
    await service.scoring.catch_up(T0 + DAY)

    listed = (await service.get("/v1/leads", limit=2))["data"]

    assert listed == [await service.get(f"/v1/leads/{lead['lead_id']}") for lead in listed]
    assert sum("home" in _keys(lead) for lead in listed) == 1


@pytest.mark.parametrize("devices", [MOST_SHOWN, MOST_KEYS + 1, 3 * MOST_LINKED])
async def test_of_one_with_many_devices_a_list_shows_some(service: Service, devices: int) -> None:
    user = "5user_id:u1"
    await service.scoring.deliver(
        [touchpoint(n, "identified", T0 + n, user, f"1anonymous_id:a{n:03}") for n in range(devices)]
    )

    (listed,) = (await service.get("/v1/leads"))["data"]
    whole = _keys(await service.get(f"/v1/leads/{id_of(user)}"))

    assert len(whole) == devices + 1
    assert _keys(listed)[0] == "u1"
    assert len(_keys(listed)) == MOST_SHOWN
    assert set(_keys(listed)) <= set(whole)
