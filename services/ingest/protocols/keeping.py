"""How much may be kept of what somebody wants nothing kept of, or may want nothing kept of (decision 0045).

Who denies analytics has nothing kept but the decision itself, where a touchpoint tells one: whatever else is at fault
is withheld, and its fault is not told. What is refused is looked through before it is kept, in the words of all
protocols at once: it need not be exact, as it only makes less of it.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.ingest.domain import consent
from services.ingest.domain.channel import SAID
from services.ingest.domain.misspelt import misspelt
from services.ingest.domain.refusal import Refusal
from services.ingest.protocols.arrival import decision_of
from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.reading import read_loosely, rewritten
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import WITHHELD, Code

_MENTIONS: Final = (b"onsent", b"tcf", b"tcString", b"tc_string", b"_base64", b"\\u")
"""Without any of these nothing is said of consent. (An escape may hide a letter of them.)"""

_DENIAL: Final = re.compile(rb"consent[^}]{0,500}?(?:denied|false)", re.IGNORECASE)
"""What looks like one in bytes that are no JSON."""

_NO_OBJECT: Final = frozenset({"/consent", "/data/consent", "/data_base64/consent"})
"""Refused for these, consent is nothing that has words for purposes."""

_COLUMN: Final = f"consent.{consent.ANALYTICS}"
"""In a row of a file."""

_PARTS: Final = ("context", "properties", "data")
_CONSENT: Final = frozenset(
    {"consent", "consentManagement", "gpc", "tcf", "tcString", "tc_string", "tcfConsent", "gdpr_consent"}
)
_KEYS: Final = frozenset(
    {"identity", "previous", "user_id", "userId", "anonymous_id", "anonymousId", "previousId", "client_id"}
    | {"app_instance_id", "distinct_id", "$distinct_id", "$anon_distinct_id", "$device_id", "email", "phone"}
)
_EVENT: Final = frozenset(
    {"id", "messageId", "uuid", "$insert_id", "kind", "type", "event", "source", "specversion"}
    | {"occurred_at", "sent_at", "timestamp", "originalTimestamp", "sentAt", "time", "offset"}
)
_ANYTHING: Final = msgspec.json.Decoder()
_WITHHELD: Final = Refusal(Code.CONSENT_DENIED, "", "consent to analytics is denied, so nothing is kept")


def of_decision(touchpoint: Touchpoint) -> Touchpoint:
    """A touchpoint as it may be kept. Of one that denies analytics: whose decision it is, when and by which channel it
    was told, and what it says; of any other all.

    Such a one passes the door only if it is a decision, which the fold must know in order to obey it.
    """
    if touchpoint.consent.get(consent.ANALYTICS) != consent.DENIED:
        return touchpoint
    channel, rule = touchpoint.channel, touchpoint.channel_rule
    if rule != SAID:
        channel, rule = decision_of(None, None, touchpoint.kind)
    return Touchpoint(
        workspace=touchpoint.workspace,
        id=touchpoint.id,
        kind=touchpoint.kind,
        channel=channel,
        occurred_at=touchpoint.occurred_at,
        received_at=touchpoint.received_at,
        keys=touchpoint.keys,
        previous=touchpoint.previous,
        sent_at=touchpoint.sent_at,
        protocol=touchpoint.protocol,
        consent=touchpoint.consent,
        channel_rule=rule,
        marks=touchpoint.marks,
    )


def refused(item_id: str, payload: bytes, why: Refusal) -> Rejected:
    """The item refused, with as much of it as may be kept.

    One that denies analytics and tells no decision is withheld, whatever else is wrong with it.
    """
    kept = of_refused(payload, why)
    is_withheld = not kept and why.code not in WITHHELD and _is_withheld(payload)
    return Rejected(item_id, _WITHHELD if is_withheld else why, kept)


def mapped(item_id: str, payload: bytes, why: Refusal, told: Mapping[str, Any], kind: Any) -> Rejected:
    """The same of an item of which only its mapping knows what it says: ``told`` of consent, and its kind if any.

    Less than the whole is not to be had, so that it is kept whole or not at all.
    """
    if consent.denies_analytics(told):
        return Rejected(item_id, why if _is_named_consent(kind) else _WITHHELD, b"")
    return Rejected(item_id, why, b"" if consent.is_unclear(told) else payload)


def of_refused(payload: bytes, why: Refusal) -> bytes:
    """As much of a refused item, or of a body refused whole, as may be kept.

    Nothing of what is withheld, and of what denies analytics and is no decision. Where consent cannot be read, and of
    a decision: what a repair needs to read it. All of anything else.
    """
    if why.code in WITHHELD:
        return b""
    if why.code != Code.UNKNOWN_FIELD and all(payload.find(name) < 0 for name in _MENTIONS):
        return payload
    try:
        said = _ANYTHING.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return b"" if _DENIAL.search(payload) else payload
    return _of_value(said, payload, why)


def _is_withheld(payload: bytes) -> bool:
    """Whether an item of which nothing is kept is so because it denies. (Its decision may stand in the list around.)"""
    said = read_loosely(payload)
    if not _is_denied(said) or _is_decision(said):
        return False
    return not any(_is_named_consent(event.get("name")) for event in _inside(said))


def _of_value(said: Any, payload: bytes, why: Refusal) -> bytes:
    if any(_is_denied(item) or _is_unclear(item, why) for item in _inside(said)):
        return b""
    if not isinstance(said, dict):
        return payload
    is_denied = _is_denied(said)
    if is_denied and not _is_decision(said):
        return b""
    is_less = is_denied or _is_unclear(said, why)
    named = _EVENT | _KEYS | _CONSENT | _misspelt(said, why)
    return rewritten(_decision(said, named), b"") if is_less else payload


def _inside(said: Any) -> list[dict[str, Any]]:
    """The items of a whole body."""
    lists = [said] if isinstance(said, list) else [*said.values()] if isinstance(said, dict) else []
    return [item for one in lists if isinstance(one, list) for item in one if isinstance(item, dict)]


def _is_denied(said: Mapping[str, Any]) -> bool:
    return consent.word_of(said.get(_COLUMN)) == consent.DENIED or any(map(_denies, _places(said)))


def _denies(place: Mapping[str, Any]) -> bool:
    told = place.get("consent")
    if isinstance(told, dict) and consent.denies_analytics(told):
        return True
    return consent.from_context(place).said.get(consent.ANALYTICS) == consent.DENIED


def _is_unclear(said: Mapping[str, Any], why: Refusal) -> bool:
    """Whether a touchpoint in our own words says what is no word, for which it is or would be refused.

    In the words of others that is left out when it is taken, so it makes nothing less of what is refused either.
    """
    told = _place(said).get("consent")
    if (isinstance(told, dict) and consent.is_unclear(told)) or _misspelt(said, why):
        return True
    return why.pointer in _NO_OBJECT or (_COLUMN in said and consent.word_of(said[_COLUMN]) is None)


def _misspelt(said: Mapping[str, Any], why: Refusal) -> frozenset[str]:
    """The name that is nearly consent, of an item that is refused for such names: whatever it says is not read."""
    found = misspelt(_place(said), ("consent",), frozenset({"consent"})) if why.code == Code.UNKNOWN_FIELD else None
    return frozenset(() if found is None else {found[0]})


def _place(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a touchpoint in our own words stands."""
    data = said.get("data")
    return data if isinstance(data, dict) and "kind" in data else said


