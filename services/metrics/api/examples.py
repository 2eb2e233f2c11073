"""Answers as they are shown in the documentation; a test compares their shape with real ones."""

from typing import Final

from services.metrics.schemas import (
    CellsReport,
    CostGroup,
    CostRefused,
    CostsAnswer,
    CostsTaken,
    FactsReport,
    FunnelAnswer,
    Group,
    Lead,
    LeadsAnswer,
    Meta,
    RebuildAnswer,
    ReconcileAnswer,
    Share,
    Step,
    Times,
    Totals,
    TotalsGroup,
)

_LINK: Final = "/v1/leads?cell=cohort.known.{step}.1761350400000000.1763942400000000.0.1761350400000000"
_META: Final = Meta(
    as_of="2025-11-24T10:00:00Z",
    watermark="2025-11-24T09:59:59.400000Z",
    lag_seconds=0.6,
    late_count=12,
    stale_leads=0,
    model_version=1,
    time_zone="UTC",
    currency="EUR",
    source="cells",
    definition="Cycles (one trip of a lead along the main path) that entered known in the period, ...",
)
_STEPS: Final = [
    Step(
        step="known",
        entered=400,
        converted=120,
        rate_from_first=Share(None, 0, None),
        rate_from_previous=Share(None, 0, None),
        drop_off=Share(0.7, 400, (0.653317, 0.742793)),
        left={"disqualified": 8},
        still_open=272,
        out_of_time=None,
        mature=None,
        seconds_from_first=None,
        seconds_from_previous=None,
        leads=_LINK.format(step="known"),
    ),
    Step(
        step="mql",
        entered=120,
        converted=0,
        rate_from_first=Share(0.3, 400, (0.257207, 0.346683)),
        rate_from_previous=Share(0.3, 400, (0.257207, 0.346683)),
        drop_off=Share(1.0, 120, (0.968980, 1.0)),
        left={"recycled": 30},
        still_open=90,
        out_of_time=None,
        mature=None,
        seconds_from_first=Times(95_215.3, 812_400.1, 120),
        seconds_from_previous=Times(95_215.3, 812_400.1, 120),
        leads=_LINK.format(step="mql"),
    ),
]
FUNNEL: Final = FunnelAnswer(
    start="2025-10-25T00:00:00Z",
    end="2025-11-24T00:00:00Z",
    basis="cohort",
    entry="known",
    window_days=None,
    by=["channel"],
    steps=_STEPS,
    groups=[Group({"channel": "email"}, [], _STEPS)],
    meta=_META,
)
LEADS: Final = LeadsAnswer(
    data=[
        Lead(
            lead_id="5f0c7c0e-6a55-5a0e-9a3e-2c9f1b9d7c11",
            cycle=1,
            status="mql",
            entered_at="2025-11-20T08:15:30Z",
            steps={"known": "2025-11-20T08:15:30Z", "mql": "2025-11-21T10:42:45Z"},
            exit=None,
            exited_at=None,
            attributes={"channel": "email", "campaign": "autumn"},
            lead=None,
        )
    ],
    next=None,
    count=1,
    meta=_META,
)
TOTALS: Final = Totals(
    as_of="2025-11-24T10:00:00Z",
    entered={"known": 400, "mql": 120},
    groups=[TotalsGroup({"channel": "email"}, [], {"known": 400, "mql": 120})],
)
RECONCILED: Final = ReconcileAnswer(
    agrees=True,
    cell=CellsReport(51_200, 0, []),
    fact=FactsReport(asked=True, reason=None, compared=4_100, differing=0, examples=[]),
    meta=_META,
)
REBUILT: Final = RebuildAnswer(adopted=0, shards=16, meta=_META)
COSTS_TAKEN: Final = CostsTaken(
    received=3, changed=1, unchanged=1, refused=[CostRefused(2, "missing", "/date", "a cost has a date")]
)
COSTS: Final = CostsAnswer(
    start="2025-11-01",
    end="2025-11-25",
    by=["source"],
    groups=[CostGroup({"source": "google"}, None, "EUR", "1234.56", 100_000, 5_000, "120.5")],
    meta=_META,
)
