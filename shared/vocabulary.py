"""The closed words of the product: channels, statuses, touchpoint kinds with a meaning, topics and groups.

A word is added here or nowhere: every ``match`` over one of these enumerations ends in ``assert_never``.
"""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """The marketing channel a touchpoint came through (not its transport)."""

    WEB = "web"
    EMAIL = "email"
    ADS = "ads"
    SOCIAL = "social"
    REFERRAL = "referral"
    SEARCH = "search"
    EVENT = "event"
    WEBINAR = "webinar"
    PHONE = "phone"
    CHAT = "chat"
    MEETING = "meeting"
    SALES = "sales"
    OFFLINE = "offline"
    IMMERSIVE = "immersive"


class Status(StrEnum):
    """Where a lead stands between marketing and sales (core 4)."""

    ANONYMOUS = "anonymous"
    KNOWN = "known"
    MQL = "mql"
    SAL = "sal"
    SALES_QUALIFIED = "sql"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"
    LOST = "lost"
    CHURNED = "churned"


MAIN_PATH: Final = (
    Status.ANONYMOUS,
    Status.KNOWN,
    Status.MQL,
    Status.SAL,
    Status.SALES_QUALIFIED,
    Status.OPPORTUNITY,
    Status.CUSTOMER,
)
"""The statuses in order; the others end a cycle beside it."""

CYCLE_ENDS: Final = (Status.RECYCLED, Status.DISQUALIFIED, Status.LOST, Status.CHURNED)
"""A cycle ends in one of these; the next move starts ``cycle + 1``."""


class KeyType(StrEnum):
    """What an identity key is made of, strongest first (core 2). ``external`` keys carry a system:
    ``external.hubspot``.
    """

    USER_ID = "user_id"
    EMAIL = "email"
    PHONE = "phone"
    EXTERNAL = "external"
    ANONYMOUS_ID = "anonymous_id"


KEY_RANKS: Final = {
    KeyType.USER_ID: 5,
    KeyType.EMAIL: 4,
    KeyType.PHONE: 3,
    KeyType.EXTERNAL: 2,
    KeyType.ANONYMOUS_ID: 1,
}


class Kind(StrEnum):
    """Touchpoint kinds the product itself gives a meaning; any other ``noun_verbed`` name is welcome."""

    IDENTIFIED = "identified"
    ALIASED = "aliased"
    UNLINKED = "unlinked"
    PAGE_VIEWED = "page_viewed"
    SCREEN_VIEWED = "screen_viewed"
    ACCOUNT_JOINED = "account_joined"
    ORDER_COMPLETED = "order_completed"
    ORDER_REFUNDED = "order_refunded"
    SUBSCRIPTION_STARTED = "subscription_started"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    OPPORTUNITY_OPENED = "opportunity_opened"
    OPPORTUNITY_WON = "opportunity_won"
    OPPORTUNITY_LOST = "opportunity_lost"


class TopicName(StrEnum):
    """The topics of the log; ``shared.contracts.topics`` says who writes, who reads and for how long."""

    TOUCHPOINTS = "lead.touchpoints.v1"
    CHANGES = "lead.changes.v1"
    REJECTIONS = "touchpoint.rejections.v1"


class Group(StrEnum):
    """Consumer groups, ``<service>.<purpose>``."""

    SCORING_TOUCHPOINTS = "scoring.touchpoints"
    METRICS_CHANGES = "metrics.changes"
    INGEST_REJECTIONS = "ingest.rejections"


class Code(StrEnum):
    """Why one item was refused. Closed and documented in ``docs/api.md``; clients may rely on it."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    WRONG_TYPE = "wrong_type"
    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    NOT_FINITE = "not_finite"
    INVALID_TEXT = "invalid_text"
    INVALID_INSTANT = "invalid_instant"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    NO_IDENTITY = "no_identity"
    INVALID_KIND = "invalid_kind"
    KIND_NOT_ALLOWED = "kind_not_allowed"
    UNKNOWN_VALUE = "unknown_value"
    SCHEMA_VIOLATION = "schema_violation"
    CONSENT_DENIED = "consent_denied"
    FILTERED = "filtered"
    TOO_MANY_ITEMS = "too_many_items"
    EMPTY_BATCH = "empty_batch"
    ID_RESERVED = "id_reserved"
    ID_CONFLICT = "id_conflict"
    UNREADABLE_RECORD = "unreadable_record"


WITHHELD: Final = frozenset({Code.CONSENT_DENIED, Code.FILTERED})
"""Of what is refused for these reasons nothing is kept, and it is no fault of the sender's."""

SHARD_COUNT: Final = 16
"""Metrics cells are kept per shard, so that each cell row has one writer (core 6)."""
