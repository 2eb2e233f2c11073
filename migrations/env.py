"""How alembic runs here: on the connection of ``shared.database.migrate``, one transaction per migration."""

from alembic import context
from sqlalchemy import Connection, text

from shared.errors import Misconfigured


def run(connection: Connection | None) -> None:
    """Apply what alembic was asked for. Its own table lives in the schema ``migration``."""
    if connection is None:
        raise Misconfigured("run `tragt migrate`: migrations are applied under a lock and as their own role")
    with connection.begin():
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS migration"))
    context.configure(
        connection=connection,
        version_table="version",
        version_table_schema="migration",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes.get("connection"))
