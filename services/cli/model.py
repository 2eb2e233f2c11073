"""``tragt model``: by what rules leads are scored, version by version."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli.call import Commands, ServiceCall
from services.cli.context import Given
from services.cli.document import read_bytes

model = Commands("Look at the model, and publish a new version of it.")

ModelFile = Annotated[Path, typer.Argument(help="The model as YAML or JSON, - for standard input.")]
_COLUMNS: Final = ("version", "name", "published_at")


@model.command("show")
def show(
    call: ServiceCall,
    version: Annotated[int, typer.Argument(min=0, help="Its number; without one the newest.")] = 0,
    all_versions: Annotated[bool, typer.Option("--all", help="List all versions instead.")] = False,
) -> None:
    """Show a version of the model as it was published."""
    service = call.api("scoring")
    if all_versions or not version:
        listed = service.get("/v1/models")
        if all_versions:
            call.show(listed, lambda around, found: around.records(_COLUMNS, found["data"]))
            return
        version = listed["data"][0]["version"]
    call.show(service.get(f"/v1/models/{version}"), _show)


@model.command("validate")
def validate(call: ServiceCall, file: ModelFile) -> None:
    """Say whether a model could be published."""
    found = call.api("scoring").post_yaml("/v1/models/validate", read_bytes(file))
    stages = ", ".join(found["stages"]) or "none"
    call.show(found, lambda around, _: around.say(f"{found['name']} can be published; its stages are {stages}"))


@model.command("publish", epilog="Example: tragt model show > model.yaml, change it, tragt model publish model.yaml")
def publish(call: ServiceCall, file: ModelFile) -> None:
    """Publish a model as the next version. Leads follow one after the other."""
    made = call.api("scoring").post_yaml("/v1/models/publish", read_bytes(file))
    call.show(made, lambda around, _: around.say(f"version {made['version']} is published, {_since(made)}"))


def _show(around: Given, version: dict[str, Any]) -> None:
    around.say(f"version {version['version']}, {_since(version)}")
    around.tell(version["body"], end="")


def _since(version: dict[str, Any]) -> str:
    return (
        f"in force from the next second after {version['published_at']}" if version["published_at"] else "the template"
    )
