"""``tragt schemas``: what the properties and traits of a kind of touchpoint must be like."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from services.cli.context import Json, given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, api
from services.cli.place import DEFAULT, Data
from services.ingest.domain.schema import Mode

schemas = typer.Typer(
    no_args_is_help=True, help="JSON Schemas of touchpoints: published, tried, put in force, retired."
)

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
Version = Annotated[int | None, typer.Option("--version", min=1, help="The version to be obeyed.")]

_COLUMNS: Final = ("kind", "mode", "active", "versions", "updated_at")
_VIOLATIONS: Final = ("version", "count", "pointer", "detail", "item_id", "last_at")
_PARTS: Final = ("properties", "traits")


@schemas.command("list")
def show_list(
    context: typer.Context, data: Data = DEFAULT, address: Address = "", key: KeyText = "", as_json: Json = False
) -> None:
    """List the kinds that have a schema, and which version is in force."""
    around = given(context)
    found = api(data, "ingest", address, key).get("/v1/schemas")
    if as_json:
        around.answer(found)
        return
    around.table(_COLUMNS, [_row(one) for one in found["data"]])


@schemas.command("show")
def show(
    context: typer.Context,
    kind: Kind,
    version: Version = None,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Show a version as `put` takes it, else the one in force, and what was taken although it violated one."""
    around = given(context)
    found = api(data, "ingest", address, key).get(f"/v1/schemas/{kind}")
    if as_json:
        around.answer(found)
        return
    number = version or found["active"] or found["versions"][0]["version"]
    shown = next((one for one in found["versions"] if one["version"] == number), None)
    if shown is None:
        raise Ended(Exit.NO, f"the schema of {kind} has no version {number}")
    around.say(f"version {number}, {found['mode']}, in force: {found['active'] or 'none'}")
    around.console.out(yaml.safe_dump(_document(shown), sort_keys=False), end="", highlight=False)
    if found["violations"]:
        rows = [tuple(str(one[name]) for name in _VIOLATIONS) for one in found["violations"]]
        around.table(_VIOLATIONS, rows, numbers=frozenset({"version", "count"}))


@schemas.command("put")
def put(
    context: typer.Context,
    kind: Kind,
    file: SchemaFile,
    mode: NewMode = None,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Publish a version and put it in force; without --mode a first one only warns."""
    asked = _read(file) | ({} if mode is None else {"mode": mode.value})
    found = api(data, "ingest", address, key).post(f"/v1/schemas/{kind}", asked)
    _say(context, found, as_json=as_json)


@schemas.command("set")
def change(
    context: typer.Context,
    kind: Kind,
    mode: NewMode = None,
    version: Version = None,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Change what becomes of a violation, or put another version in force."""
    asked = ({} if mode is None else {"mode": mode.value}) | ({} if version is None else {"active": version})
    if not asked:
        raise Ended(Exit.MISUSED, "say what is to change: --mode, --version, or both")
    _say(context, api(data, "ingest", address, key).patch(f"/v1/schemas/{kind}", asked), as_json=as_json)


@schemas.command("retire")
def retire(
    context: typer.Context,
    kind: Kind,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Let a kind have no schema any more; its versions stay, and `set --version` brings one back."""
    found = api(data, "ingest", address, key).patch(f"/v1/schemas/{kind}", {"active": None})
    _say(context, found, as_json=as_json)


@schemas.command("try")
def attempt(
    context: typer.Context,
    kind: Kind,
    sample: SampleFile,
    schema: OtherFile = None,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Hold touchpoints against a schema; exit code 1 when one violates it."""
    around = given(context)
    asked: dict[str, Any] = {"touchpoints": read_document(sample)}
    if schema is not None:
        asked |= _read(schema)
    found = api(data, "ingest", address, key).post(f"/v1/schemas/{kind}/try", asked)
    wrong = [(place, one) for place, sampled in enumerate(found["data"]) for one in sampled["violations"]]
    if as_json:
        around.answer(found)
    elif wrong:
        around.table(("item", "pointer", "detail"), [(str(at), one["pointer"], one["detail"]) for at, one in wrong])
    else:
        around.console.print("all are as they should be", highlight=False)
    if wrong:
        raise Ended(Exit.NO, "" if as_json else f"{len(wrong)} violations")


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


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return tuple("" if one[name] is None else str(one[name]) for name in _COLUMNS)


def _say(context: typer.Context, found: dict[str, Any], *, as_json: bool) -> None:
    around = given(context)
    if as_json:
        around.answer(found)
        return
    told = f"version {found['active']} is in force ({found['mode']})" if found["active"] else "no version is in force"
    around.console.print(f"{found['kind']}: {told}", highlight=False)
    around.say("within two seconds in every process")
