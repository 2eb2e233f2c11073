"""A request's body to its items: at once when all of it is JSON, piece by piece when some of it is not."""

from typing import Any, Final

import msgspec

from services.ingest.domain.refusal import Refusal
from services.ingest.protocols.scanning import split_array, split_lines
from shared.vocabulary import Code

Item = bytes | msgspec.Raw


class Split(msgspec.Struct, frozen=True):
    """The items of a request, or why it is refused whole; with what is to be kept of it then as the one item.

    ``may_hold_nul`` says that a text in it holds an escaped NUL, or looks as if it did.
    """

    items: list[Item] = []
    refusal: Refusal | None = None
    may_hold_nul: bool = False


class _Native(msgspec.Struct):
    touchpoints: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


_NATIVE: Final = msgspec.json.Decoder(_Native)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
FAULTS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding bytes that are not the JSON one hoped for may raise."""


def split_native(body: bytes, max_items: int) -> Split:
    """``{"touchpoints": [...]}``, an array, one bare touchpoint, or one touchpoint a line."""
    begin = body.lstrip()[:1]
    try:
        items: list[Any] | msgspec.UnsetType
        items = _ARRAY.decode(body) if begin == b"[" else _NATIVE.decode(body).touchpoints
    except msgspec.ValidationError:
        return not_a_list(body, begin == b"{", "/touchpoints")
    except FAULTS:
        array = split_array(body, b"touchpoints")
        items = split_lines(body) or (array.items if array else None) or [body]
    return counted([body] if isinstance(items, msgspec.UnsetType) else items, body, max_items, "/touchpoints")


def counted(items: list[Any], body: bytes, max_items: int, pointer: str) -> Split:
    """The items, unless there are none or too many."""
    if not items or not body.strip():
        return Split(refusal=Refusal(Code.EMPTY_BATCH, pointer, "there is nothing in it"))
    if len(items) > max_items:
        detail = f"a request takes at most {max_items} items, not {len(items)}; send them in several"
        return Split(refusal=Refusal(Code.TOO_MANY_ITEMS, pointer, detail))
    return Split(items, may_hold_nul=b"\\" in body and b"\\u0000" in body)


def not_a_list(body: bytes, is_object: bool, pointer: str) -> Split:
    """A body that is JSON, but neither a list of items nor what holds one."""
    if is_object:
        return Split([body], Refusal(Code.WRONG_TYPE, pointer, "this is a list of items"))
    return Split([body], Refusal(Code.NOT_AN_OBJECT, "", "send an object, a list of objects, or one object a line"))
