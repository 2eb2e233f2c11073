"""``tragt doctor``: looks at everything an instance needs, and says of each fault what to do."""

import asyncio
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.markup import escape

from services.cli.bring_up import is_free
from services.cli.call import FolderCall
from services.cli.context import Given, seen
from services.cli.exits import Ended, Exit
from services.cli.instance import Reach, reach
from services.cli.layout import DEFAULT_PORTS, parse_ports
from services.cli.place import credentials_path, read_credentials
from shared.database.migrate import current, head, is_known
from shared.database.roles import SERVICES
from shared.embedded.account import unprivileged_account
from shared.embedded.binaries import find_binaries
from shared.embedded.cluster import SHELF
from shared.embedded.lock import is_held
from shared.errors import TragtError
from shared.settings import redacted

_PYTHON: Final = (3, 11)
_LOW_BYTES: Final = 2 * 2**30
_ASK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``advice`` is empty when it is well."""

    part: str
    is_well: bool
    found: str
    advice: str = ""


def doctor(call: FolderCall) -> None:
    """Say what is wrong and what to do about it; exit code 1 when something is."""
    findings = [*_machine(call.data), *_instance(call.data)]
    call.show({"data": [asdict(finding) for finding in findings]}, lambda around, _: _show(around, findings))
    wrong = sum(not finding.is_well for finding in findings)
    if wrong:
        raise Ended(Exit.NO, f"{wrong} of {len(findings)} things are wrong")


def _show(around: Given, findings: list[Finding]) -> None:
    for finding in findings:
        mark = "[green]ok[/]   " if finding.is_well else "[red]wrong[/]"
        around.console.print(mark, escape(seen(f"{finding.part}: {finding.found}")), highlight=False, soft_wrap=True)
        if finding.advice:
            around.console.print("       ", escape(seen(finding.advice)), highlight=False, soft_wrap=True, style="bold")


def _machine(folder: Path) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    is_new = sys.version_info[:2] >= _PYTHON
    yield Finding("python", is_new, version, "" if is_new else "install Python 3.11 or newer, then `make run`")
    yield _binaries()
    yield _space(folder)
    if folder.exists():
        yield from _kept_keys(folder)


def _binaries() -> Finding:
    try:
        account = unprivileged_account()
        found = find_binaries(account, SHELF)
    except TragtError as error:
        return Finding("postgresql", False, str(error), "run `make run` again, or use `tragt up --database DSN`")
    return Finding("postgresql", True, f"{found}, run as {account.name if account else 'this account'}")


def _space(folder: Path) -> Finding:
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    advice = "" if free >= _LOW_BYTES else "make room, or choose a folder on a larger disk with --data"
    return Finding("disk", not advice, f"{free / 2**30:.1f} GiB free for {folder}", advice)


def _kept_keys(folder: Path) -> Iterator[Finding]:
    path = credentials_path(folder)
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding("keys", False, f"others can read {path}", f"chmod 600 {path}, then `tragt keys rotate`")
        return
    try:
        read_credentials(folder)
    except TragtError as error:
        yield Finding("keys", False, str(error), f"remove {path}; the next `tragt up` makes new keys")
    else:
        yield Finding("keys", True, f"kept in {path}")


def _instance(folder: Path) -> Iterator[Finding]:
    found = reach(folder)
    if found is not None:
        yield from _children(found)
        yield from asyncio.run(_answers(found))
    elif is_held(folder):
        advice = "wait a moment; if it stays so, find its process with `fuser` on the lock file there and end it"
        yield Finding("instance", False, f"holds {folder} but does not answer", advice)
    else:
        yield Finding("instance", False, f"nothing runs on {folder}", "start it with `tragt up`")
        yield from _ports()


def _ports() -> Iterator[Finding]:
    for service, port in asdict(parse_ports(DEFAULT_PORTS)).items():
        if not is_free(port):
            advice = "end what listens there, or start with three free ones: --ports or TRAGT_PORTS"
            yield Finding(f"port {port}", False, f"meant for {service}, is taken", advice)


def _children(found: Reach) -> Iterator[Finding]:
    for child in found.state["children"]:
        is_well = child["condition"] == "ready"
        advice = "" if is_well else f"read {child['name']}.log in the logs of the data folder"
        told = child["condition"] + (f", restarts: {child['restarts']}" if child["restarts"] else "")
        yield Finding(child["name"], is_well, told, advice)


async def _answers(found: Reach) -> list[Finding]:
    findings = [await _schema(found)]
    async with httpx.AsyncClient(timeout=_ASK_SECONDS, trust_env=False) as client:
        findings += [await _readiness(client, service, found.ports.address(service)) for service in SERVICES]
    return findings


async def _schema(found: Reach) -> Finding:
    if not found.state["dsn"]:
        return Finding("schema", False, "the database is still starting", "wait a moment and look again")
    place = redacted(found.dsn)
    try:
        revision = await current(found.dsn)
    except TragtError as error:
        return Finding("database", False, f"{place}: {error}", "see postgres.log, or whoever runs that database")
    is_well = revision == head()
    is_later = revision is not None and not is_known(revision)
    advice = "" if is_well else "run the later version of tragt that made it" if is_later else "run `tragt migrate`"
    return Finding("schema", is_well, f"{revision} of {head()} in {place}", advice)


async def _readiness(client: httpx.AsyncClient, service: str, address: str) -> Finding:
    try:
        answer = await client.get(f"{address}/health/ready")
    except httpx.TransportError as error:
        return Finding(f"{service} ready", False, f"{address} does not answer ({error})", f"read {service}.log")
    if answer.status_code == httpx.codes.OK:
        return Finding(f"{service} ready", True, address)
    advice = f"the reasons are named: what it waits for is at fault first; then read {service}.log"
    return Finding(f"{service} ready", False, answer.text.strip(), advice)
