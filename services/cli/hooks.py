"""``tragt hooks``: the addresses at which providers deliver."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from services.cli.call import Call, Commands, WorkspaceCall, beginning
from services.cli.context import Given
from services.cli.document import read_bytes, read_document
from services.cli.exits import Ended, Exit, endings
from services.cli.instance import address_of
from services.ingest.handlers.hook_keeping import create_hook, described_by, end_hook, put_secrets, put_settings, told
from services.ingest.handlers.hook_providers import DOCUMENT, MAPPED, providers
from services.ingest.handlers.schemas import in_force
from services.ingest.protocols.hook_trial import Sample, shown, tried, unfilled
from services.ingest.protocols.outcome import Schemas
from services.ingest.protocols.webhook import ANYWHERE
from services.ingest.queries import list_hooks

hooks = Commands("Make, list and revoke addresses at which providers deliver.")

Provider = Annotated[str, typer.Argument(help="Who delivers, as `tragt hooks providers` names it.")]
Secrets = Annotated[list[str] | None, typer.Option("--secret", help="NAME=VALUE of what it signs with; repeatable.")]
Settings = Annotated[list[str] | None, typer.Option("--setting", help="NAME=VALUE, JSON or text; repeatable.")]
Document = Annotated[Path | None, typer.Option("--document", help="Of a mapped hook: YAML or JSON.", exists=True)]
SampleFile = Annotated[Path | None, typer.Option("--sample", help="Of a mapped hook: a body as it comes.", exists=True)]
ContentType = Annotated[str, typer.Option("--content-type", help="Of the sample.")]
Address = Annotated[str, typer.Option("--address", help="Public address of ingest, to print the whole address.")]
_COLUMNS: Final = ("prefix", "provider", "name", "settings", "created_at", "revoked_at")


@hooks.command("providers")
def show_providers(call: Call) -> None:
    """List the providers, and the secrets and settings that a hook of each takes."""
    rows = [
        {
            "provider": one.name,
            "title": one.title,
            "secrets": dict(one.secrets),
            "required": sorted(one.required),
            "settings": dict(one.settings),
        }
        for one in providers().values()
    ]
    call.show({"data": rows}, _show_providers)


@hooks.command()
def create(
    call: WorkspaceCall,
    provider: Provider,
    secret: Secrets = None,
    setting: Settings = None,
    name: Annotated[str, typer.Option("--name", help="What you call it.")] = "",
    document: Document = None,
    sample: SampleFile = None,
    content_type: ContentType = "",
    address: Address = "",
) -> None:
    """Make a hook and print its address, this once."""
    secrets, settings = _secrets(secret), _settings(setting)
    if document is not None:
        settings[DOCUMENT] = read_document(document)
    shown_body = None if sample is None else Sample(read_bytes(sample), content_type)
    now = call.around.clock.now()
    made = call.do_for_workspace(
        lambda session, owner: create_hook(
            session, owner, provider, now, name=name, secrets=secrets, settings=settings, sample=shown_body
        )
    )

    signs = providers().get(provider)
    waits_for = sorted(signs.required - secrets.keys()) if signs else []
    begin = address.rstrip("/") or ("" if call.database else address_of(call.data, "ingest"))

    def tell(around: Given, _: Any) -> None:
        around.tell(begin + made.path)
        if not address:
            around.say("A provider reaches it at the public address of ingest: --address prints it with that.")
        around.say("It is shown this once; only a hash of it is kept, and the secrets are sealed with it.")
        if waits_for:
            around.say(f"Nothing is taken before it has its {', '.join(waits_for)}: `tragt hooks secrets ADDRESS`")

    named = {"prefix": made.prefix, "provider": made.provider, "hook": made.text, "path": made.path}
    call.show({**named, "address": f"{begin}{made.path}" if begin else None, "waits_for": waits_for}, tell)


@hooks.command("try")
def try_document(
    call: WorkspaceCall,
    document: Annotated[Path, typer.Argument(help="YAML or JSON that describes a mapped hook.", exists=True)],
    sample: Annotated[Path, typer.Argument(help="A body as it will come.", exists=True)],
    content_type: ContentType = "",
) -> None:
    """Show what a mapped hook would make of a body; nothing is sent and nothing is kept.

    With the instance running it says what the workspace's schemas would say of it, too.
    """
    with endings():
        provider = described_by(read_document(document), "")
    now, schemas = call.around.clock.now(), _schemas(call)
    outcomes = tried(provider, Sample(read_bytes(sample), content_type), now, schemas)
    found = [shown(one) for one in outcomes]
    call.show({"data": found, "unfilled": unfilled(provider, outcomes)}, _show_tried)
    refused = sum(one["refused"] is not None for one in found)
    if refused or not found:
        raise Ended(
            Exit.NO,
            f"{refused} of {len(found)} items would be refused" if found else f"{document} finds nothing in {sample}",
        )


@hooks.command("secrets")
def give_secrets(
    call: WorkspaceCall,
    hook: Annotated[str, typer.Argument(help="The hook's address, its path, or PROVIDER/HOOK.")],
    secret: Secrets = None,
) -> None:
    """Put all secrets of a hook in place; for providers that tell theirs only once they know the address."""
    provider, _, text = hook.rstrip("/").rpartition("/")
    name, secrets = provider.rpartition("/")[2], _secrets(secret)
    call.do_for_workspace(lambda session, owner: put_secrets(session, owner, name, text, secrets))
    told_of = "The hook has its secrets; the services know with the next delivery."
    call.show({"prefix": beginning(text)}, lambda around, _: around.say(told_of))


@hooks.command("settings")
def give_settings(
    call: WorkspaceCall,
    prefix: Annotated[str, typer.Argument(help="How the hook begins, as `tragt hooks list` shows it.")],
    setting: Settings = None,
) -> None:
    """Put all settings of a hook in place, such as the stages that are won; its address stays."""
    settings, prefix = _settings(setting), beginning(prefix)
    call.do_for_workspace(lambda session, owner: put_settings(session, owner, prefix, settings))
    told_of = "The hook has its settings; the services know within two seconds."
    call.show({"prefix": prefix}, lambda around, _: around.say(told_of))


@hooks.command("list")
def show(call: WorkspaceCall) -> None:
    """List all hooks, revoked ones too."""
    call.show({"data": [told(kept) for kept in call.do_for_workspace(list_hooks)]}, _show)


@hooks.command()
def revoke(
    call: WorkspaceCall,
    prefix: Annotated[str, typer.Argument(help="How the hook begins, as `tragt hooks list` shows it.")],
) -> None:
    """End a hook; what comes to it is refused within a few seconds."""
    now, prefix = call.around.clock.now(), beginning(prefix)
    call.do_for_workspace(lambda session, owner: end_hook(session, owner, prefix, now))
    call.show({"revoked": prefix}, lambda around, _: around.tell(f"{prefix} is revoked"))


def _show_providers(around: Given, found: dict[str, Any]) -> None:
    rows = [
        {**row, "secrets": ", ".join(_signing(row)), "settings": ", ".join(_own(row["settings"]))}
        for row in found["data"]
    ]
    around.records(("provider", "title", "secrets", "settings"), rows)
    around.say(
        "A secret in [] is given where the provider has one; without one of the others nothing is taken. "
        f"Anybody else: `tragt hooks create {MAPPED} --document FILE`."
    )


def _show(around: Given, found: dict[str, Any]) -> None:
    around.records(_COLUMNS, [{**row, "settings": _short(row["settings"])} for row in found["data"]])


def _short(settings: Mapping[str, Any]) -> str:
    """Settings on one line, objects (a mapped hook's document) by their names alone; --json shows them whole."""
    texts = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in settings.items()}
    return " ".join(f"{name}={{...}}" if isinstance(text, dict) else f"{name}={text}" for name, text in texts.items())


