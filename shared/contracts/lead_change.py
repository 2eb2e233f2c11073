"""A lead change on the log: the facts that differ, the moves added and retracted, and why (core 5)."""

import msgspec


class Dimensions(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What reports break a cycle down by: attributes of the first touch of the cycle."""

    channel: str | None = None
    source: str | None = None
    campaign: str | None = None
    country: str | None = None
    device: str | None = None
    segment: str | None = None
    persona: str | None = None
    model_version: int | None = None


class CycleFact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One trip of a lead along the main path; fact key ``cycle:<n>``.

    ``steps`` maps each status of the main path that was reached to the instant (microseconds) it was entered;
    ``implied`` names those that were skipped and entered with zero length. ``exit`` is the status that ended the
    cycle (recycled, disqualified, lost, churned) at ``exited_at``, or None while it is open.
    """

    cycle: int
    steps: dict[str, int]
    dimensions: Dimensions
    implied: tuple[str, ...] = ()
    exit: str | None = None
    exited_at: int | None = None


class Move(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A transition of status or stage. ``id`` is stable: a correction retracts it by this id.

    ``axis`` is ``status`` or ``stage``; ``cause`` is the touchpoint's id, or the rule's name for an implied instant.
    """

    id: str
    axis: str
    to: str
    at: int
    cycle: int
    cause: str
    origin: str | None = None
    rule: str | None = None
    implied: bool = False


class Moves(msgspec.Struct, frozen=True, gc=False):
    """Transitions that now hold and were not told before, and those told that no longer hold."""

    added: tuple[Move, ...] = ()
    retracted: tuple[Move, ...] = ()


class Cause(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why the lead changed: exactly one is set. ``merge`` is the id of the lead that this one has become part of."""

    touchpoint_id: str | None = None
    timer: str | None = None
    merge: str | None = None
    model: int | None = None
    correction: str | None = None


class Summary(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A lead for people: shown as ``before`` and ``after``."""

    status: str
    stage: str | None
    furthest: str | None
    cycle: int
    engagement: float
    fit: float


class LeadChange(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One change of one lead. Apply a fact only when ``version`` is higher than the one you hold (core 6).

    ``facts`` holds only the facts that differ; None says that the fact is gone. ``kind`` is the most telling move
    (``became_mql``, ``stage_entered``, ``corrected``, ...). ``sequence`` is stamped by the relay, gap-free
    per workspace.
    """

    change_id: str
    workspace: str
    lead_id: str
    version: int
    kind: str
    at: int
    recorded_at: int
    shard: int
    facts: dict[str, CycleFact | None]
    transitions: Moves
    cause: Cause
    model_version: int
    before: Summary | None = None
    after: Summary | None = None
    sequence: int | None = None
