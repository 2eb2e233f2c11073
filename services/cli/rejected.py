"""``tragt rejected``: what was refused and why, mended and tried again."""

from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from services.cli.call import After, Commands, Limit, ServiceCall, beginning
from services.cli.context import Given
from services.cli.document import read_bytes, read_document
from services.cli.exits import Ended, Exit
from services.ingest.domain.nearest import one_of
from shared.vocabulary import Code

rejected = Commands("Look at refused items, mend them, try them again.")

ItemId = Annotated[str, typer.Argument(help="The item's id, as `tragt rejected list` shows it.")]


def _code(text: str | Code) -> Code:
    """The code of that name. Raises Ended, which names the nearest."""
    if text not in set(Code):
        raise Ended(Exit.MISUSED, f"--code {text}: {one_of(text, Code)}")
    return Code(text)


OneCode = Annotated[
    Code | None, typer.Option("--code", parser=_code, metavar="CODE", help="Only what was refused for this.")
]
OneProtocol = Annotated[str, typer.Option("--protocol", help="Only what came as this, such as segment.")]
OneKey = Annotated[str, typer.Option("--from-key", help="Only what came with this key or hook; its prefix will do.")]
OneRefuser = Annotated[str, typer.Option("--refused-by", help="Only what this service refused, such as ingest.")]
Since = Annotated[str, typer.Option("--since", help="Only what came from then on, such as 2026-11-25T00:00:00Z.")]
Until = Annotated[str, typer.Option("--until", help="Only what came before then.")]
Mapped = Annotated[
    Path | None,
    typer.Option(
        "--mapping", help="A YAML or JSON file: where in the item each field's value stands, - for standard input."
    ),
]
Patched = Annotated[
    Path | None, typer.Option("--patch", help="A file with a JSON merge patch (RFC 7396), - for standard input.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would become of it, before and after.")]
_NONE_WAITS: Final = "there is no refused item of that id waiting to be taken"
_COLUMNS: Final = ("id", "code", "pointer", "detail", "protocol", "key", "received_at", "replayed_at")


@rejected.command("list")
def show_list(
    call: ServiceCall,
    code: OneCode = None,
    protocol: OneProtocol = "",
    from_key: OneKey = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    state: Annotated[str, typer.Option(help="Only those that are `waiting`, or `taken`.")] = "",
    limit: Limit = 20,
    after: After = "",
) -> None:
    """List refused items, latest first, each with its reason."""
    which = _filter(code, protocol, from_key, refused_by, since, until)
    asked = which | {"state": state, "limit": str(limit), "after": after}
    listed = call.api("ingest").get("/v1/rejected", asked)
    call.show(listed, lambda around, found: around.page(_COLUMNS, found, "nothing was refused"))


@rejected.command("show")
def show(call: ServiceCall, item: ItemId) -> None:
    """Show one refused item with its own bytes; with --json its payload is an object where it is JSON."""
    fields = (*_COLUMNS, "refused_by", "payload")
    kept = call.api("ingest").get(_path(item))
    if call.as_json and kept["payload_encoding"] == "utf-8":
        payload = _read_again(kept["payload"])
        kept |= {} if payload is kept["payload"] else {"payload": payload, "payload_encoding": "json"}
    call.show(kept, lambda around, found: around.table(("field", "value"), [(name, found[name]) for name in fields]))


@rejected.command("fix")
def fix(
    call: ServiceCall,
    item: ItemId,
    payload: Annotated[
        Path | None, typer.Argument(help="A file with the mended item as JSON, - for standard input.")
    ] = None,
    mapping: Mapped = None,
    patch: Patched = None,
    dry_run: DryRun = False,
) -> None:
    """Mend one refused item, by a whole new one, a mapping or a patch, and try it again."""
    if payload is None:
        if mapping is None and patch is None:
            raise Ended(Exit.MISUSED, "say how: by a file with the mended item, a --mapping or a --patch")
        if not _mend(call, {"id": item}, mapping, patch, limit=1, dry_run=dry_run):
            raise Ended(Exit.NO, _NONE_WAITS)
        return
    if mapping or patch:
        raise Ended(Exit.MISUSED, "say how once: by a file with the mended item, a --mapping or a --patch")
    if dry_run:
        if not _fixed(call, {"id": item}, "payload", _read(payload), limit=1, dry_run=True):
            raise Ended(Exit.NO, _NONE_WAITS)
        return
    service = call.api("ingest")
    service.patch(_path(item), {"payload": _read(payload)})
    _show_tried(call, service.post(f"{_path(item)}/replay"))


