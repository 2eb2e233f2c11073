"""The table of core 2 as data: what arrives, and whose it then is. Instant ``t3`` is 3,000 seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.reference.message import SECOND, Message

STEP: Final = 1_000 * SECOND
WORKSPACE: Final = "00000000-0000-0000-0000-000000000077"

A1, A2 = "1anonymous_id:a1", "1anonymous_id:a2"
U1, U2 = "5user_id:u1", "5user_id:u2"
E, F = "4email:0e", "4email:0f"
X = "2external.salesforce:00Q"


def touchpoint(kind: str, *keys: str, at: float, previous: str | None = None) -> Message:
    """One touchpoint of a vector; its id says what and when, so that a failure can be read."""
    strongest = sorted(keys, key=lambda key: (-int(key[0]), key.encode()))
    message: dict[str, object] = {
        "workspace": WORKSPACE,
        "id": f"{kind}@{at}",
        "kind": kind,
        "channel": "web",
        "occurred_at": int(at * STEP),
        "received_at": int(at * STEP),
        "keys": strongest,
    }
    return message if previous is None else {**message, "previous": previous}


@dataclass(frozen=True)
class Vector:
    """``leads``: root to the instants (in steps) of its touchpoints; ``roots``: (key, step) to its root."""

    name: str
    touchpoints: tuple[Message, ...]
    leads: Mapping[str, tuple[float, ...]]
    roots: Mapping[tuple[str, float], str] = field(default_factory=dict)
    infer_email_owner: bool = True


_JOINED = (
    touchpoint("page_viewed", A1, at=1),
    touchpoint("page_viewed", A1, at=2),
    touchpoint("order_completed", U1, at=4),
    touchpoint("identified", A1, U1, at=3),
)
_SHARED = (*_JOINED, touchpoint("identified", A1, U2, at=5), touchpoint("page_viewed", A1, at=6))
_SHARED_LATE = (*_SHARED, touchpoint("identified", A1, U2, at=0))
_FORM_THEN_LOGIN = (touchpoint("form_submitted", A1, E, at=1), touchpoint("identified", A1, U1, at=2))

VECTORS: Final = (
    Vector("anonymous history joins the known person", _JOINED, {U1: (1, 2, 3, 4)}),
    Vector("a shared device is split by time", _SHARED, {U1: (1, 2, 3, 4), U2: (5, 6)}),
    Vector("a late link moves what came after it", _SHARED_LATE, {U2: (0, 1, 2, 5, 6), U1: (3, 4)}),
    Vector(
        "two user ids with one e-mail stay two leads",
        (touchpoint("identified", U1, E, at=1), touchpoint("identified", U2, E, at=2)),
        {U1: (1,), U2: (2,)},
        {(E, 1.5): U1, (E, 3): U2},
    ),
    Vector(
        "devices and an e-mail join one user",
        (
            touchpoint("form_submitted", A1, E, at=1),
            touchpoint("page_viewed", A2, U1, at=2),
            touchpoint("identified", U1, E, at=3),
        ),
        {U1: (1, 2, 3)},
    ),
    Vector("inference 1 joins the form to the login", _FORM_THEN_LOGIN, {U1: (1, 2)}),
    Vector("without inference 1 the form stays", _FORM_THEN_LOGIN, {E: (1,), U1: (2,)}, infer_email_owner=False),
    Vector(
        "a CRM record finds its visitor by e-mail",
        (
            touchpoint("page_viewed", A1, U1, E, at=1),
            touchpoint("opportunity_opened", X, E, at=5),
            touchpoint("opportunity_won", X, at=9),
        ),
        {U1: (1, 5, 9)},
    ),
    Vector(
        "inference 2 follows a changed address",
        (
            touchpoint("record_updated", X, E, at=1),
            touchpoint("record_updated", X, F, at=2),
            touchpoint("page_viewed", A1, U1, E, at=3),
        ),
        {U1: (1, 2, 3)},
        {(F, 2): U1},
    ),
    Vector(
        "a split cuts what was, later links hold",
        (
            touchpoint("identified", A1, U1, at=1),
            touchpoint("page_viewed", A1, at=2),
            touchpoint("unlinked", A1, at=5, previous=U1),
            touchpoint("page_viewed", A1, at=6),
            touchpoint("identified", A1, U1, at=9),
        ),
        {U1: (1, 9), A1: (2, 5, 6)},
        {(A1, 8): A1, (A1, 10): U1},
    ),
)
