"""``tragt keys``: make, list, rotate, limit and revoke the keys of a workspace."""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from services.cli.call import Commands, DatabaseCall, WorkspaceCall, beginning
from services.cli.context import Given
from services.cli.exits import Ended, Exit
from services.cli.origins import checked_origins
from services.ingest.domain.kind import is_kind
from shared.access import KeyKind, Scope, WireProfile
from shared.clock import DAY, HOUR, to_text
from shared.database.access import (
    ListedKey,
    NewKey,
    bind_key,
    create_key,
    limit_key,
    list_keys,
    name_key,
    revoke_key,
    rotate_key,
)
from shared.database.session import WriteSession

keys = Commands("Make, list, rotate, limit and revoke keys.")

Prefix = Annotated[str, typer.Argument(help="How the key begins, as `tragt keys list` shows it, or the whole key.")]
What = Annotated[
    KeyKind, typer.Argument(help="write: only posts touchpoints, may be public; secret: may do what its scopes say.")
]
Scopes = Annotated[list[Scope] | None, typer.Option("--scope", help="What a secret key may do; repeatable.")]
Origins = Annotated[list[str] | None, typer.Option("--origin", help="Site on which a write key may sit; repeatable.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Kind of touchpoint it may send; repeatable.")]
Profile = Annotated[WireProfile, typer.Option(help="Whose SDKs use it; native is told of refused items.")]
Name = Annotated[str, typer.Option("--name", help="What you call it: who uses it, and where.")]
Days = Annotated[int | None, typer.Option("--days", min=1, help="Days until it ends by itself.")]
Rate = Annotated[int, typer.Argument(min=0, help="Items a second to one process; 0 is as many as any key.")]
Overlap = Annotated[int, typer.Option("--overlap-hours", min=0, help="Hours for which the old key still works.")]

_LONGEST_NAME: Final = 100


@keys.command(epilog='Example: tragt keys create write --name "shop website" --origin https://shop.example')
def create(
    call: WorkspaceCall,
    kind: What,
    scope: Scopes = None,
    origin: Origins = None,
    may_send: Kinds = None,
    protocol: Profile = WireProfile.SEGMENT,
    days: Days = None,
    name: Name = "",
) -> None:
    """Make a key and print it, this once."""
    if kind is KeyKind.SECRET and not scope:
        raise Ended(Exit.MISUSED, f"a secret key needs at least one --scope of {', '.join(Scope)}")
    if kind is KeyKind.WRITE and scope:
        raise Ended(Exit.MISUSED, "a write key only posts touchpoints: leave --scope out, or make a secret key")
    if kind is KeyKind.SECRET and origin:
        raise Ended(Exit.MISUSED, "a secret key never sits on a site, where everybody can read it: leave --origin out")
    kinds = frozenset(may_send or ())
    for one in kinds:
        if not is_kind(one):
            raise Ended(Exit.MISUSED, f"{one!r} is no kind, which is lower case words joined by _: page_viewed")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise Ended(Exit.MISUSED, f"a name is one line of at most {_LONGEST_NAME} characters")
    now = call.around.clock.now()

    async def work(session: WriteSession, workspace: UUID) -> NewKey:
        made = await create_key(
            session,
            workspace,
            kind,
            now,
            scopes=frozenset(scope or ()),
            origins=checked_origins(origin),
            protocol=protocol,
            expires_at=None if days is None else now + days * DAY,
        )
        await bind_key(session, made.prefix, kinds)
        await name_key(session, made.prefix, name.strip())
        return made

    _show(call, call.do_for_workspace(work))


@keys.command("list")
def show(call: WorkspaceCall) -> None:
    """List all keys by prefix, revoked ones too."""
    call.show({"data": [_row(listed) for listed in call.do_for_workspace(list_keys)]}, _show_list)


@keys.command()
def rotate(call: DatabaseCall, prefix: Prefix, overlap: Overlap = 24) -> None:
    """Make a successor with the same rights; the old key goes on for a while."""
    now, prefix = call.around.clock.now(), beginning(prefix)
    made = call.do(lambda session: rotate_key(session, prefix, now, overlap=overlap * HOUR))
    if made is None:
        raise _none(prefix)
    _show(call, made)


@keys.command(epilog="Example: tragt keys limit tw_UudcrgFO 50")
def limit(call: DatabaseCall, prefix: Prefix, items_per_second: Rate) -> None:
    """Say how fast a key may send; above it the services answer 429."""
    now, prefix, rate = call.around.clock.now(), beginning(prefix), items_per_second or None
    if not call.do(lambda session: limit_key(session, prefix, now, rate)):
        raise _none(prefix)
    told = f"{prefix} may send {rate} items a second" if rate else f"{prefix} may send as fast as any key"
    call.show({"limited": prefix, "items_per_second": rate}, lambda around, _: around.tell(told))


@keys.command()
def revoke(call: DatabaseCall, prefix: Prefix) -> None:
    """End a key; the services refuse it within ten seconds."""
    now, prefix = call.around.clock.now(), beginning(prefix)
    if not call.do(lambda session: revoke_key(session, prefix, now)):
        raise _none(prefix)
    call.show({"revoked": prefix}, lambda around, _: around.tell(f"{prefix} is revoked"))


def _none(prefix: str) -> Ended:
    return Ended(Exit.NO, f"there is no valid key {prefix}: see `tragt keys list`")


def _show(call: DatabaseCall, made: NewKey) -> None:
    call.show({"prefix": made.prefix, "key": made.text}, _tell)


def _tell(around: Given, made: dict[str, str]) -> None:
    around.tell(made["key"])
    around.say("It is shown this once; only a hash of it is kept.")


def _show_list(around: Given, found: dict[str, Any]) -> None:
    rows = found["data"]
    cells = [[", ".join(cell) if isinstance(cell, list) else cell for cell in row.values()] for row in rows]
    around.table(rows[0] if rows else ["prefix"], cells)


def _row(listed: ListedKey) -> dict[str, Any]:
    key = listed.key
    return {
        "prefix": key.prefix,
        "name": listed.name,
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
