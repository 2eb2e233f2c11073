"""Reading JSON strictly: what msgspec refuses, and what it would let through, as refusals with a place and a code."""

import re
from typing import Any, Final, TypeVar

import msgspec

from services.ingest.domain import bounds
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols.scanning import depth_of, strings_of, without_strings
from shared.vocabulary import Code

_T = TypeVar("_T")

EMPTY: Final = msgspec.Raw(b"{}")

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_ANYTHING: Final = msgspec.json.Decoder()
_SHAPE: Final = bytes.maketrans(b"0123456789E[", b"0000000000e{")
_LONG_NUMBER: Final = b"0" * 19
_LARGE_EXPONENT: Final = b"0e000"
_CANONICAL: Final = msgspec.json.Encoder(order="deterministic")
_PLACE: Final = re.compile(r" - at `\$(.*)`$")
_BETTER: Final = {"Invalid decimal string": "an amount is a decimal number, such as 129.00"}
"""What the decoder says, in words that help."""

_INSTANT: Final = "an instant is a text such as 2026-11-25T18:00:00Z"
_MEANT: Final = {
    "/occurred_at": _INSTANT,
    "/sent_at": _INSTANT,
    "/identity": 'identity is an object such as {"user_id": "u-1", "email": "ann@example.com"}',
    "/page": 'a page is an object such as {"url": "https://shop.example/prices"}',
    "/consent": 'consent is an object such as {"analytics": "granted"}',
    "/value": 'money is an object such as {"amount": "129.00", "currency": "EUR"}',
}
"""What stands at a place of another type than it must have."""

_NEEDED: Final = {
    "/kind": 'kind is missing: say what happened, such as page_viewed; several items go as {"touchpoints": [...]}'
}
"""What is missing, where its name does not say enough."""

_CUT: Final = "truncated"
_MALFORMED: Final = re.compile(r"malformed: (.*) \(byte (\d+)\)")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_ABSENT: Final = re.compile(r"missing required field `([^`]+)`")
_NO_NUMBER: Final = re.compile(rb"\b(?:NaN|Infinity)\b")
_ESCAPED_UNIT: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u([0-9a-fA-F]{4})((?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?)")


def read_item(decoder: msgspec.json.Decoder[_T], item: bytes | msgspec.Raw, name: str, *, may_hold_nul: bool) -> _T:
    """An item of a request, which is called ``name``, by its protocol's decoder. Raises Refused."""
    try:
        said = decoder.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError) and bytes(item).lstrip()[:1] != b"{":
            raise Refused(Code.NOT_AN_OBJECT, "", f"{name} is an object") from None
        raise refused(error, bytes(item), "") from None
    if memoryview(item).nbytes > bounds.MAX_ITEM_BYTES:
        raise Refused(Code.TOO_LARGE, "", f"{name} has at most {bounds.MAX_ITEM_BYTES} bytes")
    if may_hold_nul:
        check_nul(bytes(item))
    return said


def read_object(raw: msgspec.Raw, pointer: str) -> dict[str, Any]:
    """The object in ``raw``, checked within bounds; empty for null. Raises Refused."""
    value = decoded_object(raw, pointer)
    bounds.check(value, pointer)
    return value


def decoded_object(raw: msgspec.Raw, pointer: str) -> dict[str, Any]:
    """The same before anybody looked at its bounds. Raises Refused."""
    if raw is EMPTY:
        return {}
    try:
        return _OBJECT.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if bytes(raw) == b"null":
            return {}
        raise refused(error, bytes(raw), pointer) from None


def passed_object(raw: msgspec.Raw, pointer: str) -> msgspec.Raw:
    """The object in ``raw`` as it is, once ``read_object`` would take it; empty when it is, or null. Raises Refused."""
    if raw is EMPTY:
        return EMPTY
    data = bytes(raw)
    if is_surely_good(data):
        return raw if data.find(b'"') > 0 else EMPTY
    return raw if read_object(raw, pointer) else EMPTY


