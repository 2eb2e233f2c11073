"""Undoing a wrong join: a key is cut from its owner by a touchpoint on the log, so that replay keeps it (core 2)."""

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.scoring.domain import identity
from services.scoring.handlers.belongings import NEVER_SEEN
from services.scoring.handlers.desk import Asker, Desk, opened
from services.scoring.queries import leads, memory
from services.scoring.store import identity as links_store
from shared.contracts import codec
from shared.contracts.topics import partition_for
from shared.contracts.touchpoint import Touchpoint
from shared.errors import Conflict, NotFound
from shared.streaming.ports import Producer
from shared.streaming.types import Append
from shared.vocabulary import Channel, Kind, TopicName

_ID_BYTES: Final = 16


class Split(NamedTuple):
    """``key`` no longer belongs to ``owner``. ``token`` makes it one split however often it is asked for."""

    key: str
    owner: str
    token: str
    by: str


@dataclass(frozen=True, slots=True)
class Appended:
    """The touchpoint that says so, durable on the log; the lead changes when it has been processed."""

    touchpoint_id: str
    at: int


async def split(asker: Asker, producer: Producer, wanted: Split) -> Appended:
    """Append the split. Raises NotFound, Conflict with the key's chain of owners, and Unavailable."""
    touchpoint = Touchpoint(
        workspace=str(asker.workspace),
        id=_id(asker.workspace, wanted),
        kind=Kind.UNLINKED,
        channel=Channel.OFFLINE,
        occurred_at=asker.now,
        received_at=asker.now,
        keys=(wanted.key,),
        previous=wanted.owner,
        properties=msgspec.Raw(msgspec.json.encode({"by": wanted.by})),
    )
    async with opened(asker) as desk:
        known = await memory.was_seen(desk.connection, desk.workspace, desk.world.digest(touchpoint.id))
        if not known:
            await _check_owner(desk, wanted)
    if not known:
        count = await producer.partition_count(TopicName.TOUCHPOINTS)
        partition = partition_for(touchpoint.workspace, touchpoint.strand, count)
        await producer.append(TopicName.TOUCHPOINTS, [Append(partition, codec.encode(touchpoint))])
    return Appended(touchpoint.id, touchpoint.occurred_at)


def _id(workspace: UUID, wanted: Split) -> str:
    """The same for the same request under the same token."""
    named = "\\0".join((str(workspace), wanted.token, wanted.key, wanted.owner))
    return f"split-{hashlib.blake2b(named.encode(), digest_size=_ID_BYTES).hexdigest()}"


async def _check_owner(desk: Desk, wanted: Split) -> None:
    if wanted.key not in await leads.by_keys(desk.session, desk.workspace, [wanted.key]):
        raise NotFound(NEVER_SEEN)
    found = await links_store.chains_up(desk.connection, [(desk.workspace, wanted.key)])
    owners = identity.owners({key: runs for (_, key), runs in found.items()})
    chain = [wanted.key]
    while (owner := identity.owner_at(owners.get(chain[-1], ()), chain[-1], desk.now)) != chain[-1]:
        chain.append(owner)
    if chain[1:2] != [wanted.owner]:
        raise Conflict(f"only its direct owner can be split from a key; it belongs to: {' -> '.join(chain)}")
