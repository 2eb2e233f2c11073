"""``tragt rejected``: what was refused and why, mended and tried again."""

from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from services.cli.call import After, Commands, Limit, ServiceCall
from services.cli.context import Given
from services.cli.document import read_bytes
from services.cli.exits import Ended, Exit
from shared.vocabulary import Code

rejected = Commands("Look at refused items, mend them, try them again.")

ItemId = Annotated[str, typer.Argument(help="The item's id, as `tragt rejected list` shows it.")]
OneCode = Annotated[Code | None, typer.Option("--code", help="Only what was refused for this.")]
OneProtocol = Annotated[str, typer.Option("--protocol", help="Only what came as this, such as segment.")]
OneRefuser = Annotated[str, typer.Option("--refused-by", help="Only what this service refused, such as ingest.")]
Since = Annotated[str, typer.Option("--since", help="Only what came from then on, such as 2026-11-25T00:00:00Z.")]
Until = Annotated[str, typer.Option("--until", help="Only what came before then.")]
_COLUMNS: Final = ("id", "code", "pointer", "detail", "protocol", "received_at", "replayed_at")


@rejected.command("list")
def show_list(
    call: ServiceCall,
    code: OneCode = None,
    protocol: OneProtocol = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    state: Annotated[str, typer.Option(help="Only those that are `waiting`, or `taken`.")] = "",
    limit: Limit = 20,
    after: After = "",
) -> None:
    """List refused items, latest first, each with its reason."""
    asked = _filter(code, protocol, refused_by, since, until) | {"state": state, "limit": str(limit), "after": after}
    listed = call.api("ingest").get("/v1/rejected", asked)
    call.show(listed, lambda around, found: around.page(_COLUMNS, found, "nothing was refused"))


@rejected.command("show")
def show(call: ServiceCall, item: ItemId) -> None:
    """Show one refused item with its own bytes."""
    fields = (*_COLUMNS, "payload")
    kept = call.api("ingest").get(_path(item))
    call.show(kept, lambda around, found: around.table(("field", "value"), [(name, found[name]) for name in fields]))


@rejected.command("fix")
def fix(
    call: ServiceCall,
    item: ItemId,
    payload: Annotated[Path, typer.Argument(help="A file with the mended item as JSON, - for standard input.")],
) -> None:
    """Put a mended item in place of a refused one, and try it again."""
    service = call.api("ingest")
    service.patch(_path(item), {"payload": _read(payload)})
    _show_tried(call, service.post(f"{_path(item)}/replay"))


@rejected.command("fix-many")
def fix_many(
    call: ServiceCall,
    patch: Annotated[Path, typer.Option(help="A file with a JSON merge patch (RFC 7396), - for standard input.")],
    code: OneCode = None,
    protocol: OneProtocol = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 100,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of them.")] = False,
) -> None:
    """Patch the latest that wait and try them again; exit code 1 when any is still refused, which stays as it was."""
    asked = {
        "filter": _filter(code, protocol, refused_by, since, until),
        "patch": _read(patch),
        "dry_run": dry_run,
        "limit": limit,
    }
    told = call.api("ingest").post("/v1/rejected/fix", asked)
    call.show(told, lambda around, told: _show_fixed(around, told, "would be taken" if dry_run else "taken"))
    still = sum(item["refused"] is not None for item in told["data"])
    if still:
        raise call.no(f"{still} still refused")


@rejected.command("replay")
def replay(
    call: ServiceCall,
    item: Annotated[str, typer.Argument(help="The item's id; without it all of a --code.")] = "",
    code: OneCode = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many of a --code at most.")] = 1_000,
) -> None:
    """Try refused items again as they are; exit code 1 when any is still refused."""
    if bool(item) == (code is not None):
        raise Ended(Exit.MISUSED, "name either one item or a --code")
    service = call.api("ingest")
    if item:
        told = service.post(f"{_path(item)}/replay")
    else:
        told = service.post("/v1/rejected/replay", {"code": code, "limit": limit})
    _show_tried(call, told)


def _filter(code: Code | None, protocol: str, refused_by: str, since: str, until: str) -> dict[str, str]:
    asked = {"protocol": protocol, "refused_by": refused_by, "since": since, "until": until}
    return {name: value for name, value in {"code": code.value if code else "", **asked}.items() if value}


def _path(item: str) -> str:
    return f"/v1/rejected/{quote(item, safe='')}"


def _read(payload: Path) -> Any:
    try:
        return msgspec.json.decode(read_bytes(payload))
    except msgspec.DecodeError as error:
        raise Ended(Exit.MISUSED, f"{payload} is not JSON: {error}") from error


def _fixed(item: dict[str, Any]) -> tuple[str, str, str]:
    why = item["refused"]
    return item["id"], item["payload"] or "", f"{why['code']} at {why['pointer'] or '/'}" if why else ""


def _show_fixed(around: Given, told: dict[str, Any], verb: str) -> None:
    around.table(("id", "payload", "refused"), [_fixed(item) for item in told["data"]])
    around.say(f"{told['accepted']} {verb}")


def _show_tried(call: ServiceCall, told: dict[str, Any]) -> None:
    call.show(told, _tell_tried)
    if told["refused"]:
        raise call.no(f"{len(told['refused'])} still refused")


def _tell_tried(around: Given, told: dict[str, Any]) -> None:
    around.say(f"{told['accepted']} taken")
    for item in told["refused"]:
        around.say(f"still refused: {item['id']}: {item['code']} at {item['pointer'] or '/'}: {item['detail']}")
