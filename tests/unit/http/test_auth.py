"""Keys: made, found, and good only where and as long as they should be."""

import asyncio
import base64
from collections.abc import Sequence
from uuid import UUID

import pytest

from shared.access import (
    ENTROPY_BYTES,
    AccessKey,
    KeyKind,
    Scope,
    digest_of,
    mint,
    prefix_of,
    principal_of,
)
from shared.clock import ManualClock
from shared.errors import Forbidden, Transient, Unauthenticated, Unavailable
from shared.http.auth import AccessCache, check_origin, check_scope, matches_origin
from shared.http.credentials import header_key, query_keys
from tests.waiting import eventually

_TEXT = mint(KeyKind.SECRET, bytes(range(ENTROPY_BYTES)))


def _key(text: str = _TEXT, **changes: object) -> AccessKey:
    given: dict[str, object] = {
        "prefix": prefix_of(text),
        "workspace": UUID(int=1),
        "workspace_name": "default",
        "secret": b"s" * 32,
        "kind": KeyKind.SECRET,
        "digest": digest_of(text),
        "scopes": frozenset({Scope.LEADS_READ}),
        "origins": frozenset[str](),
        "protocol": "segment",
        "expires_at": None,
        "revoked_at": None,
    }
    return AccessKey(**{**given, **changes})  # type: ignore[arg-type]


class _Source:
    """Keys in memory that can be away; tells changes at once."""

    def __init__(self, *keys: AccessKey) -> None:
        self.keys: Sequence[AccessKey] = keys
        self.is_away = False
        self.changed = asyncio.Event()

    async def load(self) -> Sequence[AccessKey]:
        if self.is_away:
            raise Transient("the database is away")
        return self.keys

    async def wait_changed(self, timeout_seconds: float) -> None:
        async with asyncio.timeout(timeout_seconds):
            await self.changed.wait()
        self.changed.clear()


def test_minted_key_shows_its_kind_and_its_id() -> None:
    write = mint(KeyKind.WRITE, bytes(ENTROPY_BYTES - 1) + b"\1")

    assert write.startswith("tw_00000000_")
    assert prefix_of(write) == "tw_00000000"
    assert len(_TEXT.split("_")[2]) == 43


def test_key_is_made_of_all_the_bytes_it_needs() -> None:
    with pytest.raises(ValueError, match="38 random bytes"):
        mint(KeyKind.WRITE, b"few")


@pytest.mark.parametrize("text", ["", "x", "tw_", "xx_a_b", "tw_onlyid", "Bearer tw_a_b"])
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    assert prefix_of(text) == ""


async def test_good_key_is_found_among_others() -> None:
    access = AccessCache(_Source(_key()), ManualClock(5))
    await access.load()

    principal = access.authenticate(["nonsense", "tw_other_x", _TEXT])

    assert (principal.workspace, principal.scopes) == (UUID(int=1), frozenset({Scope.LEADS_READ}))


@pytest.mark.parametrize("presented", [[], [""], [_TEXT[:-1]], [f"{_TEXT}x"], ["\ud800"], [_TEXT.lower()]], ids=repr)
async def test_anything_else_is_no_key(presented: list[str]) -> None:
    access = AccessCache(_Source(_key()), ManualClock(5))
    await access.load()

    with pytest.raises(Unauthenticated, match="unknown, revoked or expired" if any(presented) else "Send a key"):
        access.authenticate(presented)


@pytest.mark.parametrize("changes", [{"revoked_at": 1}, {"expires_at": 5}])
async def test_revoked_and_expired_keys_are_none(changes: dict[str, int]) -> None:
    access = AccessCache(_Source(_key(_TEXT, **changes)), ManualClock(5))
    await access.load()

    with pytest.raises(Unauthenticated):
        access.authenticate([_TEXT])


async def test_key_expires_while_it_is_held() -> None:
    clock = ManualClock(4)
    access = AccessCache(_Source(_key(expires_at=5)), clock)
    await access.load()
    access.authenticate([_TEXT])

    clock.advance(1)

    with pytest.raises(Unauthenticated):
        access.authenticate([_TEXT])


async def test_without_any_keys_read_nobody_is_turned_away_for_good() -> None:
    access = AccessCache(_Source(), ManualClock(0))

    with pytest.raises(Unavailable):
        access.authenticate([_TEXT])
    with pytest.raises(Unavailable):
        await access.check()


async def test_known_keys_outlive_an_outage_and_a_change_is_noticed() -> None:
    source = _Source(_key())
    access = AccessCache(source, ManualClock(5))
    running = asyncio.create_task(access.run())

    await eventually(lambda: _accepts(access), within_seconds=5, what="the keys are read")
    source.is_away = True
    source.changed.set()
    await eventually(lambda: _is_clear(source), within_seconds=5, what="it was tried")
    assert await _accepts(access)
    source.keys, source.is_away = (), False
    source.changed.set()
    await eventually(lambda: _refuses(access), within_seconds=5, what="the key is gone")

    running.cancel()


async def _accepts(access: AccessCache) -> bool:
    try:
        access.authenticate([_TEXT])
    except (Unauthenticated, Unavailable):
        return False
    return True


async def _refuses(access: AccessCache) -> bool:
    return not await _accepts(access)


async def _is_clear(source: _Source) -> bool:
    return not source.changed.is_set()


def test_write_key_may_post_and_nothing_else_whatever_is_stored() -> None:
    principal = principal_of(_key(kind=KeyKind.WRITE, scopes=frozenset(Scope)))

    check_scope(principal, Scope.INGEST)
    for scope in set(Scope) - {Scope.INGEST}:
        with pytest.raises(Forbidden):
            check_scope(principal, scope)


def test_secret_key_is_bound_to_no_site() -> None:
    check_origin(principal_of(_key()), "https://any.example")


@pytest.mark.parametrize(
    ("pattern", "origin", "matches"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://b.example", False),
        ("https://a.example:*", "https://a.example:8443", True),
        ("https://a.example:*", "https://a.example", True),
        ("https://a.example:*", "https://a.example.evil.example", False),
        ("https://a.example:*", "https://a.example:1@evil.example", False),
    ],
)
def test_origins_match_whole(pattern: str, origin: str, matches: bool) -> None:
    assert matches_origin(pattern, origin) is matches


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, ""),
        (b"Bearer  ts_e_f ", "ts_e_f"),
        (b"BASIC " + base64.b64encode(b"tw_a_b:"), "tw_a_b"),
        (b"Basic " + base64.b64encode(b"tw_c_d"), "tw_c_d"),
        (b"Basic ???", ""),
        (b"Negotiate z", ""),
        (b"", ""),
    ],
)
def test_key_is_found_in_the_header(header: bytes | None, key: str) -> None:
    assert header_key(header) == key


def test_only_write_keys_are_found_in_an_address() -> None:
    assert list(query_keys(b"a=1&writeKey=tw_a_b&write_key=tw_c%5fd&writeKey=ts_e_f")) == ["tw_a_b", "tw_c_d"]
    assert list(query_keys(b"a=1")) == []
