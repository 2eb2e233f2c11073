"""The address of a visitor: the connection's, and what a header says only where a trusted proxy wrote it."""

from pathlib import Path

import httpx
import msgspec
import pytest

from services.ingest.api.serving import bounds
from services.ingest.bootstrap import opened
from services.ingest.settings import IngestSettings, LimitSettings
from shared.contracts.codec import decode_touchpoint
from shared.database.engine import connect
from shared.errors import Misconfigured
from shared.settings import read_settings
from shared.vocabulary import TopicName
from tests.country_file import write_countries
from tests.ingest_door import make_keys, open_door, read_log, settings_for
from tests.ingest_process import running_ingest

_ORIGIN = {"origin": "https://shop.example"}
_VISITOR, _STRANGER = "203.0.113.9", "198.51.100.7"
_COUNTRIES = {"203.0.113.0/24": "DK", "198.51.100.0/24": "SE", "127.0.0.0/8": "NO"}
_PROXY = "127.0.0.1"
"""From which the door is reached in tests."""


def _page(name: str) -> bytes:
    return msgspec.json.encode({"id": name, "kind": "page_viewed", "identity": {"anonymous_id": "a-1"}})


@pytest.mark.parametrize(
    ("trusted", "countries"),
    [
        ({}, ["NO", "NO", "NO"]),
        ({"INGEST_TRUSTED_PROXIES": "192.0.2.1"}, ["NO", "NO", "NO"]),
        ({"INGEST_TRUSTED_PROXIES": f"192.0.2.0/24,{_PROXY}"}, ["DK", "DK", "NO"]),
        ({"INGEST_TRUSTED_PROXIES": _PROXY, "INGEST_TRUSTED_HEADER": "forwarded"}, ["NO", "SE", "DK"]),
    ],
    ids=["none", "another", "the proxy", "its other header"],
)
async def test_only_a_trusted_proxy_says_where_somebody_is(
    database: str, admin_dsn: str, tmp_path: Path, trusted: dict[str, str], countries: list[str]
) -> None:
    file = tmp_path / "countries.mmdb"
    write_countries(file, _COUNTRIES)
    async with open_door(database, admin_dsn, INGEST_COUNTRY_DATABASE=str(file), **trusted) as door:
        seen = f"{_STRANGER}, {_VISITOR}"
        await door.post("/v1/touchpoints", _page("1"), **_ORIGIN, x_forwarded_for=seen)
        await door.post(
            "/v1/touchpoints", _page("2"), **_ORIGIN, x_forwarded_for=seen, forwarded=f'for="{_STRANGER}:80"'
        )
        await door.post("/v1/touchpoints", _page("3"), **_ORIGIN, forwarded=f"for={_STRANGER}, for={_VISITOR}")

        found = {one.id: one.country for one in await door.touchpoints()}

    assert [found[name] for name in "123"] == countries


@pytest.mark.parametrize(("trusted", "marks"), [("192.0.2.1", ()), (_PROXY, ("own:address",))], ids=["forged", "seen"])
async def test_own_traffic_is_known_by_the_address_that_is_believed(
    database: str, admin_dsn: str, trusted: str, marks: tuple[str, ...]
) -> None:
    policy = {"own_traffic": {"addresses": [_VISITOR]}}
    async with open_door(database, admin_dsn, INGEST_TRUSTED_PROXIES=trusted) as door:
        headers = {"authorization": f"Bearer {door.keys.secret}"}
        put = await door.client.put("/v1/policy", json=policy, headers=headers)
        await door.own.access.load()
        await door.post("/v1/touchpoints", _page("a"), **_ORIGIN, x_forwarded_for=_VISITOR, user_agent="Chrome")

        (touchpoint,) = await door.touchpoints()

    assert (put.status_code, touchpoint.marks) == (200, marks)


@pytest.mark.parametrize("fast", ["true", "false"])
async def test_the_connection_is_known_on_either_way_in(
    database: str, admin_dsn: str, tmp_path: Path, fast: str
) -> None:
    file = tmp_path / "countries.mmdb"
    write_countries(file, _COUNTRIES)
    async with opened(settings_for(database)) as own:
        keys = await make_keys(own)
    settings = {"INGEST_DATABASE_DSN": database, "INGEST_LOG_DSN": database, "INGEST_COUNTRY_DATABASE": str(file)}
    with running_ingest(tmp_path, {**settings, "INGEST_FAST": fast}) as ingest:
        ingest.wait_for(ingest.is_ready)
        headers = {"authorization": f"Bearer {keys.write}", "x-forwarded-for": _VISITOR, **_ORIGIN}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{ingest.address}/v1/touchpoints", content=_page("a"), headers=headers)
    connection = await connect(admin_dsn)
    (value,) = await read_log(connection, TopicName.TOUCHPOINTS)
    await connection.close()

    assert (answer.status_code, decode_touchpoint(value).country) == (200, "NO")


def test_what_is_no_network_is_told_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="INGEST_TRUSTED_PROXIES"):
        read_settings(
            IngestSettings,
            {"INGEST_DATABASE_DSN": "x", "INGEST_LOG_DSN": "x", "INGEST_TRUSTED_PROXIES": "10.0.0.0/8,lb.example"},
        )


def test_the_cap_on_connections_of_an_address_reaches_the_guard() -> None:
    assert bounds(LimitSettings(address_connections=7)).max_address_connections == 7
