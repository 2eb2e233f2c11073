"""``tragt policy``: what the workspace has decided for its door."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from services.cli.call import Commands, ServiceCall
from services.cli.context import Given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit

policy = Commands("Show and set the policy: own channel rules, own traffic, bots, consent, time, addresses.")

PolicyFile = Annotated[Path, typer.Argument(help="The whole policy, as YAML or JSON.", exists=True)]


@policy.command("show")
def show(call: ServiceCall) -> None:
    """Show the policy in force, as `set` takes it."""
    in_force = call.api("ingest").get("/v1/policy")
    call.show(in_force, lambda around, found: around.tell(yaml.safe_dump(found, sort_keys=False), end=""))


@policy.command("set", epilog="Example: tragt policy show > policy.yaml, change it, tragt policy set policy.yaml")
def put(call: ServiceCall, file: PolicyFile) -> None:
    """Put another policy in its place. What the file leaves out is as it would be in a new workspace."""
    asked = read_document(file)
    if not isinstance(asked, dict):
        raise Ended(Exit.MISUSED, f"{file} is no policy, which is an object: see `tragt policy show` for one")
    found = call.api("ingest").put("/v1/policy", asked)
    call.show(found, _tell)


def _tell(around: Given, found: dict[str, Any]) -> None:
    around.say("the policy is in force within two seconds")
    for note in found.get("notes", ()):
        around.tell(f"note: {note}")
