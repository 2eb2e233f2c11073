"""Protocols that say in other words what a native touchpoint says: an item is translated, then taken as such."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from services.ingest.domain import bounds
from services.ingest.domain.item_id import MAX_LENGTH, content_id
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols import keeping, native
from services.ingest.protocols.arrival import kept_address, native_told, surroundings
from services.ingest.protocols.outcome import Arrival, Outcome, Rejected
from services.ingest.protocols.reading import EMPTY, canonical, decoded_object, read_loosely, read_object
from services.ingest.protocols.splitting import Item
from shared.contracts.touchpoint import Money, Page
from shared.vocabulary import Code

_ESCAPED_NUL: Final = b"\\u0000"
_MAX_REMEMBERED: Final = 2_048
_T = TypeVar("_T")


class Translated(NamedTuple):
    """A touchpoint in our words, and the item's own id if it has one."""

    said: native.Said
    read: native.Read
    item_id: str | None


def itself(item: _T) -> _T:
    """An item that says by itself all there is to say."""
    return item


@dataclass(frozen=True, slots=True)
class Translating:
    """The reader of such a protocol.

    ``translate`` takes the item as an object within bounds, its size in bytes and its arrival, and may raise Refused.
    ``places`` tells by the beginning of a pointer into the touchpoint where in a translated item that stands.
    ``id_of`` takes any object and never raises; it is None where the item has no id and nothing that its retry would
    have too. What is kept of a refused item can be read again alone: ``alone`` makes it say itself what its request
    said for it, in ``around`` more bytes, and puts it at the pointer ``at``. ``completed`` does the same to an object,
    before it is translated.
    """

    protocol: str
    translate: Callable[[dict[str, Any], int, Arrival], Translated]
    places: Callable[[dict[str, Any]], Mapping[str, str]]
    id_of: Callable[[dict[str, Any]], str | None]
    completed: Callable[[dict[str, Any]], dict[str, Any]] = itself
    alone: Callable[[bytes], bytes] = itself
    around: int = 0
    at: str = ""

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        raw = bytes(item)
        size = len(raw) + self.around
        try:
            said = self.completed(_object(raw, size, self.at))
            bounds.check(said, self.at)
            if may_hold_nul:
                bounds.check_text(said, self.at)
            ours, read, item_id = self.translate(said, size, arrival)
        except Refused as why:
            return self._rejected(raw, why.refusal, arrival)
        try:
            return native.touchpoint(ours, item_id or arrival.make_id(), read, arrival)
        except Refused as why:
            return self._rejected(raw, placed(why.refusal, self.places(said)), arrival)

    def _rejected(self, raw: bytes, refusal: Refusal, arrival: Arrival) -> Rejected:
        kept = self.alone(raw)
        said = read_loosely(kept)
        item_id = self.id_of(said) or arrival.make_id() if said else content_id(kept)
        return keeping.refused(item_id, kept, refusal)


def read_of(  # noqa: PLR0913 -- the parts of a touchpoint, each read in its protocol's own way
    protocol: str,
    arrival: Arrival,
    size: int,
    *,
    identity: native.Identity,
    context: dict[str, Any],
    properties: Mapping[str, Any],
    value: Money | None = None,
    times: native.Times = native.UNTOLD,
    device: str | None = None,
) -> native.Read:
    """The parts of an item of so many bytes, of values within bounds. Of an address there is as much as may be kept."""
    where = surroundings(native_told(context), arrival)
    if context.get("ip") is not None:
        context["ip"] = kept_address(context["ip"], arrival.about.terms)
    as_sent = msgspec.Raw(msgspec.json.encode(identity))
    kept, own = _written(context), _written(properties)
    return native.Read(identity, as_sent, where, kept, own, value, times, size, protocol, device)


def read_inside(raw: bytes, pointer: str) -> dict[str, Any]:
    """The object in JSON that stood in a text of an item. Raises Refused."""
    said = read_object(msgspec.Raw(raw), pointer)
    if _ESCAPED_NUL in raw:
        bounds.check_text(said, pointer)
    return said


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


def page_at(url: Any, title: Any = None, referrer: Any = None) -> Page | None:
    """A page by its address, whose path most clients do not say apart; None when nothing is said."""
    url, title, referrer = [text if isinstance(text, str) and text else None for text in (url, title, referrer)]
    if url or title or referrer:
        return Page(url, _path_of(url) if url else None, title, referrer)
    return None


def _path_of(url: str) -> str | None:
    return _path_in(url) if len(url) > _MAX_REMEMBERED else _remembered_path(url)


def _path_in(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return (parts.path or "/") if parts.netloc else None


_remembered_path = lru_cache(maxsize=4096)(_path_in)


def _object(raw: bytes, size: int, at: str) -> dict[str, Any]:
    try:
        said = decoded_object(msgspec.Raw(raw), at)
    except Refused as outcome:
        why = outcome.refusal
        if why.code is not Code.WRONG_TYPE:  # what is not JSON here is not JSON as a whole
            raise Refused(why.code, "" if why.pointer == at else why.pointer, why.detail) from None
        said = {}
    if not said and not raw.lstrip().startswith(b"{"):
        raise Refused(Code.NOT_AN_OBJECT, at, "an event is an object")
    if size > bounds.MAX_ITEM_BYTES:
        raise Refused(Code.TOO_LARGE, "", f"an event has at most {bounds.MAX_ITEM_BYTES} bytes")
    return said


def _written(content: Mapping[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content)) if content else EMPTY


def placed(refusal: Refusal, places: Mapping[str, str]) -> Refusal:
    """The refusal with its pointer into the item; into the whole of it where nobody says where that stands."""
    pointer = refusal.pointer
    for begin in sorted(places, key=len, reverse=True):
        if pointer == begin or pointer.startswith(f"{begin}/"):
            return Refusal(refusal.code, places[begin] + pointer[len(begin) :], refusal.detail)
    return Refusal(refusal.code, "", refusal.detail)