def _schemas(call: WorkspaceCall) -> Schemas | None:
    """What is in force in the workspace; None, said to people, where no database is at hand. Raises Ended."""
    try:
        _ = call.dsn
    except Ended as error:
        call.around.say(f"no schema was looked at: {error}")
        return None
    return call.do_for_workspace(in_force)


def _show_tried(around: Given, found: dict[str, Any]) -> None:
    for one in found["data"]:
        why = one["refused"]
        around.tell("taken" if why is None else f"refused: {why['code']} {why['pointer']}: {why['detail']}")
        for warned in one["warnings"]:
            around.tell(f"warning: {warned['pointer']}: {warned['detail']}")
        around.answer(one["touchpoint"])
    if found["unfilled"]:
        around.tell(f"found in no item: {', '.join(found['unfilled'])}")


def _signing(row: Mapping[str, Any]) -> list[str]:
    return [name if name in row["required"] else f"[{name}]" for name in _own(row["secrets"])]


def _own(names: Mapping[str, str]) -> list[str]:
    """Those that not every hook has."""
    return [name for name in names if name not in ANYWHERE and name != "address"]


def _secrets(given_pairs: Sequence[str] | None) -> dict[str, list[str]]:
    secrets: dict[str, list[str]] = {}
    for name, value in _pairs("--secret", given_pairs):
        secrets.setdefault(name, []).append(value)
    return secrets


def _settings(given_pairs: Sequence[str] | None) -> dict[str, Any]:
    return {name: _value(value) for name, value in _pairs("--setting", given_pairs)}


def _pairs(option: str, given_pairs: Sequence[str] | None) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in given_pairs or ()]
    if any(not equals for _, equals, _ in pairs):
        raise Ended(Exit.MISUSED, f"{option} takes NAME=VALUE")
    return [(name, value) for name, _, value in pairs]


def _value(text: str) -> Any:
    """A setting as JSON where it is that, else as text."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
