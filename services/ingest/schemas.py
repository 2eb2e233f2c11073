"""Shapes of requests and answers as OpenAPI shows them. The hot routes parse faster and say the same."""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from services.ingest.domain.file_import import Format, State
from shared.vocabulary import Channel, Code


def _written(value: Any, read: ValidatorFunctionWrapHandler) -> datetime:
    """An instant as text: a number of something since 1970 is none."""
    text = str(value)
    try:
        if not text.replace(".", "", 1).removeprefix("-").isdecimal():
            return cast("datetime", read(value))
    except ValidationError:
        pass
    raise PydanticCustomError("instant", "an instant is written as RFC 3339 has it: 2026-11-25T09:30:00Z")


Instant = Annotated[AwareDatetime, WrapValidator(_written)]


class Identity(BaseModel):
    """Who it was; at least one of them (an account alone is no identity)."""

    anonymous_id: str | int | None = None
    user_id: str | int | None = None
    email: str | None = None
    email_sha256: str | None = Field(default=None, description="Hexadecimal SHA-256 of the trimmed lower-case address.")
    phone: str | None = Field(default=None, description="E.164, or national together with `context.country`.")
    account_id: str | int | None = None
    external: dict[str, str | int] = Field(default={}, description="Ids of CRM or provider records by system.")
    click: str | None = Field(default=None, description="The token that a click redirect gave the landing page.")


class Campaign(BaseModel):
    """The five UTM fields as sent, and the ad's own ids; what is missing is read from the page's address."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None
    id: str | None = None
    click_id: str | None = None


class Page(BaseModel):
    """Where it happened on the web."""

    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None


class Value(BaseModel):
    """An exact amount."""

    amount: str = Field(examples=["129.00"])
    currency: str = Field(examples=["EUR"], description="ISO 4217.")


class Touchpoint(BaseModel):
    """One interaction of a person with you."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="What happened, `noun_verbed`; any name is welcome.", examples=["page_viewed"])
    id: str | None = Field(default=None, min_length=1, max_length=200, description="Idempotency key, else made.")
    occurred_at: str | None = Field(default=None, description="RFC 3339; the instant of arrival when missing.")
    sent_at: str | None = Field(default=None, description="RFC 3339; together with `occurred_at` it corrects a clock.")
    channel: Channel | None = Field(default=None, description="Classified from campaign, referrer and kind if missing.")
    identity: Identity = Identity()
    previous: Identity | None = Field(default=None, description="For `aliased` and `unlinked`: exactly one key.")
    traits: dict[str, Any] = Field(default={}, description="What is known of the person; null forgets.")
    campaign: Campaign | None = None
    page: Page | None = None
    value: Value | None = None
    consent: dict[str, Literal["granted", "denied"]] = {}
    properties: dict[str, Any] = {}
    context: dict[str, Any] = Field(default={}, description="ip, user_agent, locale, time_zone, country.")


class Touchpoints(BaseModel):
    """Up to 1,000 touchpoints."""

    touchpoints: list[Touchpoint] = Field(min_length=1, max_length=1_000)


class RefusedItem(BaseModel):
    """An item that was refused, kept, and can be replayed."""

    index: int
    id: str
    code: Code
    pointer: str
    detail: str


class Receipt(BaseModel):
    """What is durable now."""

    accepted: int
    rejected: list[RefusedItem]


class Kept(BaseModel):
    """A refused item as kept."""

    id: str
    code: Code
    pointer: str
    detail: str
    protocol: str
    refused_by: str
    key: str = Field(description="Prefix of the key, or of the hook, that it came with; empty where that is not known.")
    received_at: str
    replayed_at: str | None


class KeptList(BaseModel):
    """A page of refused items, latest first."""

    data: list[Kept]
    next: str | None


class KeptWhole(Kept):
    """A refused item with its own bytes: as text, or in base64 where they are none."""

    payload: str
    payload_encoding: Literal["utf-8", "base64"]


class Repair(BaseModel):
    """A repaired item in place of what was refused."""

    payload: dict[str, Any]


class ReplayByCode(BaseModel):
    """Which refused items to try again: the latest up to `limit`."""

    code: Code
    limit: int = Field(default=1_000, ge=1, le=1_000)


class Refused(BaseModel):
    """Why an item is still refused."""

    id: str
    code: Code
    pointer: str
    detail: str


class Replayed(BaseModel):
    """What became of the items that were tried again."""

    accepted: int
    refused: list[Refused]


class FieldRefused(BaseModel):
    """Why."""

    code: Code
    pointer: str
    detail: str


