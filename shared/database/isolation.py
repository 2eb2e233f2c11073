"""What a migration says about a new table: who may touch it, and that a reader sees one workspace's rows only."""

from typing import Any, Final, Protocol

_OF_THE_WORKSPACE: Final = "workspace_id = nullif(current_setting('app.workspace', true), '')::uuid"
"""Fails closed: without the setting it is null, and no row is equal to null."""


class Runs(Protocol):
    """Runs a statement of SQL; ``alembic.op`` does."""

    def execute(self, sqltext: str) -> Any:
        """Run it."""
        ...


def isolate(op: Runs, table: str, service: str) -> None:
    """Put ``service.table`` under forced row-level security: the reader reads one workspace, the worker everything.

    The table must have a column ``workspace_id uuid``. COPY into it is refused by PostgreSQL from now on.
    """
    name = f"{service}.{table}"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY reader ON {name} FOR SELECT TO {service}_reader USING ({_OF_THE_WORKSPACE})")
    op.execute(f"CREATE POLICY worker ON {name} TO {service}_worker USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ON {name} TO {service}_reader")
    grant_worker(op, table, service)


def grant_worker(op: Runs, table: str, service: str, schema: str | None = None) -> None:
    """Let the worker of ``service`` read and write ``schema.table`` (its own schema by default), without a policy."""
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {schema or service}.{table} TO {service}_worker")
