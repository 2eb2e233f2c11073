"""Ids that follow from what they name, so that saying a thing twice is saying it once."""

from uuid import UUID, uuid5


def change_id(lead_id: UUID, version: int) -> UUID:
    """The id of a lead change: uuid5 of its lead and version."""
    return uuid5(lead_id, str(version))
