"""``tragt import``: a file of touchpoints, orders or contacts into the workspace."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Self

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.call import ServiceCall
from services.cli.client import refused, told
from services.cli.context import Given, given, seen
from services.cli.document import read_bytes, read_document
from services.cli.exits import Ended, Exit
from services.ingest.domain.file_import import Format, State, format_of
from services.ingest.handlers.import_mappings import exports


def _list(context: typer.Context, is_asked: bool) -> None:
    """Name the ready mappings and end."""
    if is_asked:
        given(context).table(["mapping", "of"], [[name, one.title] for name, one in exports().items()])
        raise typer.Exit


File = Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet.", exists=True, dir_okay=False)]
MappingName = Annotated[
    str, typer.Option("--mapping", help="YAML or JSON that says where things stand, or the name of a ready mapping.")
]
Zone = Annotated[str, typer.Option(help="Of times without an offset, such as Europe/Copenhagen.")]
Dates = Annotated[str, typer.Option(help="Which is first in 4/5/2024, the day or the month: dmy or mdy.")]
Decimals = Annotated[str, typer.Option(help="What stands before decimals: point or comma.")]
Currency = Annotated[str, typer.Option(help="Of amounts in a file that does not name it.")]
Columns = Annotated[list[str], typer.Option("--column", help="NAME=HEADING, where a heading is another one.")]
HeaderFile = Annotated[
    Path | None,
    typer.Option("--header", help="A file that names the columns (Adobe's column_headers.tsv).", exists=True),
]
FormatName = Annotated[Format | None, typer.Option("--format", help="Else by the name of the file.")]
Listed = Annotated[bool, typer.Option("--list", help="Only name the ready mappings.", is_eager=True, callback=_list)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would become of the rows.")]
Going = Annotated[str, typer.Option("--continue", help="Id of an import that was interrupted.")]

_SHEETS: Final = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".numbers"})
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 64 * 1024
_TRIES: Final = 5
_AGAIN: Final = frozenset({429, 503})
_TIMEOUT: Final = httpx.Timeout(30)
_PATIENT: Final = httpx.Timeout(30, read=None, write=None)
"""Of the file itself, which the door takes as slowly as its rates want."""

_KEPT_ALIVE: Final = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
"""So that a door whose machine is gone is noticed all the same."""

_PAUSE_SECONDS: Final = 2.0
"""Before the second try, twice as long before each one more: a door that starts anew is waited for."""

_ASKED_EVERY_SECONDS: Final = 1.0
_SHOWN: Final = 20


def import_file(
    call: ServiceCall,
    file: File,
    mapping: MappingName = "",
    file_format: FormatName = None,
    dry_run: DryRun = False,
    going: Going = "",
    zone: Zone = "",
    dates: Dates = "",
    decimals: Decimals = "",
    currency: Currency = "",
    column: Columns = [],  # noqa: B006 -- typer's way to say that there may be none
    header: HeaderFile = None,
    _listed: Listed = False,
) -> None:
    """Import a file. The same file twice changes nothing; equal rows in it stay as many as they are."""
    found = file_format or format_of("", file.name)
    if found is None:
        if file.suffix.lower() in _SHEETS:
            raise Ended(Exit.MISUSED, f"{file.name} is a workbook, which is not read: save it as CSV (UTF-8)")
        raise Ended(Exit.MISUSED, f"what is {file.name}? Say it with --format {'|'.join(Format)}")
    service = call.api("ingest")
    sender = _Sender(service.address, service.key)
    said = {
        "zone": zone,
        "dates": dates,
        "decimals": decimals,
        "currency": currency,
        "columns": dict(_pair(one) for one in column),
        "header": [] if header is None else _first_line(header),
    }
    asked = {"format": found.value, "name": file.name, "mapping": _mapping(mapping, said), "dry_run": dry_run}
    job = going or sender.ask("POST", "/v1/imports", json=asked)["id"]
    report = _sent(sender, job, file, call.around)
    call.show(report, _show)
    if report["rejected"]:
        raise Ended(Exit.NO, f"{report['rejected']} of {report['rows']} rows were refused")


def _mapping(mapping: str, said: dict[str, Any]) -> Any:
    """A ready mapping, a document, or none, with what was said beside it."""
    beside = {name: value for name, value in said.items() if value}
    if mapping in exports():
        return {"ready": mapping, **beside}
    if mapping and not Path(mapping).is_file():
        raise Ended(Exit.MISUSED, f"{mapping} is neither a file nor a ready mapping; see --list")
    if "columns" in beside:
        detail = "your mapping names the headings itself" if mapping else "name a heading in a --mapping of your own"
        raise Ended(Exit.MISUSED, f"--column goes with the --mapping of a ready one; {detail}")
    if not mapping:
        return beside or None
    document = read_document(Path(mapping))
    return {"own": document, **beside} if beside else document


def _pair(text: str) -> tuple[str, str]:
    name, mark, heading = text.partition("=")
    if not mark:
        raise Ended(Exit.MISUSED, f"--column {text}: write NAME=HEADING")
    return name, heading


def _first_line(file: Path) -> list[str]:
    """The columns' names, by tabs, of a file that may be compressed."""
    content = read_bytes(file)
    text = (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8-sig")
    return text.partition("\n")[0].rstrip("\r").split("\t")


class _Sender:
    """Posts to ingest with a key."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, timeout: httpx.Timeout = _TIMEOUT, **what: Any) -> dict[str, Any]:
        """The answer. Raises Ended, or _Interrupted when the same may well do a moment later."""
        wire = httpx.HTTPTransport(socket_options=_KEPT_ALIVE)
        try:
            with httpx.Client(transport=wire, headers=self._headers, timeout=timeout, trust_env=False) as client:
                answer = client.request(method, f"{self._address}{path}", **what)
        except httpx.TransportError as error:
            raise _Interrupted(f"{self._address} does not answer ({error})") from error
        if answer.status_code in _AGAIN:
            raise _Interrupted(told(answer))
        if answer.is_error:
            raise refused(answer)
        found: dict[str, Any] = answer.json()
        return found


class _Interrupted(Ended):
    """It stopped on the way and can go on."""

    def __init__(self, message: str) -> None:
        super().__init__(Exit.AWAY, message)


class _Watch:
    """Asks how far an import is while its file is sent: of what waits in between, the sender knows nothing."""

    def __init__(self, sender: _Sender, job: str, tell: Callable[[int], object]) -> None:
        self._sender = sender
        self._job = job
        self._tell = tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_ASKED_EVERY_SECONDS):
            with suppress(Ended):
                self._tell(self._sender.ask("GET", f"/v1/imports/{self._job}")["rows"])


def _sent(sender: _Sender, job: str, file: Path, around: Given) -> dict[str, Any]:
    """Send the file, again from its beginning when it is interrupted: what is durable is passed over.

    It is given up after so many tries in a row that brought no row further.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=around.errors, transient=True) as progress:
        task = progress.add_task(seen(file.name), total=file.stat().st_size)
        left, rows, is_first = _TRIES, 0, True
        while True:
            progress.reset(task)
            try:
                if not is_first:
                    far = sender.ask("GET", f"/v1/imports/{job}")
                    if far["state"] == State.DONE:
                        return far  # the answer was lost on its way, the file was not
                    left, rows = (_TRIES if far["rows"] > rows else left), far["rows"]
                pieces = _pieces(file, lambda n: progress.advance(task, n))
                with _Watch(sender, job, lambda n: progress.update(task, description=f"{seen(file.name)}: {_rows(n)}")):
                    return sender.ask("POST", f"/v1/imports/{job}/rows", _PATIENT, content=pieces)
            except _Interrupted as error:
                left, is_first = left - 1, False
                if not left:
                    raise Ended(Exit.AWAY, f"{error}; go on with --continue {job}") from error
                around.say(f"{error}; once more")
                time.sleep(_PAUSE_SECONDS * 2 ** (_TRIES - 1 - left))  # noqa: TID251 -- a person waits, nothing else does


