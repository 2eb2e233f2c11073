"""Snowplow's events, as trackers post them or write them into an address: flat objects of texts, to touchpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.arrival import campaign_of
from services.ingest.protocols.native import UNTOLD, Identity, Said, Times
from services.ingest.protocols.outcome import About, Arrival, Sender
from services.ingest.protocols.reading import read_loosely, rewritten
from services.ingest.protocols.snowplow_events import Happened, happened
from services.ingest.protocols.snowplow_schemas import entities_in, grouped
from services.ingest.protocols.translating import Translated, Translating, id_by, id_by_content, page_at, read_of
from shared.contracts.touchpoint import Campaign, Page
from shared.vocabulary import Code

PROTOCOL: Final = "snowplow"
NOBODY_ID: Final = "00000000-0000-0000-0000-000000000000"
"""The network id of whoever asks (``SP-Anonymous``) not to be told from others."""
REDIRECTING: Final = "r-tp2"
"""The tracker version of links that lead elsewhere."""

_MILLISECOND: Final = 1_000
_MAX_INSTANT: Final = 253_402_300_800_000  # the year 10000, in milliseconds
_MAX_DIGITS: Final = 15
_DEVICES: Final = {"mob": "mobile", "tv": "tv"}
_CONTEXT: Final = {
    "aid": "app_id",
    "p": "platform",
    "tv": "tracker_version",
    "tna": "tracker_namespace",
    "sid": "session_id",
    "vid": "session_index",
    "res": "screen",
    "vp": "viewport",
    "ds": "document",
    "ua": "user_agent",
    "lang": "locale",
    "tz": "time_zone",
}
_PLACES: Final = {
    "/kind": "/e",
    "/id": "/eid",
    "/occurred_at": "/dtm",
    "/sent_at": "/stm",
    "/identity/user_id": "/uid",
    "/identity/anonymous_id": "/duid",
}
_TEXTS: Final = frozenset({str})
_OF_THE_SENDING: Final = frozenset({"stm", "nuid"})
"""What differs between an event and its retry."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around the events of a request: the address's parameters, which win over what an event says, and
    what holds where it says nothing. ``write_key`` is an app id that is none."""

    query: Mapping[str, str] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    write_key: str = ""

    def completed(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """An event that says by itself all there is to say."""
        whole = {**self.otherwise, **said, **self.query}
        if self.write_key and whole.get("aid") == self.write_key:
            del whole["aid"]
        return whole

    @property
    def size(self) -> int:
        """In bytes, about."""
        return sum(map(len, self._texts()))

    def holds_nul(self) -> bool:
        """Whether a text in it does."""
        return any("\0" in text for text in self._texts())

    def _texts(self) -> tuple[str, ...]:
        return (*self.query, *self.query.values(), *self.otherwise.values())


def reader(around: Around) -> Translating:
    """The reader of the events of a request."""

    def alone(item: bytes) -> bytes:
        said = read_loosely(item)
        return rewritten(around.completed(said), item) if said or item.strip() == b"{}" else item

    return Translating(PROTOCOL, _translated, _places, _id_of, around.completed, alone, around.size)


def _translated(said: dict[str, Any], size: int, arrival: Arrival) -> Translated:
    fields = _fields(said)
    entities = grouped(entities_in(fields)[0])
    event = happened(fields, entities)
    is_anonymous = fields.get("nuid") == NOBODY_ID
    if is_anonymous:
        unseen = Sender(gpc=arrival.sender.gpc)
        arrival = msgspec.structs.replace(arrival, sender=unseen, about=About(terms=arrival.about.terms))
    read = read_of(
        PROTOCOL,
        arrival,
        size,
        identity=_identity(fields, entities, event, is_anonymous=is_anonymous),
        context=_context(fields, entities, is_anonymous=is_anonymous),
        properties=event.properties,
        value=event.value,
        times=_times(fields),
        device=_DEVICES.get(fields.get("p", "")),
    )
    ours = Said(
        event.kind,
        campaign=_campaign_of_target(fields, event, entities),
        page=page_at(fields.get("url"), fields.get("page"), fields.get("refr")),
    )
    return Translated(ours, read, _id_of(said))


def _places(said: dict[str, Any]) -> Mapping[str, str]:
    fields = _fields(said)
    event = happened(fields, grouped(entities_in(fields)[0]))
    return {**_PLACES, "/kind": event.pointer, "/properties": event.inside}


def _id_of(said: dict[str, Any]) -> str | None:
    named = id_by(said.get("eid"))
    if named or not (said.get("dtm") or said.get("ttm")):
        return named
    return id_by_content({name: value for name, value in said.items() if name not in _OF_THE_SENDING})


READER: Final = Translating(PROTOCOL, _translated, _places, _id_of)


def _fields(said: dict[str, Any]) -> dict[str, str]:
    """The fields that are not empty. Raises Refused for a value that is no text, and for a key beside that of the
    request: an event of another key is not of this workspace."""
    if not _TEXTS.issuperset(map(type, said.values())):
        name = next(name for name, value in said.items() if not isinstance(value, str))
        pointer = name.replace("~", "~0").replace("/", "~1")
        raise Refused(Code.WRONG_TYPE, f"/{pointer}", "every value of a Snowplow event is text")
    fields = said if all(said.values()) else {name: value for name, value in said.items() if value}
    if fields.get("aid", "").startswith("tw_"):
        raise Refused(Code.UNKNOWN_VALUE, "/aid", "all events of a request are of one write key")
    return fields


def _times(fields: Mapping[str, str]) -> Times:
    """The true time; else both of the device's, by which its clock is corrected; else none, and arrival counts."""
    true = _instant(fields.get("ttm"), "/ttm")
    if true is not None:
        return true, None
    created = _instant(fields.get("dtm"), "/dtm")
    try:
        sent = _instant(fields.get("stm"), "/stm")
    except Refused:  # it only corrects a clock
        sent = None
    if created is None or sent is None or created >= sent:
        return UNTOLD
    return created, sent


