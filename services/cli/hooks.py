"""``tragt hooks``: the addresses at which providers deliver."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import typer

from services.cli.context import Json, given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import Database, database_of
from services.cli.place import DEFAULT, Data
from services.ingest.handlers.hook_keeping import create_hook, described_by, end_hook, put_secrets, told
from services.ingest.handlers.hook_providers import DOCUMENT, providers
from services.ingest.protocols.hook_trial import Sample, shown, tried
from services.ingest.protocols.webhook import ANYWHERE
from services.ingest.queries import list_hooks
from shared.database.access import find_workspace
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import WriteSession, writing

hooks = typer.Typer(no_args_is_help=True, help="Make, list and revoke addresses at which providers deliver.")

Workspace = Annotated[str, typer.Option("--workspace", help="Name of the workspace.")]
Provider = Annotated[str, typer.Argument(help="Who delivers, as `tragt hooks providers` names it.")]
Secrets = Annotated[list[str] | None, typer.Option("--secret", help="NAME=VALUE of what it signs with; repeatable.")]
Settings = Annotated[list[str] | None, typer.Option("--setting", help="NAME=VALUE, JSON or text; repeatable.")]
Document = Annotated[Path | None, typer.Option("--document", help="Of a mapped hook: YAML or JSON.", exists=True)]
SampleFile = Annotated[Path | None, typer.Option("--sample", help="Of a mapped hook: a body as it comes.", exists=True)]
ContentType = Annotated[str, typer.Option("--content-type", help="Of the sample.")]
Address = Annotated[str, typer.Option("--address", help="Public address of ingest, to print the whole address.")]

_T = TypeVar("_T")


@hooks.command("providers")
def show_providers(context: typer.Context, as_json: Json = False) -> None:
    """List the providers, and the secrets and settings that a hook of each takes."""
    around = given(context)
    rows = [
        {
            "provider": one.name,
            "title": one.title,
            "secrets": dict(one.secrets),
            "settings": dict(one.settings),
        }
        for one in providers().values()
    ]
    if as_json:
        around.answer({"data": rows})
        return
    cells = [
        [one.name, one.title, ", ".join(_own(one.secrets)), ", ".join(_own(one.settings))]
        for one in providers().values()
    ]
    around.table(["provider", "title", "secrets", "settings"], cells)


@hooks.command()
def create(
    context: typer.Context,
    provider: Provider,
    secret: Secrets = None,
    setting: Settings = None,
    name: Annotated[str, typer.Option("--name", help="What you call it.")] = "",
    document: Document = None,
    sample: SampleFile = None,
    content_type: ContentType = "",
    address: Address = "",
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Make a hook and print its address, this once."""
    around = given(context)
    secrets, settings = _secrets(secret), {key: _value(value) for key, value in _pairs("--setting", setting)}
    if document is not None:
        settings[DOCUMENT] = read_document(document)
    shown_body = None if sample is None else Sample(sample.read_bytes(), content_type)
    made = _run(
        data,
        database,
        workspace,
        lambda session, owner: create_hook(
            session,
            owner,
            provider,
            around.clock.now(),
            name=name,
            secrets=secrets,
            settings=settings,
            sample=shown_body,
        ),
    )
    if as_json:
        around.answer({"prefix": made.prefix, "provider": made.provider, "hook": made.text, "path": made.path})
        return
    around.console.print(address.rstrip("/") + made.path, highlight=False, soft_wrap=True)
    around.say("It is shown this once; only a hash of it is kept, and the secrets are sealed with it.")