@rejected.command("fix-many")
def fix_many(
    call: ServiceCall,
    mapping: Mapped = None,
    patch: Patched = None,
    code: OneCode = None,
    protocol: OneProtocol = "",
    from_key: OneKey = "",
    refused_by: OneRefuser = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 100,
    dry_run: DryRun = False,
) -> None:
    """Mend the latest that wait by a mapping or a patch and try them again; exit code 1 when any is still refused.

    What is still refused stays as it was.
    """
    which = _filter(code, protocol, from_key, refused_by, since, until)
    if _mend(call, which, mapping, patch, limit=limit, dry_run=dry_run) == limit and not call.as_json:
        call.around.say(f"these were the latest {limit}; more may wait")


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


def _mend(
    call: ServiceCall, which: dict[str, str], mapping: Path | None, patch: Path | None, *, limit: int, dry_run: bool
) -> int:
    """How many there were to be mended. Raises Ended."""
    given = [(name, path) for name, path in (("mapping", mapping), ("patch", patch)) if path is not None]
    if len(given) != 1:
        raise Ended(Exit.MISUSED, "say how: by a --mapping or by a --patch")
    ((name, path),) = given
    document = _read(path) if name == "patch" else read_document(path)
    return _fixed(call, which, name, document, limit=limit, dry_run=dry_run)


def _fixed(call: ServiceCall, which: dict[str, str], name: str, document: Any, *, limit: int, dry_run: bool) -> int:
    """How many there were to be mended by a document of this name. Raises Ended."""
    asked = {"filter": which, name: document, "dry_run": dry_run, "limit": limit}
    told = call.api("ingest").post("/v1/rejected/fix", asked)
    for item in told["data"] if call.as_json else ():
        item |= {part: _read_again(item[part]) for part in ("before", "payload") if item[part] is not None}
    call.show(told, lambda around, told: _show_fixed(around, told, dry_run=dry_run))
    still = sum(item["refused"] is not None for item in told["data"])
    if still:
        raise call.no(f"{still} {'would still be' if dry_run else 'still'} refused")
    return len(told["data"])


def _filter(code: Code | None, protocol: str, from_key: str, refused_by: str, since: str, until: str) -> dict[str, str]:
    asked = {"protocol": protocol, "key": beginning(from_key), "refused_by": refused_by, "since": since, "until": until}
    return {name: value for name, value in {"code": code.value if code else "", **asked}.items() if value}


def _path(item: str) -> str:
    return f"/v1/rejected/{quote(item, safe='')}"


def _read(payload: Path) -> Any:
    try:
        return msgspec.json.decode(read_bytes(payload))
    except msgspec.DecodeError as error:
        raise Ended(Exit.MISUSED, f"{payload} is not JSON: {error}") from error


def _read_again(payload: str) -> Any:
    """What was kept as the value that it is; as text where it is no JSON."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return payload


def _refused(item: dict[str, Any]) -> str:
    why = item["refused"]
    return f"{why['code']} at {why['pointer'] or '/'}: {why['detail']}" if why else ""


def _show_fixed(around: Given, told: dict[str, Any], *, dry_run: bool) -> None:
    parts = ("before", "payload") if dry_run else ("payload",)
    rows = [(item["id"], *(item[part] for part in parts), _refused(item)) for item in told["data"]]
    if not rows:
        around.say("nothing waits")
        return
    around.table(("id", "before", "after", "refused") if dry_run else ("id", "mended", "refused"), rows)
    around.say(f"{told['accepted']} {'would be taken' if dry_run else 'taken'}")


def _show_tried(call: ServiceCall, told: dict[str, Any]) -> None:
    call.show(told, _tell_tried)
    if told["refused"]:
        raise call.no(f"{len(told['refused'])} still refused")


def _tell_tried(around: Given, told: dict[str, Any]) -> None:
    around.say(f"{told['accepted']} taken")
    for item in told["refused"]:
        around.say(f"still refused: {item['id']}: {item['code']} at {item['pointer'] or '/'}: {item['detail']}")