def is_surely_good(data: bytes) -> bool:
    """Whether JSON that was passed over undecoded is an object that ``read_object`` takes, if that is easily seen.

    Passing over checks all but the encoding and the size of numbers. So ASCII with few brackets, no long row of digits
    and no digit before a large exponent, even in texts, is good. Decoding costs three times as much as looking.
    (``find``, because ``in`` tries a number first, which costs as much again.)
    """
    if not data.isascii():
        return False
    shape = data.translate(_SHAPE, b"+")
    return (
        data.startswith(b"{")
        and shape.count(b"{") <= bounds.MAX_DEPTH
        and shape.find(_LONG_NUMBER) < 0
        and shape.find(_LARGE_EXPONENT) < 0
    )


def read_loosely(item: bytes) -> dict[str, Any]:
    """The item as an object as far as it is one; empty when it is not JSON."""
    try:
        value = _ANYTHING.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def canonical(content: dict[str, Any], raw: bytes) -> bytes:
    """The content whatever the order and spacing it was written in; ``raw`` when it cannot be written again."""
    try:
        return _CANONICAL.encode(content) if content else raw
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return raw


def rewritten(content: dict[str, Any], raw: bytes) -> bytes:
    """The content in the order it has; ``raw`` when it cannot be written again."""
    try:
        return msgspec.json.encode(content)
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return raw


def check_nul(item: bytes) -> None:
    """Raise Refused when a text in the item holds an escaped NUL. Only for items that hold such an escape."""
    try:
        value = _ANYTHING.decode(item)
        bounds.check_text(value, "")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:  # in a field that nobody reads
        raise refused(error, item, "") from None


def refused(error: Exception, raw: bytes, prefix: str) -> Refused:
    """The refusal that an error of decoding ``raw``, which stands at ``prefix``, amounts to."""
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error), prefix)
    refusal = why_not_json(raw)
    return Refused(refusal.code, prefix, refusal.detail)


def why_not_json(raw: bytes) -> Refusal:
    """Why bytes that no decoder takes are not JSON."""
    if depth_of(raw) > bounds.MAX_DEPTH:
        return Refusal(Code.TOO_DEEP, "", f"objects and arrays are nested at most {bounds.MAX_DEPTH} deep")
    if _NO_NUMBER.search(without_strings(raw)):
        return Refusal(Code.NOT_FINITE, "", "JSON has no NaN and no Infinity")
    if _is_bad_text(raw):
        return Refusal(Code.INVALID_TEXT, "", "text is UTF-8, without lone surrogates")
    return Refusal(Code.NOT_JSON, "", f"this is not JSON{_fault_in(raw)}")


def _fault_in(raw: bytes) -> str:
    """What the decoder stumbles over, and where; never what stands there."""
    try:
        _ANYTHING.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        found = _MALFORMED.search(str(error))
        return f": {found[1]}, at byte {found[2]}" if found else ": it ends too early" if _CUT in str(error) else ""
    return ""


def _is_bad_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return any(_is_lone(unit, partner) for text in strings_of(raw) for unit, partner in _ESCAPED_UNIT.findall(text))


def _is_lone(unit: bytes, partner: bytes) -> bool:
    number = int(unit, 16)
    return 0xDC00 <= number <= 0xDFFF or (0xD800 <= number <= 0xDBFF and not partner)  # noqa: PLR2004 -- UTF-16


def _invalid(message: str, prefix: str) -> Refused:
    place = _PLACE.search(message)
    pointer = prefix + (_pointer(place[1]) if place else "")
    absent = _ABSENT.search(message)
    if absent:
        pointer += f"/{absent[1]}"
        return Refused(Code.MISSING, pointer, _NEEDED.get(pointer, f"{absent[1]} is missing"))
    if "out of range" in message:
        return Refused(Code.NOT_FINITE, pointer, "a number is finite")
    told = _PLACE.sub("", message).replace("`", "")
    return Refused(Code.WRONG_TYPE, pointer, _MEANT.get(pointer) or _BETTER.get(told, told))


def _pointer(path: str) -> str:
    return "".join(f"/{name or index}" for name, index in _STEP.findall(path) if index != "...")
