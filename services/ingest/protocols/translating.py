"""Protocols that say in other words what a native touchpoint says: an item is translated, then read as a native one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from services.ingest.domain import bounds
from services.ingest.domain.item_id import MAX_LENGTH, content_id
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import native
from services.ingest.protocols.outcome import About, Arrival, Outcome, Rejected, Sender
from services.ingest.protocols.reading import canonical, check_nul, read_loosely, read_object
from services.ingest.protocols.splitting import Item
from shared.vocabulary import WITHHELD, Code

_ESCAPED_NUL: Final = b"\\u0000"
_MAX_REMEMBERED: Final = 2_048


class Translated(NamedTuple):
    """A native touchpoint, as JSON values, and what a native one cannot say.

    ``places`` tells by the beginning of a pointer into the native touchpoint where in the item that stands. ``device``
    is its class where no user agent says it. ``is_anonymous`` when whoever sent the request must not be looked at.
    """

    native: dict[str, Any]
    places: Mapping[str, str]
    times: native.Times = native.UNTOLD
    device: str | None = None
    is_anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Translating:
    """The reader of such a protocol. Both functions take the item as an object.

    ``translate`` may raise Refused, with pointers into the item, whose values are within bounds. ``id_of`` never
    raises, whatever it is given; it is None where the item has no id and nothing that its retry would have too.
    """

    protocol: str
    translate: Callable[[dict[str, Any]], Translated]
    id_of: Callable[[dict[str, Any]], str | None]

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        raw = bytes(item)
        try:
            said = _object(raw, may_hold_nul=may_hold_nul)
            translated = self.translate(said)
        except Refused as why:
            return self._rejected(raw, why.refusal, arrival)
        if translated.is_anonymous:
            unseen = Sender(gpc=arrival.sender.gpc)
            arrival = msgspec.structs.replace(arrival, sender=unseen, about=About(terms=arrival.about.terms))
        body = msgspec.json.encode({**translated.native, "id": self.id_of(said) or arrival.make_id()})
        outcome = native.parse(body, arrival, may_hold_nul=_ESCAPED_NUL in body, times=translated.times)
        if isinstance(outcome, Rejected):
            return self._rejected(raw, _placed(outcome.refusal, translated.places), arrival)
        return msgspec.structs.replace(outcome, protocol=self.protocol, device=outcome.device or translated.device)

    def _rejected(self, raw: bytes, refusal: Refusal, arrival: Arrival) -> Rejected:
        said = read_loosely(raw)
        item_id = self.id_of(said) or arrival.make_id() if said else content_id(raw)
        return Rejected(item_id, refusal, b"" if refusal.code in WITHHELD else raw)


def id_by(value: Any) -> str | None:
    """The client's own id as an id here: hashed where it is longer than ids are. None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= MAX_LENGTH and "\0" not in value else content_id(value.encode("utf-8", "replace"))


def id_by_content(*parts: Any) -> str:
    """An id made of all that tells an item from others."""
    return content_id(canonical({"": parts}, b"") or repr(parts).encode("utf-8", "replace"))


def page_at(url: Any, title: Any = None, referrer: Any = None) -> dict[str, str]:
    """A page by its address, whose path most clients do not say apart; empty when nothing is said."""
    path = _path_of(url) if isinstance(url, str) else None
    said = {"url": url, "path": path, "title": title, "referrer": referrer}
    return {name: text for name, text in said.items() if isinstance(text, str) and text}


def _path_of(url: str) -> str | None:
    return _path_in(url) if len(url) > _MAX_REMEMBERED else _remembered_path(url)


def _path_in(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return (parts.path or "/") if parts.netloc else None


_remembered_path = lru_cache(maxsize=4096)(_path_in)


def _object(raw: bytes, *, may_hold_nul: bool) -> dict[str, Any]:
    try:
        said = read_object(msgspec.Raw(raw), "")
    except Refused as outcome:
        if outcome.refusal.code is Code.WRONG_TYPE:
            raise Refused(Code.NOT_AN_OBJECT, "", "an event is an object") from None
        raise
    if len(raw) > bounds.MAX_ITEM_BYTES:
        raise Refused(Code.TOO_LARGE, "", f"an event has at most {bounds.MAX_ITEM_BYTES} bytes")
    if may_hold_nul and _ESCAPED_NUL in raw:
        check_nul(raw)
    return said


def _placed(refusal: Refusal, places: Mapping[str, str]) -> Refusal:
    """The refusal with its pointer into the item; into the whole of it where nobody says where that stands."""
    pointer = refusal.pointer
    for begin in sorted(places, key=len, reverse=True):
        if pointer == begin or pointer.startswith(f"{begin}/"):
            return Refusal(refusal.code, places[begin] + pointer[len(begin) :], refusal.detail)
    return Refusal(refusal.code, "", refusal.detail)
