"""From a change on the log to a change as the feed says it."""

import msgspec

from services.scoring.handlers.feeding import FeedPage, NumberedChange
from services.scoring.schemas.change import Changes, LeadChange


def changes_of(page: FeedPage, following: str) -> Changes:
    """A page of the feed."""
    return Changes(data=[change_of(one) for one in page.changes], next=following)


def change_of(numbered: NumberedChange) -> LeadChange:
    """One change: the fields of the log but for what only routes it, and its place in the feed."""
    return LeadChange.model_validate(msgspec.structs.replace(numbered.change, sequence=numbered.sequence))
