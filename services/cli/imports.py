"""``tragt import``: a file of touchpoints, orders or contacts into the workspace."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.context import Given, Json, given
from services.cli.document import read_document
from services.cli.exits import Ended, Exit
from services.cli.instance import Address, KeyText, address_of, api
from services.cli.place import DEFAULT, Data
from services.ingest.domain.file_import import Format, State, format_of

File = Annotated[Path, typer.Argument(help="CSV, NDJSON or Parquet.", exists=True, dir_okay=False)]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="YAML or JSON that says where things stand.", exists=True)
]
FormatName = Annotated[Format | None, typer.Option("--format", help="Else by the name of the file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would become of the rows.")]
Going = Annotated[str, typer.Option("--continue", help="Id of an import that was interrupted.")]

_PIECE: Final = 64 * 1024
_TRIES: Final = 5
_AGAIN: Final = frozenset({429, 503})
_TIMEOUT: Final = httpx.Timeout(30, read=300)
_PAUSE_SECONDS: Final = 2.0
_SHOWN: Final = 20


def import_file(
    context: typer.Context,
    file: File,
    mapping: MappingFile = None,
    file_format: FormatName = None,
    dry_run: DryRun = False,
    going: Going = "",
    data: Data = DEFAULT,
    address: Address = "",
    key: KeyText = "",
    as_json: Json = False,
) -> None:
    """Import a file. The same file twice changes nothing; equal rows in it stay as many as they are."""
    around = given(context)
    found = file_format or format_of("", file.name)
    if found is None:
        raise Ended(Exit.MISUSED, f"what is {file.name}? Say it with --format {'|'.join(Format)}")
    sender = _Sender(address or address_of(data, "ingest"), api(data, "ingest", address, key).key)
    asked = {
        "format": found.value,
        "name": file.name,
        "mapping": None if mapping is None else read_document(mapping),
        "dry_run": dry_run,
    }
    job = going or sender.ask("POST", "/v1/imports", json=asked)["id"]
    report = _sent(sender, job, file, around)
    around.answer(report) if as_json else _show(report, around)
    if report["rejected"]:
        raise Ended(Exit.NO, f"{report['rejected']} of {report['rows']} rows were refused")


class _Sender:
    """Posts to ingest with a key."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        """The answer. Raises Ended, or _Interrupted when the same may well do a moment later."""
        address = f"{self._address}{path}"
        try:
            answer = httpx.request(method, address, headers=self._headers, timeout=_TIMEOUT, trust_env=False, **what)
        except httpx.TransportError as error:
            raise _Interrupted(f"{self._address} does not answer ({error})") from error
        if answer.status_code in _AGAIN:
            raise _Interrupted(_detail(answer))
        if answer.is_error:
            code = Exit.REFUSED if answer.status_code in {401, 403} else Exit.MISUSED
            raise Ended(code, _detail(answer))
        told: dict[str, Any] = answer.json()
        return told


class _Interrupted(Ended):
    """It stopped on the way and can go on."""

    def __init__(self, message: str) -> None:
        super().__init__(Exit.AWAY, message)


def _sent(sender: _Sender, job: str, file: Path, around: Given) -> dict[str, Any]:
    """Send the file, again from its beginning when it is interrupted: what is durable is passed over."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=around.errors, transient=True) as progress:
        task = progress.add_task(file.name, total=file.stat().st_size)
        for left in range(_TRIES - 1, -1, -1):
            progress.reset(task)
            try:
                if left < _TRIES - 1 and (told := sender.ask("GET", f"/v1/imports/{job}"))["state"] == State.DONE:
                    return told  # the answer was lost on its way, the file was not
                pieces = _pieces(file, lambda n: progress.advance(task, n))
                return sender.ask("POST", f"/v1/imports/{job}/rows", content=pieces)
            except _Interrupted as error:
                if not left:
                    raise Ended(Exit.AWAY, f"{error}; go on with --continue {job}") from error
                around.say(f"{error}; once more")
                time.sleep(_PAUSE_SECONDS)  # noqa: TID251 -- a person waits, nothing else does
    raise AssertionError("the last try returns or raises")


def _pieces(file: Path, advance: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
            advance(len(piece))


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        faults = [f"{fault['pointer'] or 'the file'}: {fault['detail']}" for fault in problem.get("errors") or ()]
        return "; ".join(faults) or str(problem["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{answer.request.url} answered {answer.status_code}"


def _show(report: dict[str, Any], around: Given) -> None:
    verb = "would be taken" if report["dry_run"] else "are taken"
    said = f"{report['rows']} rows: {report['accepted']} {verb}, {report['rejected']} refused"
    twins = f"; {report['twins']} are equal to an earlier row and count beside it" if report["twins"] else ""
    around.console.print(said + twins, highlight=False)
    rows = [[str(row["row"]), row["code"], row["pointer"], row["detail"]] for row in report["refused"][:_SHOWN]]
    if rows:
        around.table(["row", "code", "where", "why"], rows, numbers=frozenset({"row"}))
    if report["rejected"] > len(rows):
        around.say(f"{report['rejected'] - len(rows)} more; all of them: GET /v1/rejected")
