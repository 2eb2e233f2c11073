"""Answers on the wire. Instants are RFC 3339 in UTC, durations seconds, shares numbers in [0, 1]."""

import msgspec


class Share(msgspec.Struct, frozen=True, gc=False):
    """A share of ``n`` with its 95 % Wilson interval; ``value`` is null when there is nothing to share.

    In the period basis it is a ratio of moves: it may exceed 1 and has no interval.
    """

    value: float | None
    n: int
    interval: tuple[float, float] | None


class Times(msgspec.Struct, frozen=True, gc=False):
    """How long ``n`` moves took: half of them at most ``median`` seconds, nine tenths at most ``p90``."""

    median: float
    p90: float
    n: int


class Mature(msgspec.Struct, frozen=True, gc=False):
    """The same of those whose window is over."""

    entered: int
    rate_from_first: Share
    rate_from_previous: Share


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step of one group; ``leads`` is where its leads are listed."""

    step: str
    entered: int
    converted: int | None
    rate_from_first: Share
    rate_from_previous: Share
    drop_off: Share
    left: dict[str, int]
    still_open: int | None
    out_of_time: int | None
    mature: Mature | None
    seconds_from_first: Times | None
    seconds_from_previous: Times | None
    leads: str


class Group(msgspec.Struct, frozen=True, gc=False):
    """The cycles with these values of the attributes asked by.

    A null value is no value; the attributes named in ``rest`` stand for all values above the cap together.
    """

    key: dict[str, str | None]
    rest: list[str]
    steps: list[Step]


class Meta(msgspec.Struct, frozen=True, gc=False):
    """How fresh an answer is and what its numbers mean.

    Lead changes appended to the log before ``watermark`` are counted. ``source`` is ``cells``, or ``facts`` for what no
    sums are kept for, or ``costs``. ``late_count`` counts changes that took effect more than an hour before they were
    known.
    """

    as_of: str
    watermark: str | None
    lag_seconds: float | None
    late_count: int
    stale_leads: int | None
    model_version: int | None
    time_zone: str
    currency: str
    source: str
    definition: str


class FunnelAnswer(msgspec.Struct, frozen=True, gc=False, rename={"start": "from", "end": "to"}):
    """A funnel: the total in ``steps``, then each group, largest first."""

    start: str
    end: str
    basis: str
    entry: str
    window_days: float | None
    by: list[str]
    steps: list[Step]
    groups: list[Group]
    meta: Meta


class Lead(msgspec.Struct, frozen=True, gc=False):
    """One cycle of one lead behind a number; ``status`` is where that cycle stands.

    ``lead`` is what scoring knows of the lead now, null when it cannot be asked.
    """

    lead_id: str
    cycle: int
    status: str
    entered_at: str
    steps: dict[str, str]
    exit: str | None
    exited_at: str | None
    attributes: dict[str, str | None]
    lead: object | None


class LeadsAnswer(msgspec.Struct, frozen=True, gc=False):
    """A page of the leads behind a number; ``count`` is the number."""

    data: list[Lead]
    next: str | None
    count: int
    meta: Meta


class TotalsGroup(msgspec.Struct, frozen=True, gc=False):
    """How many of a channel have entered each step."""

    key: dict[str, str | None]
    rest: list[str]
    entered: dict[str, int]


class Totals(msgspec.Struct, frozen=True, gc=False):
    """What the page is told when something changed."""

    as_of: str
    entered: dict[str, int]
    groups: list[TotalsGroup]


class CellDifference(msgspec.Struct, frozen=True, gc=False):
    """A cell that is not what its facts say."""

    shard: int
    cell: dict[str, int]
    kept: int
    counted: int


class FactDifference(msgspec.Struct, frozen=True, gc=False):
    """A fact that is not what scoring holds: ``missing`` here, ``surplus`` here, ``behind`` or ``ahead`` in version."""

    lead_id: str
    fact_key: str
    kind: str
    counted_version: int | None
    scoring_version: int | None


class CellsReport(msgspec.Struct, frozen=True, gc=False):
    """Cells against facts."""

    compared: int
    differing: int
    examples: list[CellDifference]


class FactsReport(msgspec.Struct, frozen=True, gc=False):
    """Facts against scoring's leads; ``asked`` is false when scoring could not be, with the reason."""

    asked: bool
    reason: str | None
    compared: int
    differing: int
    examples: list[FactDifference]


class ReconcileAnswer(msgspec.Struct, frozen=True, gc=False):
    """Difference per table; all is well when both are zero."""

    agrees: bool
    cell: CellsReport
    fact: FactsReport
    meta: Meta


class RebuildAnswer(msgspec.Struct, frozen=True, gc=False):
    """How many facts were missing here and adopted from scoring, and how many shards were counted again."""

    adopted: int
    shards: int
    meta: Meta


class CostRefused(msgspec.Struct, frozen=True, gc=False):
    """A row that was not taken: its place in the request, from 0, why, and the field."""

    index: int
    code: str
    pointer: str
    detail: str


class CostsTaken(msgspec.Struct, frozen=True, gc=False):
    """What became of rows of costs; ``unchanged`` said what was known already."""

    received: int
    changed: int
    unchanged: int
    refused: list[CostRefused]


class CostGroup(msgspec.Struct, frozen=True, gc=False):
    """What a group cost in one currency; amounts are decimals, written as text. The name is the campaign's latest."""

    key: dict[str, str]
    campaign_name: str | None
    currency: str
    cost: str
    impressions: int
    clicks: int
    conversions: str


class CostsAnswer(msgspec.Struct, frozen=True, gc=False, rename={"start": "from", "end": "to"}):
    """Costs by group and currency, in the order of the groups."""

    start: str
    end: str
    by: list[str]
    groups: list[CostGroup]
    meta: Meta
