"""``tragt model``: by what rules leads are scored, version by version."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli.context import Json, given
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, api
from services.cli.place import DEFAULT, Data

model = typer.Typer(no_args_is_help=True, help="Look at the model, and publish a new version of it.")

ModelFile = Annotated[Path, typer.Argument(help="The model as YAML or JSON, - for standard input.")]
_COLUMNS: Final = ("version", "name", "published_at")


@model.command("show")
def show(
    context: typer.Context,
    version: Annotated[int, typer.Argument(min=0, help="Its number; without one the newest.")] = 0,
    all_versions: Annotated[bool, typer.Option("--all", help="List all versions instead.")] = False,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Show a version of the model as it was published."""
    around = given(context)
    service = api(data, "scoring", address, key)
    if all_versions or not version:
        found = service.get("/v1/models")
        if all_versions and as_json:
            around.answer(found)
            return
        if all_versions:
            around.table(_COLUMNS, [tuple(str(one[name] or "") for name in _COLUMNS) for one in found["data"]])
            return
        version = found["data"][0]["version"]
    shown = service.get(f"/v1/models/{version}")
    if as_json:
        around.answer(shown)
        return
    around.say(f"version {shown['version']}, {_since(shown)}")
    around.console.out(shown["body"], end="", highlight=False)


@model.command("validate")
def validate(
    context: typer.Context,
    file: ModelFile,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Say whether a model could be published."""
    around = given(context)
    found = api(data, "scoring", address, key).post_yaml("/v1/models/validate", _read(file))
    if as_json:
        around.answer(found)
        return
    around.say(f"{found['name']} can be published; its stages are {', '.join(found['stages']) or 'none'}")


@model.command("publish")
def publish(
    context: typer.Context,
    file: ModelFile,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Publish a model as the next version. Leads follow one after the other."""
    around = given(context)
    published = api(data, "scoring", address, key).post_yaml("/v1/models/publish", _read(file))
    if as_json:
        around.answer(published)
        return
    around.say(f"version {published['version']} is published, {_since(published)}")


def _since(version: dict[str, Any]) -> str:
    return (
        f"in force from the next second after {version['published_at']}" if version["published_at"] else "the template"
    )


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Ended(Exit.MISUSED, f"{file} cannot be read: {error.strerror}") from error
