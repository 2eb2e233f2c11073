"""A refused item on the log: what it was, who refused it and why. One table keeps them all, whoever refused."""

from typing import Final

import msgspec

TWIN_MARK: Final = "~"
"""Of a touchpoint under another's id the rejection is named by that id, this mark, and a hash of what it says."""


class Rejection(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One refused item. ``payload`` is the item's own bytes (base64 on the wire), so that it can be repaired and
    replayed. ``key`` is the prefix of the key, or of the hook, that it came with at the door.
    """

    workspace: str
    id: str
    code: str
    pointer: str
    detail: str
    protocol: str
    received_at: int
    refused_by: str
    payload: bytes
    key: str = ""
