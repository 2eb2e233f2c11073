"""``tragt schemas``: what the properties and traits of a kind of touchpoint must be like."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from services.cli.call import Commands, ServiceCall
from services.cli.context import Given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit
from services.ingest.domain.schema import Mode

schemas = Commands("Publish, try and retire JSON Schemas of touchpoints.")

Kind = Annotated[str, typer.Argument(help="Kind of touchpoint, such as order_completed.")]
SchemaFile = Annotated[
    Path,
    typer.Argument(help="`properties: {...}` and `traits: {...}`, each a JSON Schema, as YAML or JSON.", exists=True),
]
SampleFile = Annotated[Path, typer.Argument(help="A touchpoint, or a list of them, as YAML or JSON.", exists=True)]
OtherFile = Annotated[
    Path | None, typer.Option("--schema", help="A schema that is not published; else the one in force.", exists=True)
]
NewMode = Annotated[Mode | None, typer.Option("--mode", help="What becomes of a violation; left out, it stays.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Which version; else the one in force.")]
NewVersion = Annotated[int | None, typer.Option("--version", min=1, help="The version to be obeyed.")]

_COLUMNS: Final = ("kind", "mode", "active", "versions", "updated_at")
_VIOLATIONS: Final = ("version", "count", "pointer", "detail", "item_id", "last_at")
_PARTS: Final = ("properties", "traits")


@schemas.command("list")
def show_list(call: ServiceCall) -> None:
    """List the kinds that have a schema, and which version is in force."""
    listed = call.api("ingest").get("/v1/schemas")
    call.show(listed, lambda around, found: around.records(_COLUMNS, found["data"]))


@schemas.command("show")
def show(call: ServiceCall, kind: Kind, version: Version = None) -> None:
    """Show a version as `put` takes it, and what was taken although it violated one."""
    call.show(call.api("ingest").get(f"/v1/schemas/{kind}"), lambda around, found: _show(around, found, version))


@schemas.command("put", epilog="Example: tragt schemas put order_completed order.yaml --mode warn")
def put(call: ServiceCall, kind: Kind, file: SchemaFile, mode: NewMode = None) -> None:
    """Publish a version and put it in force; without --mode a first one only warns."""
    asked = _read(file) | ({} if mode is None else {"mode": mode.value})
    call.show(call.api("ingest").post(f"/v1/schemas/{kind}", asked), _tell)


@schemas.command("set")
def change(call: ServiceCall, kind: Kind, mode: NewMode = None, version: NewVersion = None) -> None:
    """Change what becomes of a violation, or put another version in force."""
    asked = ({} if mode is None else {"mode": mode.value}) | ({} if version is None else {"active": version})
    if not asked:
        raise Ended(Exit.MISUSED, "say what is to change: --mode, --version, or both")
    call.show(call.api("ingest").patch(f"/v1/schemas/{kind}", asked), _tell)


@schemas.command("retire")
def retire(call: ServiceCall, kind: Kind) -> None:
    """Let a kind have no schema any more; its versions stay, and `set --version` brings one back."""
    call.show(call.api("ingest").patch(f"/v1/schemas/{kind}", {"active": None}), _tell)


@schemas.command("try")
def attempt(call: ServiceCall, kind: Kind, sample: SampleFile, schema: OtherFile = None) -> None:
    """Hold touchpoints against a schema; exit code 1 when one violates it."""
    asked: dict[str, Any] = {"touchpoints": read_document(sample)}
    if schema is not None:
        asked |= _read(schema)
    tried = call.api("ingest").post(f"/v1/schemas/{kind}/try", asked)
    call.show(tried, _show_tried)
    if wrong := _violations(tried):
        raise call.no(f"{len(wrong)} violations")


def _read(file: Path) -> dict[str, Any]:
    found = read_document(file)
    if not isinstance(found, dict):
        raise Ended(Exit.MISUSED, f"{file} is no object with `properties` and `traits`")
    unknown = sorted(str(name) for name in found if name not in _PARTS)
    if unknown:
        raise Ended(Exit.MISUSED, f"{file} has {', '.join(unknown)} beside `properties` and `traits`")
    return found


def _document(version: dict[str, Any]) -> dict[str, Any]:
    return {name: version[name] for name in _PARTS if version[name] is not None}


def _show(around: Given, found: dict[str, Any], version: int | None) -> None:
    number = version or found["active"] or found["versions"][0]["version"]
    shown = next((one for one in found["versions"] if one["version"] == number), None)
    if shown is None:
        raise Ended(Exit.NO, f"there is no version {number}; the newest is {found['versions'][0]['version']}")
    around.say(f"version {number}, {found['mode']}, in force: {found['active'] or 'none'}")
    around.tell(yaml.safe_dump(_document(shown), sort_keys=False), end="")
    if found["violations"]:
        around.records(_VIOLATIONS, found["violations"], numbers={"version", "count"})


def _violations(tried: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(at, one["pointer"], one["detail"]) for at, item in enumerate(tried["data"]) for one in item["violations"]]


def _show_tried(around: Given, tried: dict[str, Any]) -> None:
    if wrong := _violations(tried):
        around.table(("item", "pointer", "detail"), wrong)
    else:
        around.tell("all are as they should be")


def _tell(around: Given, found: dict[str, Any]) -> None:
    told = f"version {found['active']} is in force ({found['mode']})" if found["active"] else "no version is in force"
    around.tell(f"{found['kind']}: {told}")
    around.say("within two seconds in every process")
