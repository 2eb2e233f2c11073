"""Whether two touchpoints of one id are one thing told twice, or two things of which one has taken the other's id.

Compared is what the sender said and what a retry says again: the kind, the person, a previous key, the value, the
traits and the properties. Not compared is what the door adds or what may be another the next time: instants, context,
consent, campaign, page, country, channel, marks. A false alarm is worse than a miss, so of the person the same
identity as sent or the same keys are enough, and these keys count for nothing: telephone numbers, which are read by the
country of the address they came from, and device ids of Snowplow, which a browser without a cookie gets anew each time.
"""

import hashlib
from typing import Any, Final

import msgspec

from services.scoring.domain.touchpoint import Money
from shared.identity_key import rank
from shared.vocabulary import KEY_RANKS, KeyType

_IMPORTED: Final = "import"
_ABSORBING: Final = frozenset({"ga4", _IMPORTED})
"""Protocols whose ids are meant to take in what is told otherwise: an order is one purchase whoever tells it, and a
record of an export, or a row, is what it was when it was first imported."""

_OWN: Final = "import.own"
"""Of rows whose id is the file's own: two files may number their rows alike. Those stored before there was this word
say ``import``, and take nothing in that comes with it."""

_PHONE: Final = frozenset({KEY_RANKS[KeyType.PHONE]})
_FLEETING: Final = {"snowplow": _PHONE | {KEY_RANKS[KeyType.ANONYMOUS_ID]}}
"""Ranks of keys that a retry may have others of, by protocol."""

_MOVING: Final = (b'"phone"', b'"click"')
"""What says one of these may have had another strand: a number is read by country, and the token of a click expires."""

_DIGEST_BYTES: Final = 8
_NOTHING: Final = msgspec.Raw(b"{}")


class Said(msgspec.Struct, frozen=True):
    """What the sender said, read from a record's bytes."""

    kind: str
    keys: tuple[str, ...]
    previous: str | None = None
    protocol: str = "native"
    value: Money | None = None
    traits: dict[str, Any] = {}
    identity: msgspec.Raw = _NOTHING
    properties: msgspec.Raw = _NOTHING


_SAID: Final = msgspec.json.Decoder(Said)
_ANY: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def read(body: bytes) -> Said:
    """What the record of a touchpoint says."""
    return _SAID.decode(body)


def differences(first: Said, second: Said) -> tuple[str, ...]:
    """In which words two touchpoints of one id contradict each other; in none when the second is the first again."""
    if _absorbs(first.protocol, second.protocol):
        return ()
    told = {
        "kind": first.kind == second.kind,
        "identity": _is_one_person(first, second),
        "previous": first.previous == second.previous,
        "value": first.value == second.value,
        "traits": first.traits == second.traits,
        "properties": _is_equal(first.properties, second.properties),
    }
    return tuple(name for name, is_same in told.items() if not is_same)


def is_of_another(said: Said, body: bytes) -> bool:
    """Whether a touchpoint that has another strand than the first of its id must have been said of somebody else."""
    if said.protocol in _ABSORBING or rank(said.keys[0]) in _fleeting(said):
        return False
    return not any(name in body for name in _MOVING)


def fingerprint(said: Said, secret: bytes) -> str:
    """The same for a touchpoint and its retry, as text."""
    content = (said.kind, sorted(_lasting(said)), said.previous, said.value, said.traits, _value(said.properties))
    keyed = hashlib.blake2b(_ENCODER.encode(content), digest_size=_DIGEST_BYTES, key=secret[:64], person=b"tragt-twin")
    return keyed.hexdigest()


def _absorbs(first: str, second: str) -> bool:
    return not _ABSORBING.isdisjoint((first, second)) and (first, second) != (_IMPORTED, _OWN)


def _is_one_person(first: Said, second: Said) -> bool:
    if first.identity != _NOTHING and _is_equal(first.identity, second.identity):
        return True
    return _lasting(first) == _lasting(second)


def _lasting(said: Said) -> set[str]:
    fleeting = _fleeting(said)
    return {key for key in said.keys if rank(key) not in fleeting}


def _fleeting(said: Said) -> frozenset[int]:
    return _FLEETING.get(said.protocol, _PHONE)


def _is_equal(one: msgspec.Raw, other: msgspec.Raw) -> bool:
    return one == other or bool(_value(one) == _value(other))


def _value(raw: msgspec.Raw) -> Any:
    return _ANY.decode(raw)
