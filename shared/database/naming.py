"""Names of constraints and indexes, the same in tables, migrations and error messages."""

from typing import Final

from sqlalchemy import MetaData

CONVENTION: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata(schema: str) -> MetaData:
    """A fresh collection of tables of one schema, with the naming convention."""
    return MetaData(schema=schema, naming_convention=CONVENTION)
