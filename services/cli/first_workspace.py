"""The workspace and keys that the first start makes, so that the command and a first client work at once."""

from pathlib import Path
from typing import Final

from services.cli.place import Credentials, keep_credentials, read_credentials
from services.cli.transaction import in_transaction
from shared.access import KeyKind, Scope, prefix_of
from shared.database.access import allow_origins, create_key, create_workspace, load_keys, name_key
from shared.database.session import WriteSession

NAME: Final = "default"
_FIRST: Final = "made by tragt up"
"""What the first keys are called in lists, beside those that people name."""


async def ensure_workspace(dsn: str, folder: Path, origins: frozenset[str], now: int) -> tuple[Credentials, bool]:
    """The kept keys of the workspace ``default``, and whether they were made now.

    Kept keys that the database does not know (it is a new one) are replaced. ``origins`` are added to the write key.
    """
    kept = read_credentials(folder)

    async def ensure(session: WriteSession) -> tuple[Credentials, bool]:
        if kept is not None and await _are_known(session, kept):
            await allow_origins(session, prefix_of(kept.write_key), origins)
            return kept, False
        made = await _make(session, origins, now)
        # Written before the commit: keys that are kept but unknown are replaced, keys known but lost are not.
        keep_credentials(folder, made)
        return made, True

    return await in_transaction(dsn, ensure)


async def _are_known(session: WriteSession, kept: Credentials) -> bool:
    known = {key.prefix for key in await load_keys(session)}
    return {prefix_of(kept.write_key), prefix_of(kept.secret_key)} <= known


async def _make(session: WriteSession, origins: frozenset[str], now: int) -> Credentials:
    workspace = await create_workspace(session, NAME, now)
    write = await create_key(session, workspace.id, KeyKind.WRITE, now, origins=origins)
    secret = await create_key(session, workspace.id, KeyKind.SECRET, now, scopes=frozenset(Scope))
    for made in (write, secret):
        await name_key(session, made.prefix, _FIRST)
    return Credentials(NAME, write.text, secret.text)
