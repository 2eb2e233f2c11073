"""The state of a lead's fold: what has to be remembered so that the next touchpoint in order costs O(1).

Everything is bounded by the model, not by the history: of matches only as many instants are kept as a rule can ask for.
"""

from copy import copy
from typing import Any, Final

import msgspec

from services.scoring.domain.consent import Consent
from services.scoring.domain.identity import BEGINNING
from services.scoring.domain.touchpoint import Place, Touchpoint

FOLD: Final = 1
"""The number of the fold's own rules. A state that another one made is no state to go on from; it was 0 before consents
were heard.
"""


class Touch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """What is kept of the first and the last touchpoint, and of the first of a cycle."""

    at: int
    id: str
    kind: str
    channel: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    country: str | None = None
    device: str | None = None


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """A status or stage entered. ``touchpoint`` is the cause's id, or None when an implied instant was the cause.

    ``rule`` names what decided; ``origin`` is what it was before on the same axis.
    """

    axis: str
    to: str
    at: int
    rule: str
    touchpoint: str | None = None
    origin: str | None = None
    implied: bool = False


_ENTRIES: Final = msgspec.msgpack.Decoder(tuple[Entry, ...])
_ENCODER: Final = msgspec.msgpack.Encoder()


class Cycle(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """One trip along the main path. ``exit`` ends it (recycled, disqualified, lost, churned).

    What was entered stays encoded in ``log``: most touchpoints move nothing and never look.
    """

    number: int
    touch: Touch
    model_version: int
    log: msgspec.Raw = msgspec.Raw(b"\x90")
    exit: str | None = None
    exited_at: int | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Statuses and stages entered, in the order in which they were."""
        return _ENTRIES.decode(self.log)

    def entered(self, *entries: Entry) -> "Cycle":
        """The cycle with these entries after those it has."""
        return msgspec.structs.replace(self, log=msgspec.Raw(_ENCODER.encode((*self.entries, *entries))))


class Tally(msgspec.Struct, gc=False, omit_defaults=True, array_like=True):
    """What a model version that is not yet in force counts of a lead, by its own rules from the first touchpoint on."""

    version: int
    groups: list[tuple[int, float]]
    once: list[int] = []
    per_day: dict[int, tuple[int, int]] = {}
    visit_count: int = 0
    visit_starts: list[int] = []
    done: dict[int, list[int]] = {}


class State(msgspec.Struct, gc=False, omit_defaults=True, array_like=True):
    """A lead folded up to and including the touchpoint at ``(at, id)`` and the implied instants up to ``clock``.

    A working value: ``fold`` copies it before it changes anything, and nobody else changes it.
    ``memory_since`` tells matches of the present memory from older ones; ``closed`` holds cycles that ended but whose
    end was not yet published; ``groups`` are (instant, points) per engagement group.
    ``due`` is the next whole second at which time alone may change the lead, None when there is none.
    ``ahead`` are the counts of the versions that come into force after ``clock``, in order; the version in force,
    ``model_version``, counts in the state itself.
    ``consent`` is what the person said, by purpose. While it ``is_withdrawn`` nothing is counted, and ``traits`` stay
    those that may be scored: ``told`` are the traits as they are then, None when none was told since.
    ``fold`` is the number of the fold that made the state.
    """

    model_version: int
    at: int = BEGINNING
    id: str = ""
    clock: int = BEGINNING
    count: int = 0
    first: Touch | None = None
    last: Touch | None = None
    traits: dict[str, Any] = {}
    fit: float = 0.0
    groups: list[tuple[int, float]] = []
    once: list[int] = []
    per_day: dict[int, tuple[int, int]] = {}
    page_at: int | None = None
    visit_count: int = 0
    visit_starts: list[int] = []
    orders: int = 0
    opportunities: list[str] = []
    subscriptions: list[str] = []
    remembered: int = 0
    memory_touch: Touch | None = None
    done: dict[int, list[int]] = {}
    status: str = ""
    status_at: int = BEGINNING
    cycle: Cycle | None = None
    stage: int = -1
    furthest: int = -1
    closed: list[Cycle] = []
    due: int | None = None
    ahead: list[Tally] = []
    consent: dict[str, Consent] = {}
    is_withdrawn: bool = False
    told: dict[str, Any] | None = None
    fold: int = 0

    @property
    def known_traits(self) -> dict[str, Any]:
        """What was told last of who they are, whether or not it may be scored."""
        return self.traits if self.told is None else self.told

    @property
    def newest(self) -> int:
        """The last model version that this state knows of."""
        return self.ahead[-1].version if self.ahead else self.model_version

    @property
    def place(self) -> Place:
        """The last touchpoint folded."""
        return Place(self.at, self.id)

    @property
    def is_open(self) -> bool:
        """Whether a cycle is under way."""
        return self.cycle is not None and self.cycle.exit is None


def initial() -> State:
    """A lead before its first touchpoint, which decides under which model version it begins."""
    return State(model_version=0, fold=FOLD)


def copied(state: State) -> State:
    """A state that can be changed without changing this one (its containers hold only immutable values, or lists)."""
    twin = copy(state)
    twin.traits, twin.per_day = dict(state.traits), dict(state.per_day)
    twin.groups, twin.once, twin.visit_starts = list(state.groups), list(state.once), list(state.visit_starts)
    twin.opportunities, twin.subscriptions = list(state.opportunities), list(state.subscriptions)
    twin.done, twin.closed = dict(state.done), list(state.closed)
    twin.ahead = [_copied(tally) for tally in state.ahead]
    return twin


def _copied(tally: Tally) -> Tally:
    twin = copy(tally)
    twin.groups, twin.once, twin.visit_starts = list(tally.groups), list(tally.once), list(tally.visit_starts)
    twin.per_day, twin.done = dict(tally.per_day), dict(tally.done)
    return twin


def appendable(state: State, place: Place) -> bool:
    """Whether a touchpoint at ``place`` comes after all that is folded, implied instants included."""
    return place > state.place and place.at >= state.clock


def touch_of(touchpoint: Touchpoint) -> Touch:
    """What is kept of a touchpoint that was a first or a last one."""
    campaign = touchpoint.campaign
    return Touch(
        at=touchpoint.occurred_at,
        id=touchpoint.id,
        kind=touchpoint.kind,
        channel=touchpoint.channel,
        source=campaign.source if campaign else None,
        medium=campaign.medium if campaign else None,
        campaign=campaign.name if campaign else None,
        country=touchpoint.country,
        device=touchpoint.device,
    )


_DECODER = msgspec.msgpack.Decoder(State)
_CYCLE_DECODER = msgspec.msgpack.Decoder(Cycle)


def encode(value: State | Cycle) -> bytes:
    """The value as MessagePack, for the database."""
    return _ENCODER.encode(value)


def decode(value: bytes) -> State:
    """The state in these bytes."""
    return _DECODER.decode(value)


def decode_cycle(value: bytes) -> Cycle:
    """The cycle in these bytes."""
    return _CYCLE_DECODER.decode(value)