class Which(BaseModel):
    """Which refused items; what is left out is any. `since` is within and `until` is not."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = None
    code: Code | None = None
    protocol: str | None = None
    refused_by: str | None = None
    key: str | None = Field(default=None, description="Prefix of the key that it came with.")
    since: Instant | None = None
    until: Instant | None = None


class FixMany(BaseModel):
    """A mapping, a JSON merge patch (RFC 7396) or a payload for the latest that wait of `filter`, up to `limit`."""

    model_config = ConfigDict(extra="forbid")

    filter: Which
    patch: dict[str, Any] | None = Field(
        default=None, description="The same for all of them; null takes a field away.", examples=[None]
    )
    mapping: dict[str, Any] | None = Field(
        default=None,
        description="Of the item's shape: where in the item as refused (JMESPath) the value of a field stands, or"
        " `{at, map, otherwise}`, or a time, `{at, unit}` or `{at, format}`; null takes a field away.",
        examples=[{"identity": {"email": "properties.mail"}, "properties": {"mail": None}}],
    )
    payload: dict[str, Any] | None = Field(default=None, description="All of `filter.id` anew.", examples=[None])
    dry_run: StrictBool = Field(default=False, description="Only say what would become of them.")
    limit: int = Field(default=100, ge=1, le=1_000)


class FixedItem(BaseModel):
    """One item: what it became by the patch, or with `dry_run` would, and why it is refused even so."""

    id: str
    before: str | None = Field(description="As it was, with `dry_run`.")
    payload: str | None = Field(description="As it is mended; null where it cannot be: it is no JSON, or too deep.")
    refused: FieldRefused | None


class Fixed(BaseModel):
    """What became of the items. Those still refused are as they were."""

    dry_run: bool
    accepted: int
    data: list[FixedItem]


class HookAsked(BaseModel):
    """A hook to be made."""

    model_config = ConfigDict(extra="forbid")

    provider: str = Field(examples=["sendgrid"], description="As the file in services/ingest/providers is named.")
    name: str = Field(default="", max_length=200)
    secrets: dict[str, str | list[str]] = Field(default={}, description="What the provider signs with, by name.")
    settings: dict[str, Any] = {}
    sample: str | None = Field(
        default=None, description="Of a mapped hook: a body as it will come, which it must take."
    )
    content_type: str = ""


class HookTried(BaseModel):
    """A mapped hook to be tried: its document and a body as it will come."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    sample: str
    content_type: str = ""


class SchemaWarning(BaseModel):
    """Where a touchpoint that is taken is not as a schema says that only warns."""

    pointer: str
    detail: str


class Tried(BaseModel):
    """What would become of one item: the native touchpoint, or why it would be refused."""

    touchpoint: dict[str, Any] | None
    channel: str | None
    refused: FieldRefused | None
    warnings: list[SchemaWarning]


class Trial(BaseModel):
    """One entry per item. `unfilled` names what the mapping asks for and found in none of them."""

    data: list[Tried]
    unfilled: list[str]


class HookMade(BaseModel):
    """A new hook. `hook` and `path` are shown this once."""

    prefix: str
    provider: str
    hook: str
    path: str = Field(description="Where the provider posts, on the address of ingest.")


class HookSecrets(BaseModel):
    """All secrets of a hook, in place of those it had."""

    model_config = ConfigDict(extra="forbid")

    secrets: dict[str, str | list[str]]


class HookSettings(BaseModel):
    """All settings of a hook, in place of those it had; a mapped one keeps its document."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, Any]


class HookListed(BaseModel):
    """A hook as it is listed."""

    prefix: str
    provider: str
    name: str
    settings: dict[str, Any]
    created_at: str
    revoked_at: str | None


class HookList(BaseModel):
    """All of them."""

    data: list[HookListed]


class ImportAsked(BaseModel):
    """An import to be made, before its file is sent."""

    model_config = ConfigDict(extra="forbid")

    format: Format
    name: str = Field(default="", max_length=200, description="What you call it, such as the name of the file.")
    mapping: dict[str, Any] | str | None = Field(
        default=None,
        description="Where the parts of a touchpoint stand in a row; or the name of a ready one. Beside either, as"
        " `own` or `ready`, or beside neither: `zone`, `dates`, `decimals`, `currency` and `header`; beside a ready one"
        " `columns` too.",
    )
    dry_run: StrictBool = Field(default=False, description="Only say what would become of the rows.")


class RefusedRow(BaseModel):
    """A row that was refused, by its number in the file (the first row is 1)."""

    row: int
    id: str
    code: Code
    pointer: str
    detail: str


class Import(BaseModel):
    """An import and how far it is. The outcome of `rows` rows is durable."""

    id: str
    name: str
    format: Format
    dry_run: bool
    state: State
    detail: str = Field(description="What to do next, where it did not end well, or what to know of its rows.")
    rows: int
    accepted: int
    rejected: int
    skipped: int = Field(description="How many rows hold nothing that the mapping takes.")
    twins: int = Field(description="How many rows without an id of their own are equal to an earlier one and count.")
    missing: list[str] = Field(
        description="Columns that the mapping asks for and no row fills, once the file has ended."
    )
    timeless: int = Field(description="How many of the accepted have no time, and happen as they arrive.")
    early: int = Field(description="How many of them have a time that is later than now, and happen as they arrive.")
    same_as: str | None = Field(
        description="The import that took the same rows before, so that all were there already."
    )
    first: dict[str, Any] | None = Field(
        description="Of a dry run, as its answer alone tells it: the first touchpoint."
    )
    codes: dict[Code, int] = Field(description="How many rows were refused, by code.")
    refused: list[RefusedRow] = Field(description="The first hundred of them; all are at `GET /v1/rejected`.")
    created_at: str
    updated_at: str


class ReadyMapping(BaseModel):
    """A mapping that is there already."""

    name: str
    title: str


class ReadyMappingList(BaseModel):
    """All of them."""

    data: list[ReadyMapping]


class ImportList(BaseModel):
    """The latest of them."""

    data: list[Import]