def _pieces(file: Path, advance: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
            advance(len(piece))


def _show(around: Given, report: dict[str, Any]) -> None:
    said = f"{report['rows']} rows: {report['accepted']} {_became(report)}, {report['rejected']} refused"
    if not report["rows"]:
        around.tell(
            "there is no row in it" + (": the first line names the columns" if report["format"] == "csv" else "")
        )
        return
    if report["skipped"]:
        said += f", {report['skipped']} passed over"
    if report["twins"]:
        said += f"; {_twins(report['twins'])} beside it"
    around.tell(said)
    for line in _notes(report):
        around.tell(line)
    rows = [[row["row"], row["code"], row["pointer"], row["detail"]] for row in report["refused"][:_SHOWN]]
    if rows:
        around.table(["row", "code", "where", "why"], rows, numbers={"row"})
    if report["rejected"] > len(rows):
        around.say(f"{report['rejected'] - len(rows)} more" + ("; import it to see all" if report["dry_run"] else ""))
    if not report["dry_run"]:
        around.say(f"this was import {report['id']}")
        if report["rejected"]:
            around.say(f"next: tragt rejected list --protocol import.{report['id']}")
    if report["first"]:
        around.tell("the first would be:")
        around.tell(json.dumps(report["first"], indent=2, ensure_ascii=False))


def _twins(count: int) -> str:
    equal = "equal to an earlier row and"
    return f"1 is {equal} counts" if count == 1 else f"{count} are {equal} count"


def _became(report: dict[str, Any]) -> str:
    one = report["accepted"] == 1
    if report["same_as"]:
        return "was there already" if one else "were there already"
    if report["dry_run"]:
        return "would be taken"
    return "is taken" if one else "are taken"


def _notes(report: dict[str, Any]) -> Iterator[str]:
    """What else is worth knowing before many rows are in."""
    if report["same_as"]:
        yield f"import {report['same_as']} took the same rows in the same way: they count once"
    if report["detail"]:
        yield report["detail"]
    if report["missing"]:
        yield f"the mapping asks for columns that no row fills: {', '.join(report['missing'])}"
    if report["timeless"]:
        yield f"{_rows(report['timeless'])} without a time: taken as happening at the import"
    if report["early"]:
        yield f"{_rows(report['early'])} with a time that is yet to come: taken as happening at the import"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