def _instant(text: str | None, pointer: str) -> int | None:
    """Microseconds of milliseconds since 1970. Raises Refused."""
    if text is None:
        return None
    milliseconds = int(text) if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS else _MAX_INSTANT
    if milliseconds >= _MAX_INSTANT:
        raise Refused(Code.INVALID_INSTANT, pointer, "a time is a whole number of milliseconds since 1970, as text")
    return milliseconds * _MILLISECOND


def _identity(
    fields: Mapping[str, str], entities: Mapping[str, Any], event: Happened, *, is_anonymous: bool
) -> Identity:
    """The person's ids: the first-party cookie before the collector's, before what a mobile tracker calls user."""
    device = fields.get("duid")
    if device is None:
        session = entities.get("client_session")
        device = session.get("userId") if isinstance(session, dict) else None
    if not isinstance(device, str) or not device:
        device = None if is_anonymous else fields.get("tnuid") or fields.get("nuid")
    identity = Identity(device, fields.get("uid"))
    if event.contact:
        email, phone = event.contact.get("email"), event.contact.get("phone")
        identity.email = email if isinstance(email, str) and email else None
        identity.phone = phone if isinstance(phone, str) and phone else None
    return identity


def _campaign_of_target(fields: Mapping[str, str], event: Happened, entities: Mapping[str, Any]) -> Campaign | None:
    """Of a link that leads elsewhere, what the address it leads to says: there is no page yet."""
    if fields.get("tv") != REDIRECTING:
        return None
    beside = entities.get("uri_redirect")
    uri = event.properties.get("uri") or (beside.get("uri") if isinstance(beside, dict) else None)
    return campaign_of(None, Page(url=uri)) if isinstance(uri, str) else None


def _context(fields: Mapping[str, str], entities: Mapping[str, Any], *, is_anonymous: bool) -> dict[str, Any]:
    context: dict[str, Any] = {ours: fields[theirs] for theirs, ours in _CONTEXT.items() if theirs in fields}
    if "ip" in fields and not is_anonymous:
        context["ip"] = fields["ip"].partition(",")[0].strip()
    if entities:
        context["entities"] = entities
    return context
