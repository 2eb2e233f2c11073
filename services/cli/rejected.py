"""``tragt rejected``: what was refused and why, mended and tried again."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from services.cli.context import Given, Json, given
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, api
from services.cli.place import DEFAULT, Data
from shared.vocabulary import Code

rejected = typer.Typer(no_args_is_help=True, help="Look at refused items, mend them, try them again.")

ItemId = Annotated[str, typer.Argument(help="The item's id, as `tragt rejected list` shows it.")]
OneCode = Annotated[Code | None, typer.Option("--code", help="Only what was refused for this.")]
_COLUMNS: Final = ("id", "code", "pointer", "detail", "protocol", "received_at", "replayed_at")


OneProtocol = Annotated[str, typer.Option("--protocol", help="Only what came as this, such as segment.")]
OneRefuser = Annotated[str, typer.Option("--refused-by", help="Only what this service refused, such as ingest.")]
Since = Annotated[str, typer.Option("--since", help="Only what came from then on, such as 2026-11-25T00:00:00Z.")]
Until = Annotated[str, typer.Option("--until", help="Only what came before then.")]


@rejected.command("list")
def show_list(
    context: typer.Context,
    code: OneCode = None,
    protocol: OneProtocol = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    state: Annotated[str, typer.Option(help="Only those that are `waiting`, or `taken`.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    after: Annotated[str, typer.Option(help="Go on after the `next` of an earlier list.")] = "",
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """List refused items, latest first, each with its reason."""
    around = given(context)
    asked = _filter(code, protocol, refused_by, since, until) | _given(state=state, limit=str(limit), after=after)
    found = api(data, "ingest", address, key).get("/v1/rejected", asked)
    if as_json:
        around.answer(found)
        return
    if not found["data"]:
        around.say("nothing was refused")
        return
    around.table(_COLUMNS, [tuple(str(item[name] or "") for name in _COLUMNS) for item in found["data"]])
    if found["next"]:
        around.say(f"more: --after {found['next']}")


@rejected.command("show")
def show(
    context: typer.Context,
    item: ItemId,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Show one refused item with its own bytes."""
    around = given(context)
    found = api(data, "ingest", address, key).get(_path(item))
    if as_json:
        around.answer(found)
        return
    around.table(("field", "value"), [(name, str(found[name] or "")) for name in (*_COLUMNS, "payload")])


@rejected.command("fix")
def fix(
    context: typer.Context,
    item: ItemId,
    payload: Annotated[Path, typer.Argument(help="A file with the mended item as JSON, - for standard input.")],
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Put a mended item in place of a refused one, and try it again."""
    around = given(context)
    service = api(data, "ingest", address, key)
    service.patch(_path(item), {"payload": _read(payload)})
    _tell(around, service.post(f"{_path(item)}/replay"), as_json=as_json)


@rejected.command("fix-many")
def fix_many(
    context: typer.Context,
    patch: Annotated[Path, typer.Option(help="A file with a JSON merge patch (RFC 7396), - for standard input.")],
    code: OneCode = None,
    protocol: OneProtocol = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")] = False,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Patch the latest that wait and try them again; exit code 1 when any is still refused, which stays as it was."""
    around = given(context)
    asked = {
        "filter": _filter(code, protocol, refused_by, since, until),
        "patch": _read(patch),
        "dry_run": dry_run,
        "limit": limit,
    }
    told = api(data, "ingest", address, key).post("/v1/rejected/fix", asked)
    if as_json:
        around.answer(told)
    else:
        around.table(("id", "payload", "refused"), [_fixed(item) for item in told["data"]])
        around.say(f"{told['accepted']} {'would be ' if dry_run else ''}taken")
    still = sum(item["refused"] is not None for item in told["data"])
    if still:
        raise Ended(Exit.NO, "" if as_json else f"{still} still refused")


@rejected.command("replay")
def replay(
    context: typer.Context,
    item: Annotated[str, typer.Argument(help="The item's id; without it all of a --code.")] = "",
    code: OneCode = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many of a --code at most.")] = 1_000,
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Try refused items again as they are; exit code 1 when any is still refused."""
    around = given(context)
    if bool(item) == (code is not None):
        raise Ended(Exit.MISUSED, "name either one item or a --code")
    service = api(data, "ingest", address, key)
    if item:
        told = service.post(f"{_path(item)}/replay")
    else:
        told = service.post("/v1/rejected/replay", {"code": code, "limit": limit})
    _tell(around, told, as_json=as_json)


def _given(**asked: str) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _filter(code: Code | None, protocol: str, refused_by: str, since: str, until: str) -> dict[str, str]:
    return _given(code=code.value if code else "", protocol=protocol, refused_by=refused_by, since=since, until=until)


def _path(item: str) -> str:
    return f"/v1/rejected/{quote(item, safe='')}"


def _read(payload: Path) -> Any:
    text = sys.stdin.buffer.read() if str(payload) == "-" else payload.read_bytes()
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Ended(Exit.MISUSED, f"{payload} is not JSON: {error}") from error


def _fixed(item: dict[str, Any]) -> tuple[str, str, str]:
    why = item["refused"]
    return item["id"], item["payload"] or "", f"{why['code']} at {why['pointer'] or '/'}" if why else ""


def _tell(around: Given, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        around.answer(told)
    else:
        around.say(f"{told['accepted']} taken")
        for item in told["refused"]:
            around.say(f"still refused: {item['id']}: {item['code']} at {item['pointer'] or '/'}: {item['detail']}")
    if told["refused"]:
        raise Ended(Exit.NO, "" if as_json else f"{len(told['refused'])} still refused")
