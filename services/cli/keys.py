"""``tragt keys``: make, list, rotate, limit and revoke the keys of a workspace."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import Database, database_of
from services.cli.place import DEFAULT, Data
from services.ingest.domain.kind import is_kind
from shared.access import KeyKind, Scope, WireProfile
from shared.clock import DAY, HOUR, to_text
from shared.database.access import (
    ListedKey,
    NewKey,
    bind_key,
    create_key,
    find_workspace,
    limit_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import WriteSession, writing

keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate, limit and revoke keys.")

Workspace = Annotated[str, typer.Option("--workspace", help="Name of the workspace.")]
Prefix = Annotated[str, typer.Argument(help="How the key begins, as `tragt keys list` shows it, or the whole key.")]
Scopes = Annotated[list[Scope] | None, typer.Option("--scope", help="What a secret key may do; repeatable.")]
Origins = Annotated[list[str] | None, typer.Option("--origin", help="Site on which a write key may sit; repeatable.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Kind of touchpoint it may send; repeatable.")]
Profile = Annotated[WireProfile, typer.Option(help="Whose SDKs use it; native is told of refused items.")]
Days = Annotated[int | None, typer.Option("--days", min=1, help="Days until it ends by itself.")]
Rate = Annotated[int, typer.Argument(min=0, help="Items a second to one process; 0 is as many as any key.")]
Overlap = Annotated[int, typer.Option("--overlap-hours", min=0, help="Hours for which the old key still works.")]

_T = TypeVar("_T")


@keys.command()
def create(
    context: typer.Context,
    kind: KeyKind,
    scope: Scopes = None,
    origin: Origins = None,
    may_send: Kinds = None,
    protocol: Profile = WireProfile.SEGMENT,
    days: Days = None,
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once."""
    around = given(context)
    if kind is KeyKind.SECRET and not scope:
        raise Ended(Exit.MISUSED, f"a secret key needs at least one --scope of {', '.join(Scope)}")
    if kind is KeyKind.WRITE and scope:
        raise Ended(Exit.MISUSED, "a write key only posts touchpoints: leave --scope out, or make a secret key")
    kinds = frozenset(may_send or ())
    for name in kinds:
        if not is_kind(name):
            raise Ended(Exit.MISUSED, f"{name!r} is no kind, which is lower case words joined by _: page_viewed")
    now = around.clock.now()

    async def work(session: WriteSession) -> NewKey:
        made = await create_key(
            session,
            await _workspace(session, workspace),
            kind,
            now,
            scopes=frozenset(scope or ()),
            origins=frozenset(origin or ()),
            protocol=protocol,
            expires_at=None if days is None else now + days * DAY,
        )
        await bind_key(session, made.prefix, kinds)
        return made

    _show(around, _run(data, database, work), as_json=as_json)


@keys.command("list")
def show(
    context: typer.Context,
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List all keys by prefix, revoked ones too."""
    around = given(context)

    async def work(session: WriteSession) -> list[ListedKey]:
        return await list_keys(session, await _workspace(session, workspace))

    rows = [_row(listed) for listed in _run(data, database, work)]
    if as_json:
        around.answer({"data": rows})
        return
    around.table(list(rows[0]) if rows else ["prefix"], [[_text(cell) for cell in row.values()] for row in rows])


@keys.command()
def rotate(
    context: typer.Context,
    prefix: Prefix,
    overlap: Overlap = 24,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Make a successor with the same rights; the old key goes on for a while."""
    around = given(context)
    now = around.clock.now()
    made = _run(data, database, lambda session: rotate_key(session, _beginning(prefix), now, overlap=overlap * HOUR))
    if made is None:
        raise Ended(Exit.NO, f"there is no valid key {_beginning(prefix)}: see `tragt keys list`")
    _show(around, made, as_json=as_json)


@keys.command()
def limit(
    context: typer.Context,
    prefix: Prefix,
    items_per_second: Rate,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Say how fast a key may send; above it the services answer 429."""
    around = given(context)
    now = around.clock.now()
    prefix, rate = _beginning(prefix), items_per_second or None
    if not _run(data, database, lambda session: limit_key(session, prefix, now, rate)):
        raise Ended(Exit.NO, f"there is no valid key {prefix}: see `tragt keys list`")
    told = f"{prefix} may send {rate} items a second" if rate else f"{prefix} may send as fast as any key"
    around.answer({"limited": prefix, "items_per_second": rate}) if as_json else around.console.print(
        told, highlight=False
    )


@keys.command()
def revoke(
    context: typer.Context, prefix: Prefix, data: Data = DEFAULT, database: Database = "", as_json: Json = False
) -> None:
    """End a key; the services refuse it within ten seconds."""
    around = given(context)
    now = around.clock.now()
    prefix = _beginning(prefix)
    if not _run(data, database, lambda session: revoke_key(session, prefix, now)):
        raise Ended(Exit.NO, f"there is no valid key {prefix}: see `tragt keys list`")
    around.answer({"revoked": prefix}) if as_json else around.console.print(f"{prefix} is revoked", highlight=False)


def _beginning(key: str) -> str:
    """The prefix, also of a whole key: who has found a leaked one holds all of it, and it is not printed again."""
    return "_".join(key.split("_")[:2])


def _run(folder: Any, named: str, work: Callable[[WriteSession], Awaitable[_T]]) -> _T:
    """Do it in one transaction on the instance's database."""
    dsn = database_of(folder, named)

    async def run() -> _T:
        engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
        try:
            async with writing(engine) as session:
                return await work(session)
        finally:
            await engine.dispose()

    with endings():
        return asyncio.run(run())


async def _workspace(session: WriteSession, name: str) -> UUID:
    try:
        return (await find_workspace(session, name)).id
    except LookupError as error:
        raise Ended(Exit.NO, str(error)) from error


def _show(around: Given, made: NewKey, *, as_json: bool) -> None:
    if as_json:
        around.answer({"prefix": made.prefix, "key": made.text})
        return
    around.console.print(made.text, highlight=False, soft_wrap=True)
    around.say("It is shown this once; only a hash of it is kept.")


def _row(listed: ListedKey) -> dict[str, Any]:
    key = listed.key
    return {
        "prefix": key.prefix,
        "kind": key.kind.value,
        "scopes": sorted(key.scopes),
        "origins": sorted(key.origins),
        "kinds": sorted(key.kinds),
        "protocol": key.protocol,
        "items_per_second": key.items_per_second,
        "created_at": to_text(listed.created_at),
        "expires_at": None if key.expires_at is None else to_text(key.expires_at),
        "revoked_at": None if key.revoked_at is None else to_text(key.revoked_at),
    }


def _text(cell: Any) -> str:
    if isinstance(cell, list):
        return ", ".join(cell)
    return "" if cell is None else str(cell)
