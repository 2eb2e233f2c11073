"""Connections ended by the server, as when it restarts."""

import asyncpg


async def cut_all_others(admin_dsn: str) -> None:
    """End every other connection to the same database."""
    connection = await asyncpg.connect(admin_dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