@hooks.command("try")
def try_document(
    context: typer.Context,
    document: Annotated[Path, typer.Argument(help="YAML or JSON that describes a mapped hook.", exists=True)],
    sample: Annotated[Path, typer.Argument(help="A body as it will come.", exists=True)],
    content_type: ContentType = "",
    as_json: Json = False,
) -> None:
    """Show what a mapped hook would make of a body; nothing is sent and nothing is kept."""
    around = given(context)
    with endings():
        provider = described_by(read_document(document), "")
    found = [shown(one) for one in tried(provider, Sample(sample.read_bytes(), content_type), around.clock.now())]
    if as_json:
        around.answer({"data": found})
    for one in () if as_json else found:
        around.console.print(_told(one), highlight=False, soft_wrap=True)
    refused = sum(one["refused"] is not None for one in found)
    if refused or not found:
        raise Ended(Exit.NO, f"{refused} of {len(found)} items would be refused" if found else "there is nothing in it")


@hooks.command("secrets")
def give_secrets(
    context: typer.Context,
    hook: Annotated[str, typer.Argument(help="The hook's address, its path, or PROVIDER/HOOK.")],
    secret: Secrets = None,
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
) -> None:
    """Put all secrets of a hook in place; for providers that tell theirs only once they know the address."""
    provider, _, text = hook.rstrip("/").rpartition("/")
    name, secrets = provider.rpartition("/")[2], _secrets(secret)
    _run(data, database, workspace, lambda session, owner: put_secrets(session, owner, name, text, secrets))
    given(context).say("The hook has its secrets; the services know within a few seconds.")


@hooks.command("list")
def show(
    context: typer.Context,
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """List all hooks, revoked ones too."""
    around = given(context)
    rows = [told(kept) for kept in _run(data, database, workspace, list_hooks)]
    if as_json:
        around.answer({"data": rows})
        return
    columns = ["prefix", "provider", "name", "settings", "created_at", "revoked_at"]
    around.table(columns, [[_text(row[column]) for column in columns] for row in rows])


@hooks.command()
def revoke(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="How the hook begins, as `tragt hooks list` shows it.")],
    workspace: Workspace = NAME,
    data: Data = DEFAULT,
    database: Database = "",
) -> None:
    """End a hook; what comes to it is refused within a few seconds."""
    around = given(context)
    now = around.clock.now()
    _run(data, database, workspace, lambda session, owner: end_hook(session, owner, prefix, now))
    around.console.print(f"{'_'.join(prefix.split('_')[:2])} is revoked", highlight=False)


def _run(folder: Any, named: str, workspace: str, work: Callable[[WriteSession, UUID], Awaitable[_T]]) -> _T:
    """Do it for a workspace in one transaction on the instance's database."""
    dsn = database_of(folder, named)

    async def run() -> _T:
        engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
        try:
            async with writing(engine) as session:
                return await work(session, (await find_workspace(session, workspace)).id)
        except LookupError as error:
            raise Ended(Exit.NO, str(error)) from error
        finally:
            await engine.dispose()

    with endings():
        return asyncio.run(run())


def _told(one: dict[str, Any]) -> str:
    why = one["refused"]
    verdict = "taken" if why is None else f"refused: {why['code']} {why['pointer']}: {why['detail']}"
    return f"{verdict}\n{msgspec.json.format(msgspec.json.encode(one['touchpoint'])).decode()}"


def _own(names: Mapping[str, str]) -> list[str]:
    """Those that not every hook has."""
    return [name for name in names if name not in ANYWHERE and name != "address"]


def _secrets(given_pairs: Sequence[str] | None) -> dict[str, list[str]]:
    secrets: dict[str, list[str]] = {}
    for name, value in _pairs("--secret", given_pairs):
        secrets.setdefault(name, []).append(value)
    return secrets


def _pairs(option: str, given_pairs: Sequence[str] | None) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in given_pairs or ()]
    if any(not equals for _, equals, _ in pairs):
        raise Ended(Exit.MISUSED, f"{option} takes NAME=VALUE")
    return [(name, value) for name, _, value in pairs]


def _value(text: str) -> Any:
    """A setting as JSON where it is that, else as text."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _text(cell: Any) -> str:
    return msgspec.json.encode(cell).decode() if isinstance(cell, dict) else cell or ""
