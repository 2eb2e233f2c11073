"""Undoing a wrong join."""

from typing import Annotated, Final

from pydantic import Field

from services.scoring.schemas.wire import Instant, Wire


class NamedKey(Wire):
    """A key as people name it. Types: user_id, email, email_sha256, phone, anonymous_id, external.<system>."""

    type: str = Field(max_length=64)
    value: str = Field(min_length=1, max_length=512)


KeyText = Annotated[str, Field(max_length=600, examples=["1anonymous_id:3d9f6c1e"])]


class SplitRequest(Wire):
    """``key`` is cut from ``from_key``, which must own it directly now. A text is a key as a 409 has shown it."""

    key: NamedKey | KeyText
    from_key: NamedKey | KeyText


class SplitAccepted(Wire):
    """Durable: the lead follows as soon as this touchpoint has been processed."""

    touchpoint_id: str
    occurred_at: Instant


REQUEST_EXAMPLE: Final = {
    "key": {"type": "anonymous_id", "value": "3d9f6c1e"},
    "from_key": {"type": "user_id", "value": "u-1841"},
}
EXAMPLE: Final = {
    "touchpoint_id": "split-7b8f1d0c2a3e4f5061728394a5b6c7d8",
    "occurred_at": "2026-11-25T19:10:20.000001Z",
}
