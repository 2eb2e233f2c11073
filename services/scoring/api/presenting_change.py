"""From a change on the log to a change as the feed says it."""

from typing import Any

import msgspec

from services.scoring.handlers.feeding import FeedPage, NumberedChange
from services.scoring.schemas.change import Changes, LeadChange


def changes_of(page: FeedPage, following: str) -> Changes:
    """A page of the feed."""
    return Changes(data=[change_of(one) for one in page.changes], next=following)


def change_of(numbered: NumberedChange) -> LeadChange:
    """One change; its fields are those of the log but for what only routes it."""
    said = _plain(numbered.change)
    return LeadChange.model_validate({**{name: said[name] for name in _SAID}, "sequence": numbered.sequence})


_SAID = LeadChange.model_fields.keys() - {"sequence"}


def _plain(struct: Any) -> Any:
    return msgspec.to_builtins(msgspec.structs.asdict(struct))
