"""What every answer says of itself."""

from uuid import UUID

from fastapi import Request

from services.metrics.api.reach import reach_of
from services.metrics.handlers.cubes import Known
from services.metrics.schemas import Meta
from shared.clock import SECOND, to_text


def meta_of(request: Request, workspace: UUID, known: Known, zone: str, definition: str, source: str) -> Meta:
    """The ``meta`` of an answer about a workspace."""
    reach = reach_of(request)
    freshness = reach.freshness
    watermark = None if freshness.watermark is None else min(freshness.watermark, known.as_of)
    return Meta(
        as_of=to_text(known.as_of),
        watermark=None if watermark is None else to_text(watermark),
        lag_seconds=None if watermark is None else round((known.as_of - watermark) / SECOND, 3),
        late_count=known.late_count,
        stale_leads=freshness.stale_leads.get(workspace),
        model_version=known.model_version or None,
        time_zone=zone,
        currency=reach.settings.currency,
        source=source,
        definition=definition,
    )
