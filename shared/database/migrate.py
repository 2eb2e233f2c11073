"""Bring a database to the present schema. Many may ask at once; one does it, the others find it done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from shared.database.engine import connect, create_engine
from shared.database.roles import Role, ensure_roles
from shared.database.transient import is_transient, translated
from shared.errors import Misconfigured, Transient

_LOCK: Final = 0x7472616774  # "tragt"
_POLL_SECONDS: Final = 0.1
_ADVICE: Final = (
    f"the login may not prepare the database ({{reason}}). As an administrator create the roles {', '.join(Role)}"
    f" (NOLOGIN), grant them to the login, and GRANT CREATE ON DATABASE to {Role.OWNER} (deploy/postgres/roles.sql)."
)


async def upgrade(dsn: str, revision: str = "head", *, wait_seconds: float = 120.0) -> None:
    """Apply every migration up to ``revision`` that is missing, each in its own transaction.

    Raises Transient when the database is away or another migrator holds on for longer than ``wait_seconds``;
    Misconfigured when the login may not do it, with what to run as an administrator, and when a later version than this
    has migrated it.
    """
    at = await current(dsn)
    if revision == "head" and at == head():
        return
    if at is not None and not is_known(at):
        raise Misconfigured(
            f"the database is at schema {at}, which a later version of tragt made; this one knows {head()}: run that"
            " version again, or restore a backup of before"
        )
    async with _alone(dsn, wait_seconds):
        await _run(dsn, lambda config: command.upgrade(config, revision))


async def downgrade(dsn: str, revision: str, *, wait_seconds: float = 120.0) -> None:
    """Take migrations back down to ``revision`` (``base`` for all). Data in what they made is lost."""
    async with _alone(dsn, wait_seconds):
        await _run(dsn, lambda config: command.downgrade(config, revision))


async def current(dsn: str) -> str | None:
    """The revision the database is at, or None before the first one. Raises Transient when it is away."""
    with translated():
        connection = await connect(dsn)
        try:
            if await connection.fetchval("SELECT to_regclass('migration.version')") is None:
                return None
            await _become_owner(connection)
            revision: str | None = await connection.fetchval("SELECT version_num FROM migration.version")
            return revision
        finally:
            connection.terminate()


async def _become_owner(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute(f"SET ROLE {Role.OWNER}")
    except asyncpg.PostgresError as error:
        if is_transient(error):
            raise
        raise Misconfigured(f"the login may not become {Role.OWNER} ({error}): grant that role to it") from error


def head() -> str:
    """The revision this code was written for."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    if revision is None:
        raise Misconfigured("there are no migrations beside the code: the installation is incomplete")
    return revision


def is_known(revision: str) -> bool:
    """Whether this code has the migration; it has none of what a later version made."""
    return revision in {one.revision for one in ScriptDirectory.from_config(configuration()).walk_revisions()}


def configuration() -> Config:
    """Where alembic finds the migrations of this installation."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    return config


@asynccontextmanager
async def _alone(dsn: str, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the one lock of migrators; asked for again and again, because a waiting statement would hold a snapshot."""
    with translated():
        connection = await connect(dsn)
        try:
            await _lock(connection, wait_seconds)
            await _prepare(connection)
            yield
        finally:
            connection.terminate()


async def _lock(connection: asyncpg.Connection, wait_seconds: float) -> None:
    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise Transient("another process is still migrating this database") from error


async def _prepare(connection: asyncpg.Connection) -> None:
    try:
        await ensure_roles(connection, await connection.fetchval("SELECT session_user"))
        if not await _may_create(connection):
            database = await connection.fetchval("SELECT quote_ident(current_database())")
            await connection.execute(f"GRANT CREATE ON DATABASE {database} TO {Role.OWNER}")
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(_ADVICE.format(reason=error)) from error
    if not await _may_create(connection):  # a grant that one may not make is only warned of
        raise Misconfigured(_ADVICE.format(reason=f"{Role.OWNER} may not create schemas in it"))


async def _may_create(connection: asyncpg.Connection) -> bool:
    answer = await connection.fetchval("SELECT has_database_privilege($1, current_database(), 'CREATE')", Role.OWNER)
    return bool(answer)


async def _run(dsn: str, action: Callable[[Config], None]) -> None:
    engine = create_engine(dsn, Role.OWNER, size=1)

    def migrate(connection: Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        action(config)

    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()
