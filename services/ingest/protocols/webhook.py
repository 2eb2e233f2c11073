"""Webhooks of providers: what a request of theirs is, what a verifier says of it, one declarative file per provider.

Everything here is pure: ``handlers.hooks`` brings the bytes, the clock and what has to be fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from services.ingest.domain import bounds
from services.ingest.domain.hook import Secrets
from services.ingest.domain.item_id import content_id
from services.ingest.domain.refusal import Refused
from services.ingest.protocols import keeping, native
from services.ingest.protocols.mapping import InvalidMapping, compiled, consent_of, fault_of, id_of, items_of, native_of
from services.ingest.protocols.mapping import Mapping as Mapped
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.reading import read_loosely
from services.ingest.protocols.splitting import Item, Split
from services.ingest.protocols.webhook_bodies import BODIES, BodyKind, json_value
from shared.clock import SECOND
from shared.vocabulary import Code

PROTOCOL: Final = "hook"
_MAX_ELEMENTS: Final = 50_000
_MAX_ITEM_BYTES: Final = 256 * 1024
"""As the provider writes it; what becomes of it may have much less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A provider's request: the raw bytes before anything is read out of them, ``url`` as the provider has it, ``now``
    in microseconds. Header names are lower case."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    body: bytes
    now: int

    def header(self, name: str) -> str:
        """A header's text, empty when there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about a hook when somebody knocks; ``fetched`` holds what a verifier asked for, by its address."""

    secrets: Secrets = field(repr=False)
    settings: Mapping[str, Any]
    window_seconds: int
    fetched: Mapping[str, bytes] = field(default_factory=dict)

    def all(self, name: str) -> Sequence[str]:
        """Every secret of that name."""
        return self.secrets.get(name, ())

    def is_fresh(self, instant: int, now: int) -> bool:
        """Whether an instant, in microseconds like ``now``, is within the window."""
        return abs(now - instant) <= self.window_seconds * SECOND


@dataclass(frozen=True, slots=True)
class Verified:
    """It is the provider's. ``once``: what may be presented only once, where the signature does not cover the body.
    ``confirm``: an address to be fetched in order to agree to be called."""

    once: str = ""
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Doubted:
    """It is not, or cannot be told to be: which check failed, for the owner's log and for the caller, who has the whole
    address. ``asks_basic``: with other credentials it might be."""

    reason: str
    asks_basic: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands at that address is needed first."""

    address: str


Verdict = Verified | Doubted | Wanted


class Reply(msgspec.Struct, frozen=True):
    """What the provider is answered."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    asks_basic: bool = False


