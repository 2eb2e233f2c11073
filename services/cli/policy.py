"""``tragt policy``: what the workspace has decided for its door."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from services.cli.context import Json, given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, api
from services.cli.place import DEFAULT, Data

policy = typer.Typer(no_args_is_help=True, help="Own channel rules, own traffic, bots, consent, time, addresses.")

PolicyFile = Annotated[Path, typer.Argument(help="The whole policy, as YAML or JSON.", exists=True)]


@policy.command("show")
def show(
    context: typer.Context, data: Data = DEFAULT, address: Address = "", key: KeyText = "", as_json: Json = False
) -> None:
    """Show the policy in force, as `set` takes it."""
    around = given(context)
    found = api(data, "ingest", address, key).get("/v1/policy")
    if as_json:
        around.answer(found)
        return
    around.console.out(yaml.safe_dump(found, sort_keys=False), end="", highlight=False)


@policy.command("set")
def put(
    context: typer.Context,
    file: PolicyFile,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Put another policy in its place. What the file leaves out is as it would be in a new workspace."""
    around = given(context)
    asked = read_document(file)
    if not isinstance(asked, dict):
        raise Ended(Exit.MISUSED, f"{file} is no policy, which is an object")
    found = api(data, "ingest", address, key).put("/v1/policy", asked)
    if as_json:
        around.answer(found)
        return
    around.say("the policy is in force within two seconds")