def _places(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where an item of any protocol tells consent: at its top, in its context, properties or data, and in that data."""
    yield said
    for name in _PARTS:
        if isinstance(part := said.get(name), dict):
            yield part
            if name == "data" and isinstance(inner := part.get("context"), dict):
                yield inner
    if isinstance(coded := said.get("data_base64"), str):
        yield from _places({"data": _decoded(coded)})


def _decoded(coded: str) -> Any:
    try:
        return _ANYTHING.decode(base64.b64decode(coded))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _is_decision(said: Mapping[str, Any]) -> bool:
    """Whether what happened is called after consent. The reader would ask more; this keeps a decision to be mended."""
    data = said.get("data")
    inner = data.get("kind") if isinstance(data, dict) else None
    return any(map(_is_named_consent, [said.get("kind"), said.get("event"), said.get("type"), inner]))


def _is_named_consent(name: Any) -> bool:
    return isinstance(name, str) and "consent" in name.lower()


def _decision(said: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Who decided what and when, in the words it was said in."""
    kept = {name: value for name, value in said.items() if name in names or name.startswith(("consent.", "external."))}
    for name in (*_PARTS, "traits"):
        if isinstance(part := said.get(name), dict):
            inner = _decision(part, names if name == "data" else _KEYS | _CONSENT)
            kept |= {name: inner} if inner else {}
    return kept
