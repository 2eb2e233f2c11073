"""Tables of the schema ``metrics``. Instants are microseconds since 1970; facts are the truth, cells their sums."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.metrics.domain.cycle import ATTRIBUTES, Cycle
from shared.database.naming import metadata

METADATA: Final = metadata("metrics")

STEP_COLUMNS: Final = (
    "anonymous_at",
    "known_at",
    "mql_at",
    "sal_at",
    "sales_qualified_at",
    "opportunity_at",
    "customer_at",
)
"""When each step was entered, in the order of ``domain.cycle.STEPS``."""

FACT_VALUES: Final = ("cycle", *STEP_COLUMNS, "ended", "ended_at", *ATTRIBUTES)
"""The columns that hold what a fact says."""

fact: Final = Table(
    "fact",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("lead_id", Uuid, primary_key=True),
    Column("fact_key", Text(collation="C"), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("cycle", Integer),
    *(Column(name, BigInteger) for name in STEP_COLUMNS),
    Column("ended", Text),
    Column("ended_at", BigInteger),
    *(Column(name, Text) for name in ATTRIBUTES),
    *(
        Index(f"ix_fact_{name}", "workspace_id", name, postgresql_where=text(f"{name} IS NOT NULL"))
        for name in (*STEP_COLUMNS, "ended_at")
    ),
)
"""The last fact counted per key, with its version; one that is gone stays as a tombstone, so that older versions lose.

The indexes by step and end find the leads behind a number, and answer what no cell is kept for.
"""

cell: Final = Table(
    "cell",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("calendar", SmallInteger, primary_key=True, autoincrement=False),
    Column("dimension", SmallInteger, primary_key=True, autoincrement=False),
    Column("period", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, primary_key=True, autoincrement=False),
    Column("measure", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)
"""Sums of the contributions of facts, only ever incremented. The numbers are those of ``domain.contribution.Cell``."""

shard: Final = Table(
    "shard",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    Column("late_count", BigInteger, nullable=False, server_default=text("0")),
    Column("model_version", Integer, nullable=False, server_default=text("0")),
)
"""One row per shard; whoever counts in the shard holds its lock. ``revision`` grows with every change of its cells."""

delta: Final = Table(
    "delta",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("cells", LargeBinary, nullable=False),
)
"""What each recent revision added to the cells, for readers that hold sums in memory; kept for minutes.

A revision without a row (a recount, or one long past) tells a reader to read the cells again.
"""

calendar: Final = Table(
    "calendar",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("zone", Text, nullable=False),
    Column("is_counted", Boolean, nullable=False),
)
"""The zones whose days are counted; ``is_counted`` is false while a recount adds one, and readers leave it alone."""

attribute_value: Final = Table(
    "attribute_value",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("dimension", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""The number under which a value is counted, for ever; 0 (the rest) when its dimension had reached its cap."""

sign_in: Final = Table(
    "sign_in",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Digests of one-use links and of the sessions they were changed for; the tokens themselves are kept nowhere."""

cost: Final = Table(
    "cost",
    METADATA,
    Column("workspace_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("source", Text(collation="C"), primary_key=True),
    Column("account_id", Text(collation="C"), primary_key=True),
    Column("campaign_id", Text(collation="C"), primary_key=True),
    Column("adgroup_id", Text(collation="C"), primary_key=True),
    Column("ad_id", Text(collation="C"), primary_key=True),
    Column("channel", Text, nullable=False),
    Column("campaign_name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("cost", Numeric, nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("clicks", BigInteger, nullable=False),
    Column("conversions", Numeric, nullable=False),
)
"""What advertising cost; ids that an export does not name are empty. The days are those of the ad account."""


def cycle_of(row: Any) -> Cycle:
    """The cycle in a row of ``fact`` that is not gone."""
    return Cycle(
        number=row["cycle"],
        entered=tuple(row[column] for column in STEP_COLUMNS),
        attributes=tuple(row[name] for name in ATTRIBUTES),
        ended=row["ended"],
        ended_at=row["ended_at"],
    )
