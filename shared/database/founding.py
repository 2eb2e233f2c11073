"""What an administrator makes in a new cluster: the services' login, the roles it may take on, and a database."""

import asyncpg

from shared.database.engine import connect
from shared.database.roles import Role, ensure_roles
from shared.database.transient import translated


async def found(administrator_dsn: str, *, login: str, password: str, database: str) -> None:
    """Make what is missing of them; the database belongs to the roles' owner. Raises Transient."""
    with translated():
        connection = await connect(administrator_dsn)
        try:
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", login):
                await connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{password}'")
            await ensure_roles(connection, login)
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
                await _create_database(connection, database)
        finally:
            connection.terminate()


async def _create_database(connection: asyncpg.Connection, name: str) -> None:
    quoted = await connection.fetchval("SELECT quote_ident($1)", name)
    await connection.execute(f"CREATE DATABASE {quoted} OWNER {Role.OWNER}")
