import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.access import KeyKind, Scope, digest_of
from shared.clock import DAY
from shared.database.access import (
    create_key,
    create_workspace,
    find_workspace,
    list_keys,
    load_keys,
    revoke_key,
    rotate_key,
)
from shared.database.access_source import DatabaseAccess
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from shared.errors import Transient
from tests.integration.database.cut import cut_all_others

NOW = 1_700_000_000_000_000
LEADS = frozenset({Scope.LEADS_READ.value})


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database, Role.INGEST_WORKER)
    yield engine
    await engine.dispose()


@pytest.fixture
async def workspace(engine: AsyncEngine) -> UUID:
    async with writing(engine) as session:
        return (await create_workspace(session, "default", NOW)).id


async def test_a_workspace_asked_for_twice_keeps_its_id_and_secret(engine: AsyncEngine) -> None:
    async with writing(engine) as session:
        first = await create_workspace(session, "north", NOW)

    async with writing(engine) as session:
        again = await create_workspace(session, "north", NOW + DAY)

    assert again == first
    assert len(first.secret) == 32
    assert first.secret.hex() not in repr(first)


async def test_an_unknown_workspace_is_named(engine: AsyncEngine) -> None:
    async with writing(engine) as session:
        with pytest.raises(LookupError, match="south"):
            await find_workspace(session, "south")


async def test_only_the_digest_of_a_key_is_kept(engine: AsyncEngine, workspace: UUID) -> None:
    async with writing(engine) as session:
        made = await create_key(
            session, workspace, KeyKind.SECRET, NOW, scopes=LEADS, origins=frozenset({"https://a.dk"})
        )

    async with writing(engine) as session:
        (kept,) = await load_keys(session)
    assert kept.digest == digest_of(made.text)
    assert (kept.prefix, kept.workspace, kept.workspace_name) == (made.prefix, workspace, "default")
    assert (kept.scopes, kept.origins) == (LEADS, frozenset({"https://a.dk"}))
    assert made.text not in repr(made)


async def test_a_write_key_posts_touchpoints_and_nothing_else(engine: AsyncEngine, workspace: UUID) -> None:
    async with writing(engine) as session:
        await create_key(session, workspace, KeyKind.WRITE, NOW, scopes=frozenset({"admin"}))
        (kept,) = await load_keys(session)

    assert kept.scopes == {Scope.INGEST}


async def test_a_rotated_key_overlaps_with_its_successor(engine: AsyncEngine, workspace: UUID) -> None:
    async with writing(engine) as session:
        old = await create_key(session, workspace, KeyKind.SECRET, NOW, scopes=LEADS)
        new = await rotate_key(session, old.prefix, NOW, overlap=DAY)

    assert new is not None
    async with writing(engine) as session:
        kept = {key.prefix: key for key in await load_keys(session)}
    assert kept[old.prefix].is_usable(NOW + DAY - 1)
    assert not kept[old.prefix].is_usable(NOW + DAY)
    assert kept[new.prefix].is_usable(NOW + 400 * DAY)
    assert kept[new.prefix].scopes == LEADS


async def test_rotation_never_lengthens_a_life(engine: AsyncEngine, workspace: UUID) -> None:
    async with writing(engine) as session:
        old = await create_key(session, workspace, KeyKind.SECRET, NOW, expires_at=NOW + DAY)
        await rotate_key(session, old.prefix, NOW, overlap=30 * DAY)
        ends = [listed.key.expires_at for listed in await list_keys(session, workspace)]

    assert ends == [NOW + DAY, NOW + DAY]


async def test_a_revoked_key_is_listed_but_neither_loaded_nor_rotated(engine: AsyncEngine, workspace: UUID) -> None:
    async with writing(engine) as session:
        made = await create_key(session, workspace, KeyKind.WRITE, NOW)
        was_valid = await revoke_key(session, made.prefix, NOW + 1)

        assert was_valid
        assert not await revoke_key(session, made.prefix, NOW + 2)
        assert await load_keys(session) == []
        assert await rotate_key(session, made.prefix, NOW + 2, overlap=DAY) is None
        (listed,) = await list_keys(session, workspace)
    assert listed.key.revoked_at == NOW + 1
    assert listed.created_at == NOW


@pytest.fixture
async def source(database: str) -> AsyncIterator[DatabaseAccess]:
    source = DatabaseAccess(database, Role.SCORING_READER)
    yield source
    await source.close()


async def test_a_door_is_told_of_a_new_key(engine: AsyncEngine, workspace: UUID, source: DatabaseAccess) -> None:
    await source.wait_changed(0)

    waiting = asyncio.create_task(source.wait_changed(30))
    async with writing(engine) as session:
        made = await create_key(session, workspace, KeyKind.WRITE, NOW)
    await waiting

    assert [key.prefix for key in await source.load()] == [made.prefix]


async def test_a_door_looks_again_when_its_watch_was_cut(source: DatabaseAccess, admin_dsn: str) -> None:
    await source.wait_changed(0)

    waiting = asyncio.create_task(source.wait_changed(30))
    await cut_all_others(admin_dsn)
    await waiting

    assert list(await source.load()) == []


async def test_a_database_that_is_away_is_transient_for_loading_and_waited_out() -> None:
    source = DatabaseAccess("postgresql://tragt@/tragt?host=/nowhere", Role.SCORING_READER)

    await source.wait_changed(0.01)
    with pytest.raises(Transient):
        await source.load()
    await source.close()
