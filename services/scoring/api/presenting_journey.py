"""From what was found of a lead's way to what is said of it."""

from typing import Any

import msgspec

from services.scoring.domain.interval import Interval as FoundInterval
from services.scoring.handlers.journeys import History as FoundHistory
from services.scoring.handlers.journeys import Journey as FoundJourney
from services.scoring.handlers.journeys import Points
from services.scoring.handlers.journeys import Step as FoundStep
from services.scoring.schemas.journey import (
    Campaign,
    Cause,
    History,
    Interval,
    Journey,
    Ledger,
    Line,
    Money,
    SeenPage,
    Step,
)


def history_of(found: FoundHistory) -> History:
    """Intervals as they are shown."""
    return History(lead_id=found.lead_id, stale=found.is_stale, data=[_interval(one) for one in found.intervals])


def ledger_of(found: Points) -> Ledger:
    """The ledger as it is shown."""
    lines = [Line.model_validate(line) for line in found.ledger.lines]
    score = {"engagement": found.ledger.engagement, "fit": found.ledger.fit}
    return Ledger(lead_id=found.lead_id, as_of=found.at, score=score, data=lines)


def journey_of(found: FoundJourney, following: str | None) -> Journey:
    """A page of touchpoints as it is shown."""
    return Journey(lead_id=found.lead_id, data=[_step(one) for one in found.steps], next=following)


def _interval(interval: FoundInterval) -> Interval:
    entry = interval.entry
    return Interval(
        axis=entry.axis,
        value=entry.to,
        cycle=interval.cycle,
        since=entry.at,
        until=entry.at if entry.implied else interval.until,
        implied=entry.implied,
        previous=entry.origin,
        cause=Cause(rule=entry.rule, touchpoint_id=entry.touchpoint),
    )


def _step(step: FoundStep) -> Step:
    touchpoint = step.touchpoint
    return Step(
        id=touchpoint.id,
        kind=touchpoint.kind,
        channel=touchpoint.channel,
        channel_rule=touchpoint.channel_rule,
        occurred_at=touchpoint.occurred_at,
        received_at=touchpoint.received_at,
        recorded_at=step.recorded_at,
        protocol=touchpoint.protocol,
        campaign=Campaign.model_validate(touchpoint.campaign) if touchpoint.campaign else None,
        page=SeenPage.model_validate(touchpoint.page) if touchpoint.page else None,
        value=Money.model_validate(touchpoint.value) if touchpoint.value else None,
        country=touchpoint.country,
        device=touchpoint.device,
        browser=touchpoint.browser,
        os=touchpoint.os,
        language=touchpoint.language,
        marks=list(touchpoint.marks),
        consent=touchpoint.consent,
        account=touchpoint.account,
        traits=touchpoint.traits,
        identity=_json(touchpoint.identity),
        properties=_json(touchpoint.properties),
    )


def _json(raw: msgspec.Raw) -> Any:
    """What was sent as free JSON; empty where a decoder that looked closer than the door did does not take it."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
