"""The link by which a browser is let into the page."""

from services.cli.layout import Ports
from services.cli.transaction import in_transaction
from services.metrics.store.sign_in import create_link
from shared.database.access import find_workspace
from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import translated


async def sign_in_link(dsn: str, ports: Ports, workspace: str, now: int) -> str:
    """A fresh link to the page of that workspace; it works once. Raises Transient."""
    found = await in_transaction(dsn, lambda session: find_workspace(session, workspace))
    with translated():
        connection = await connect(dsn, Role.METRICS_WORKER)
        try:
            token = await create_link(connection, found.id, now)
        finally:
            await connection.close()
    return f"{ports.address('metrics')}/sign-in?token={token}"
