"""A call of a command: the options that commands share, declared once, and how its answer is printed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Final, TypeVar, get_type_hints
from uuid import UUID

import typer

from services.cli.client import Api
from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit, endings
from services.cli.first_workspace import NAME
from services.cli.instance import api, database_of
from services.cli.place import DEFAULT, Data
from services.cli.transaction import in_transaction
from shared.database.access import find_workspace
from shared.database.session import WriteSession

Workspace = Annotated[str, typer.Option("--workspace", help="Name of the workspace.")]
Database = Annotated[
    str, typer.Option("--database", envvar="TRAGT_DATABASE", help="DSN of a database that `tragt up` does not run.")
]
Address = Annotated[str, typer.Option("--address", envvar="TRAGT_ADDRESS", help="Where the service answers.")]
KeyText = Annotated[str, typer.Option("--key", envvar="TRAGT_KEY", help="Secret key; else the kept one.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")]
After = Annotated[str, typer.Option("--after", help="Go on after the `next` of an earlier list.")]

_ORDER: Final = ("workspace", "data", "database", "address", "key", "as_json")
"""In which the help names the shared options, after a command's own."""

_T = TypeVar("_T")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def beginning(text: str) -> str:
    """The prefix of a key or a hook, also of a whole one: who has found a leaked one need not know which part it is."""
    return "_".join(text.split("_")[:2])


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every command with an answer is told."""

    around: Given
    as_json: Json = False

    def show(self, document: _T, tell: Callable[[Given, _T], None]) -> None:
        """Print an answer: as JSON for scripts, else as ``tell`` does for people."""
        self.around.answer(document) if self.as_json else tell(self.around, document)

    def no(self, why: str) -> Ended:
        """The end of a call whose printed answer is a no; scripts have read why."""
        return Ended(Exit.NO, "" if self.as_json else why)


@dataclass(frozen=True, kw_only=True)
class FolderCall(Call):
    """A call about the instance of a data folder."""

    data: Data = DEFAULT


@dataclass(frozen=True, kw_only=True)
class ServiceCall(FolderCall):
    """A call that asks a service."""

    address: Address = ""
    key: KeyText = ""

    def api(self, service: str) -> Api:
        """The service to ask. Raises Ended."""
        return api(self.data, service, self.address, self.key)


@dataclass(frozen=True, kw_only=True)
class DatabaseCall(FolderCall):
    """A call that works on the database itself."""

    database: Database = ""

    @property
    def dsn(self) -> str:
        """The database to work on: the one named, else that of the running instance. Raises Ended."""
        return database_of(self.data, self.database)

    def do(self, work: Callable[[WriteSession], Awaitable[_T]]) -> _T:
        """Do it in one transaction. Raises Ended."""
        dsn = self.dsn
        with endings():
            return asyncio.run(in_transaction(dsn, work))


@dataclass(frozen=True, kw_only=True)
class WorkspaceCall(DatabaseCall):
    """A call about a workspace in the database."""

    workspace: Workspace = NAME

    def do_for_workspace(self, work: Callable[[WriteSession, UUID], Awaitable[_T]]) -> _T:
        """Do it for the workspace in one transaction. Raises Ended."""

        async def found(session: WriteSession) -> _T:
            try:
                owner = await find_workspace(session, self.workspace)
            except LookupError as error:
                raise Ended(Exit.NO, f"{error}: name another with --workspace") from error
            return await work(session, owner.id)

        return self.do(found)


class Commands(typer.Typer):
    """Commands of one name. The first parameter of each is its call: typer reads that one's options in its place."""

    def __init__(self, help: str, **settings: Any) -> None:  # noqa: A002  (typer's word)
        super().__init__(no_args_is_help=True, help=help, **settings)

    def command(self, *words: Any, **settings: Any) -> Callable[[_Command], _Command]:
        """Add a command."""
        register = super().command(*words, **settings)

        def add(command: _Command) -> _Command:
            register(_spread(command))
            return command

        return add


def _spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer reads it: with the options of its call, where it takes one, after its own."""
    first, *own = signature(command).parameters.values()
    if not issubclass(first.annotation, Call):
        return command
    kinds: type[Call] = first.annotation
    types = get_type_hints(kinds, include_extras=True)
    defaults = {field.name: field.default for field in fields(kinds)}
    shared = [name for name in _ORDER if name in types]

    @wraps(command)
    def run(context: typer.Context, **told: Any) -> None:
        command(kinds(around=given(context), **{name: told.pop(name) for name in shared}), **told)

    parameters = (
        Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *own,
        *(Parameter(name, Parameter.KEYWORD_ONLY, default=defaults[name], annotation=types[name]) for name in shared),
    )
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return run
