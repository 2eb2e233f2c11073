"""Takes items in: what is good goes to the log of touchpoints, what is refused to the log of rejections.

Returns only when everything of the request is durable, whichever of the two it became.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from services.ingest.domain.item_id import content_id, is_reserved
from services.ingest.domain.policy import terms_by
from services.ingest.domain.refusal import Refusal
from services.ingest.handlers.allowances import Allowances, unlimited
from services.ingest.handlers.schema_cache import SchemaCache
from services.ingest.handlers.schema_tally import Warned, watched
from services.ingest.protocols import keeping
from services.ingest.protocols.outcome import NOBODY, AddressOf, Arrival, CountryAt, Outcome, Rejected, Sender, about
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.retrying import fingerprint
from services.ingest.protocols.splitting import Split
from shared.access import KeyKind, Principal, Scope
from shared.clock import Clock
from shared.contracts.codec import encode, encode_through
from shared.contracts.rejection import Rejection
from shared.contracts.topics import TOPICS, partition_for
from shared.contracts.touchpoint import Touchpoint
from shared.instruments import INGEST_ACCEPTED, INGEST_REJECTED, INGEST_WARNED
from shared.streaming.ports import Producer
from shared.streaming.types import Append
from shared.telemetry import Telemetry
from shared.vocabulary import WITHHELD, TopicName

SERVICE: Final = "ingest"

_MAX_KEPT_BYTES: Final = 512 * 1024
"""Of a body that is refused whole: its base64 fits a record of the log."""

_OF_IMPORT: Final = "import."
"""How the protocol of an import begins, whose id follows."""

_MAX_TEXT: Final = 500
_MAX_AGENT: Final = 512
_MAX_LANGUAGES: Final = 64


class RefusedItem(msgspec.Struct, frozen=True):
    """What the sender is told about an item that was refused; ``index`` is its place in the request."""

    index: int
    id: str
    refusal: Refusal


class Receipt(msgspec.Struct, frozen=True):
    """How many items are durable as touchpoints, and which were refused (and are durable as such).

    ``whole`` says why the request was refused as a whole; what can be kept of it is then the one refused item.
    Of what is withheld (``shared.vocabulary.WITHHELD``) nothing is kept, and the sender did nothing wrong.
    """

    accepted: int
    rejected: tuple[RefusedItem, ...] = ()
    whole: Refusal | None = None

    @property
    def is_refused(self) -> bool:
        """Whether nothing was accepted of what ought to have been."""
        is_faulty = self.whole is not None or any(item.refusal.code not in WITHHELD for item in self.rejected)
        return is_faulty and not self.accepted


class Door:
    """The way in for every protocol."""

    def __init__(
        self,
        producer: Producer,
        clock: Clock,
        telemetry: Telemetry,
        make_id: Callable[[], str],
        allowances: Allowances | None = None,
        country_at: CountryAt | None = None,
        *,
        address_of: AddressOf = lambda sender: sender.address,
        schemas: SchemaCache | None = None,
    ) -> None:
        self._producer = producer
        self._clock = clock
        self._telemetry = telemetry
        self._make_id = make_id
        self._allowances = allowances or unlimited()
        self._country_at = country_at
        self._address_of = address_of
        self._schemas = schemas
        self._room = bytearray()
        self._partitions = TOPICS[TopicName.TOUCHPOINTS].partitions

    async def accept(self, principal: Principal, parcel: Parcel, sender: Sender = NOBODY) -> Receipt:
        """A request of any protocol; ``sender`` is who sent it, where that says something. Raises Unavailable."""
        arrival = self._arrival(principal, sender)
        self._allowances.charge(principal, len(parcel.split.items))
        protocol, whole = parcel.reader.protocol, parcel.split.refusal
        outcomes = _read(parcel, arrival) if whole is None else _whole(parcel.split, protocol)
        del parcel  # nor is it held while it waits: many wait when much comes
        warned: list[Warned] = []
        if arrival.schemas:
            outcomes = watched(outcomes, arrival.schemas, warned)
        receipt = await self._take(protocol, arrival, outcomes, whole, key=principal.key_prefix)
        if warned:
            self._warn(protocol, principal, warned, arrival.received_at)
        self._count(protocol, principal.key_prefix, receipt)
        return receipt

    def look(self, principal: Principal, parcel: Parcel) -> Sequence[Outcome]:
        """What would become of the items, of which nothing is kept."""
        return list(_read(parcel, self._arrival(principal, NOBODY)))

    def _arrival(self, principal: Principal, sender: Sender) -> Arrival:
        terms, address, country = terms_by(principal.policy), self._address_of(sender), None
        if address and self._country_at is not None:
            country = self._country_at(address)
        is_own = bool(address) and terms.is_own_address(address)
        return Arrival(
            workspace=principal.workspace_text,
            secret=principal.secret,
            received_at=self._clock.now(),
            make_id=self._make_id,
            may_split=principal.may(Scope.LEADS_WRITE),
            sender=sender,
            about=about(sender.user_agent[:_MAX_AGENT], sender.languages[:_MAX_LANGUAGES], country, is_own, terms),
            is_public=principal.kind is KeyKind.WRITE,
            kinds=principal.kinds,
            schemas=None if self._schemas is None else self._schemas.of(principal.workspace),
            country_at=self._country_at,
        )

    async def _take(
        self, protocol: str, arrival: Arrival, outcomes: Iterable[Outcome], whole: Refusal | None, *, key: str
    ) -> Receipt:
        good, bad, refused = self._records(protocol, arrival, outcomes, key)
        size = sum([len(record.value) for records in (good, bad) for record in records])
        self._allowances.hold(arrival.workspace, size)
        try:
            if good:
                await self._producer.append(TopicName.TOUCHPOINTS, good)
            if bad:
                await self._producer.append(TopicName.REJECTIONS, bad)
        finally:
            self._allowances.release(arrival.workspace, size)
        return Receipt(len(good), tuple(refused), whole)

    def _records(
        self, protocol: str, arrival: Arrival, outcomes: Iterable[Outcome], key: str
    ) -> tuple[list[Append], list[Append], list[RefusedItem]]:
        """What goes to either topic, and what the sender is told."""
        good: list[Append] = []
        bad: list[Append] = []
        refused: list[RefusedItem] = []
        workspace, partitions, room = arrival.workspace, self._partitions, self._room
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Touchpoint):
                if outcome.consent:
                    outcome = keeping.of_decision(outcome)  # noqa: PLW2901 -- nothing else of it goes on
                partition = partition_for(workspace, outcome.keys[0], partitions)
                good.append(Append(partition, encode_through(outcome, room)))
            else:
                if outcome.refusal.code not in WITHHELD:
                    outcome = _renamed(outcome, arrival)  # noqa: PLW2901 -- told and kept under the same id
                    bad.append(Append(0, encode(_rejection(outcome, arrival, protocol, key))))
                refused.append(RefusedItem(index, outcome.id, outcome.refusal))
        return good, bad, refused

    def _warn(self, protocol: str, principal: Principal, warned: Sequence[Warned], now: int) -> None:
        items = len({one.item_id for one in warned})
        self._telemetry.count(INGEST_WARNED, items, (_label(protocol), principal.key_prefix))
        if self._schemas is not None:
            self._schemas.tally.note(principal.workspace, warned, now)

    def _count(self, protocol: str, key_prefix: str, receipt: Receipt) -> None:
        label = _label(protocol)
        self._telemetry.count(INGEST_ACCEPTED, receipt.accepted, (label,))
        for item in receipt.rejected:
            self._telemetry.count(INGEST_REJECTED, 1, (label, item.refusal.code, key_prefix))


def _label(protocol: str) -> str:
    """What numbers are split by: all imports are one, since each would leave series of its own behind for ever."""
    return "import" if protocol.startswith(_OF_IMPORT) else protocol


def _read(parcel: Parcel, arrival: Arrival) -> Iterator[Outcome]:
    """One at a time: what is encoded is let go at once, not held until the log has it."""
    read, nul = parcel.reader.read, parcel.split.may_hold_nul
    return (read(item, arrival, may_hold_nul=nul) for item in parcel.split.items)


def _whole(split: Split, protocol: str) -> Iterable[Outcome]:
    """A request refused whole, as what is kept of it, if anything: under an id that its retry has too."""
    why = split.refusal
    if why is None:
        return ()
    return [
        Rejected(
            fingerprint(body, protocol, why.code, why.pointer, str(index)).hex(), why, keeping.of_refused(body, why)
        )
        for index, body in enumerate(map(bytes, split.items))
    ]


def _renamed(outcome: Rejected, arrival: Arrival) -> Rejected:
    """Under an id by its bytes, where its own is not its sender's to use: nor is it here, where the first is kept."""
    if not arrival.is_public or not is_reserved(outcome.id):
        return outcome
    return msgspec.structs.replace(outcome, id=content_id(outcome.payload))


def _rejection(outcome: Rejected, arrival: Arrival, protocol: str, key: str) -> Rejection:
    """As the log carries it. Names out of the item may stand in the pointer, so NUL and length are seen to."""
    refusal = outcome.refusal
    return Rejection(
        workspace=arrival.workspace,
        id=outcome.id,
        code=refusal.code.value,
        pointer=refusal.pointer.replace("\0", "")[:_MAX_TEXT],
        detail=refusal.detail.replace("\0", "")[:_MAX_TEXT],
        protocol=protocol,
        received_at=arrival.received_at,
        refused_by=SERVICE,
        payload=outcome.payload[:_MAX_KEPT_BYTES],
        key=key,
    )