class _Document(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A provider's file, see docs/connect/adding-a-provider.md."""

    title: str
    body: BodyKind
    mapping: dict[str, Any]
    field: str = ""
    signature: str = ""
    handshake: str = ""
    secrets: dict[str, str] = {}
    optional: dict[str, str] = {}
    settings: dict[str, str] = {}
    choices: dict[str, str] = {}
    window_seconds: int = 300
    doubted_status: int = 401
    limited_status: Literal[200, 429, 503] = 429
    reply: Reply | None = None
    complete: Literal["", "meta"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A checked provider's file. ``secrets`` and ``settings`` say what each is; ``required`` ones must be there.

    ``choices`` are the settings that the mapping reads, lists of texts. Where a hook has any, ``hook`` is its prefix
    and the mapping its own.

    ``limited_status`` is told to who sends too fast: 429, or 503 where 4xx may be final. 200 is for those who never
    send again: it is taken all the same.
    """

    name: str
    title: str
    body: BodyKind
    field: str
    signature: str
    handshake: str
    secrets: Mapping[str, str]
    required: frozenset[str]
    settings: Mapping[str, str]
    choices: frozenset[str]
    hook: str
    window_seconds: int
    doubted_status: int
    limited_status: int
    reply: Reply | None
    complete: str
    mapping: Mapped


HEADER: Final = "header"

ANYWHERE: Final[Mapping[str, str]] = {
    "basic": "user:password that must come as HTTP Basic credentials",
    HEADER: "Name: value of a header that must come",
}
"""Secrets that any provider's hook may ask for, for those that sign nothing."""

ADDRESS: Final = "https://user:password@ingest.example.com as the provider has it, without the path"


def provider_of(name: str, document: Any, hook: str = "", settings: Mapping[str, Any] | None = None) -> Provider:
    """The provider that a document describes, as a hook with these settings has it. Raises InvalidMapping."""
    try:
        said = msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        raise InvalidMapping(fault_of(error, {"": _Document, "/reply": Reply})) from None
    try:
        mapping = compiled({"source": name, **said.mapping}, settings)
    except InvalidMapping as error:
        raise InvalidMapping(*((f"/mapping{place}", detail) for place, detail in error.faults)) from None
    return Provider(
        name=name,
        title=said.title,
        body=said.body,
        field=said.field,
        signature=said.signature,
        handshake=said.handshake,
        secrets={**said.secrets, **said.optional, **ANYWHERE},
        required=frozenset(said.secrets),
        settings={**said.settings, **said.choices, "address": ADDRESS},
        choices=frozenset(said.choices),
        hook=hook,
        window_seconds=said.window_seconds,
        doubted_status=said.doubted_status,
        limited_status=said.limited_status,
        reply=said.reply,
        complete=said.complete,
        mapping=mapping,
    )


@dataclass(frozen=True, slots=True)
class HookReader:
    """Reads a provider's items: mapped to native ones, which are then read as such.

    What is kept of a refused item is the provider's own, or nothing where not all of it may be: only its mapping knows
    what it says of consent.
    """

    provider: Provider

    @property
    def protocol(self) -> str:
        """``hook.<provider>``, and the hook where it reads by its own settings."""
        return f"{self._family}.{self.provider.hook}" if self.provider.hook else self._family

    @property
    def _family(self) -> str:
        return f"{PROTOCOL}.{self.provider.name}"

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:  # noqa: ARG002 -- looked for below
        """The touchpoint in ``item``, or its rejection. Never raises."""
        raw, mapping = bytes(item), self.provider.mapping
        try:
            written = _written(mapping, raw)
        except Refused as outcome:
            said = read_loosely(raw)
            item_id, told = id_of(mapping, said) or content_id(raw), consent_of(mapping, said)
            return keeping.mapped(item_id, raw, outcome.refusal, told, mapping.kind.find(said))
        read = native.parse(written, arrival, may_hold_nul=b"\\u0000" in written)
        if isinstance(read, Rejected):
            return msgspec.structs.replace(read, payload=raw if read.payload == written else b"")
        return msgspec.structs.replace(read, protocol=self._family)


def _written(mapping: Mapped, raw: bytes) -> bytes:
    """The native item that a provider's item amounts to. Raises Refused."""
    if len(raw) > _MAX_ITEM_BYTES:
        raise Refused(Code.TOO_LARGE, "", f"an item has at most {_MAX_ITEM_BYTES} bytes")
    return msgspec.json.encode(native_of(mapping, json_value(raw)))


def open_hook(provider: Provider, knock: Knock) -> Parcel:
    """A verified request taken apart. Nothing in it is no fault: providers send tests and empty lists."""
    reader = HookReader(provider)
    try:
        value = BODIES[provider.body](knock.body, knock.header("content-type"), provider.field)
        _check(value)
        return Parcel(Split(list(items_of(provider.mapping, value))), reader)
    except Refused as outcome:
        return Parcel(Split([knock.body], outcome.refusal), reader)


def _check(value: Any) -> None:
    """Raise Refused when the body is too deep, or has so many elements that looking places up in it takes seconds."""
    if not isinstance(value, dict | list):
        return
    bounds.check(value, "")
    rest, count = [value], 0
    while rest:
        inner = rest.pop()
        count += len(inner) if isinstance(inner, list) else 0
        if count > _MAX_ELEMENTS:
            raise Refused(Code.TOO_MANY_ITEMS, "", f"the lists of a delivery have at most {_MAX_ELEMENTS} elements")
        rest.extend(
            one for one in (inner.values() if isinstance(inner, dict) else inner) if isinstance(one, dict | list)
        )
