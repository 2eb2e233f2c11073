"""``/v1/reconcile``: are the numbers what a recount says? ``/v1/rebuild``: make them so."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from services.metrics.api.answers import described, respond
from services.metrics.api.examples import REBUILT, RECONCILED
from services.metrics.api.meta import meta_of
from services.metrics.api.reach import reach_of
from services.metrics.handlers.adoption import adopt
from services.metrics.handlers.rebuild import recount
from services.metrics.handlers.reconcile import EXAMPLES, CellsCompared, FactsCompared, compare_cells, compare_facts
from services.metrics.schemas import (
    CellDifference,
    CellsReport,
    FactDifference,
    FactsReport,
    RebuildAnswer,
    ReconcileAnswer,
)
from shared.errors import Forbidden, Unauthenticated, Unavailable
from shared.http.auth import Administrator
from shared.http.credentials import header_keys
from shared.http.problems import responses
from shared.vocabulary import SHARD_COUNT

router: Final = APIRouter(prefix="/v1", tags=["trust"], responses=responses(Unauthenticated, Forbidden, Unavailable))
_DEFINITION: Final = "Cells counted again from the facts, and facts compared with the leads that scoring holds now."


@router.post("/reconcile", responses=described(RECONCILED))
async def reconcile(
    request: Request,
    principal: Administrator,
    shard: Annotated[
        int | None, Query(ge=0, lt=SHARD_COUNT, description="Compare the cells of this shard only; default: all.")
    ] = None,
) -> Response:
    """Count again and compare, shard by shard and page by page, beside live traffic. Nothing is changed."""
    reach, workspace = reach_of(request), principal.workspace
    key = next(iter(header_keys(request.scope["headers"])))
    cells = await compare_cells(reach.readers, workspace, range(SHARD_COUNT) if shard is None else [shard])
    facts = await compare_facts(reach.readers, workspace, lambda: reach.scoring.facts(key))
    known = await reach.cubes.known(workspace)
    return respond(
        ReconcileAnswer(
            agrees=not cells.differing and not facts.differing,
            cell=_cells(cells),
            fact=_facts(facts),
            meta=meta_of(request, workspace, known, reach.settings.time_zones[0], _DEFINITION, "facts"),
        )
    )


@router.post("/rebuild", responses=described(REBUILT))
async def rebuild(request: Request, principal: Administrator) -> Response:
    """Adopt from scoring the facts that are missing here, then count all cells again, beside live traffic."""
    reach, workspace = reach_of(request), principal.workspace
    zones = reach.settings.time_zones
    key = next(iter(header_keys(request.scope["headers"])))
    adopted = await adopt(reach.workers, workspace, reach.scoring.facts(key), zones, reach.clock)
    shards = await recount(reach.workers, workspace, zones)
    known = await reach.cubes.known(workspace)
    definition = "Facts taken over from scoring, and cells counted again from all facts."
    return respond(RebuildAnswer(adopted, shards, meta_of(request, workspace, known, zones[0], definition, "facts")))


def _cells(compared: CellsCompared) -> CellsReport:
    return CellsReport(
        compared=compared.compared,
        differing=len(compared.differing),
        examples=[
            CellDifference(shard, one.cell._asdict(), one.kept, one.counted)
            for shard, one in compared.differing[:EXAMPLES]
        ],
    )


def _facts(compared: FactsCompared) -> FactsReport:
    return FactsReport(
        asked=compared.reason is None,
        reason=compared.reason,
        compared=compared.compared,
        differing=len(compared.differing),
        examples=[
            FactDifference(str(one.lead_id), one.fact_key, one.kind, one.counted_version, one.scoring_version)
            for one in compared.differing[:EXAMPLES]
        ],
    )
