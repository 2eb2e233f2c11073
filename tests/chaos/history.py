"""What is sent: many small neighbourhoods of people who share devices, addresses and records, from one seed.

Every good item exists twice: as it is posted to the door, and as the message the reference reads.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared import identity_key
from shared.clock import to_text
from tests.reference import histories
from tests.reference.histories import Scale, Step
from tests.reference.message import DAY, Message

_NEIGHBOURS: Final = 3
STEPS_OF_NEIGHBOURHOOD: Final = 10
"""Touchpoints of one neighbourhood."""
_MAKERS: Final = len(histories._MAKERS)
_MARKED_AGENT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
"""What makes the door mark an item as the reference's message is marked."""
_SAME: Final = ("page", "campaign", "value", "properties", "traits", "consent")
"""What an item says in the message's own words."""

_NOT_OF_DECISION: Final = frozenset({"campaign", "device"})
"""What the door keeps nothing of where somebody denies analytics."""

_BAD: Final[Sequence[dict[str, Any]]] = (
    {"kind": "page_viewed"},
    {"kind": "page_viewed", "identity": {"user_id": "null"}},
    {"kind": 7, "identity": {"user_id": "u"}},
    {"kind": "page_viewed", "identity": {"user_id": "u"}, "occurred_at": "yesterday"},
    {"kind": "page_viewed", "identity": {"user_id": "u"}, "occurred_at": "+300000-01-01T00:00:00Z"},
    {"kind": "page_viewed", "identity": {"user_id": "u"}, "traits": []},
    {"kind": "page viewed!", "identity": {"user_id": "u"}},
    {"kind": "page_viewed", "identity": {"user_id": "u"}, "properties": {"text": "a\x00b"}},
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One item to send. ``message`` is None for an item that must be refused."""

    id: str
    item: dict[str, Any]
    message: Message | None


def generate(seed: int, good: int, bad: int, now: int) -> list[Sent]:
    """Good and bad items in a random order of arrival, reaching about two months back from ``now``."""
    rng = random.Random(seed)
    scale = Scale(tick=DAY // 4, ticks=240)
    shift = now - DAY - (scale.start + scale.tick * scale.ticks)
    sent = [_good(place, rng, scale, shift) for place in range(good)]
    sent += [_bad(place, rng) for place in range(bad)]
    # Mostly in order, some of it late, some of it very late.
    keyed = [(_arrival(one, rng), place) for place, one in enumerate(sent)]
    return [sent[place] for _, place in sorted(keyed)]


def _good(place: int, rng: random.Random, scale: Scale, shift: int) -> Sent:
    block = place // STEPS_OF_NEIGHBOURHOOD * _NEIGHBOURS
    step = _step(block, rng)
    while not _is_postable(made := histories.message(place, step, scale)):
        step = _step(block, rng)
    at = made["occurred_at"] + shift
    message = {**made, "id": f"c{place:06d}", "occurred_at": at, "received_at": at, "keys": _dialled(made["keys"])}
    if "previous" in made:
        (message["previous"],) = _dialled([made["previous"]])
    item = _posted(message, step)
    if "marks" in made:
        message["device"] = "bot"
    if message.get("consent", {}).get("analytics") == "denied":
        message = {name: value for name, value in message.items() if name not in _NOT_OF_DECISION}
    return Sent(message["id"], item, message)


def _is_postable(message: Message) -> bool:
    """The door takes one anonymous id a touchpoint, and aliases between user ids only."""
    devices = sum(key.startswith("1") for key in message["keys"])
    return devices <= 1 and (message["kind"] != "aliased" or str(message["previous"]).startswith("5"))


def _dialled(keys: Sequence[str]) -> list[str]:
    """The reference's short phone numbers as numbers that exist."""
    return [f"3phone:+35840{key[15:]:0>7}" if key.startswith("3phone:+3580000") else key for key in keys]


def _step(block: int, rng: random.Random) -> Step:
    return Step(
        make=rng.randrange(_MAKERS),
        person=block + rng.randrange(_NEIGHBOURS),
        other=block + rng.randrange(_NEIGHBOURS),
        tick=rng.randrange(1_000_000),
        fraction=rng.randrange(6),
        variant=rng.randrange(12),
    )


def _posted(message: Message, step: Step) -> dict[str, Any]:
    addresses = {
        histories.email(person, which): f"p{person}.{which}@example.com"
        for person in (step.person, step.other)
        for which in (0, 1)
    }
    item: dict[str, Any] = {
        "id": message["id"],
        "kind": message["kind"],
        "channel": message["channel"],
        "occurred_at": to_text(message["occurred_at"]),
        "identity": _identity(message["keys"], addresses),
    }
    item |= {name: message[name] for name in _SAME if name in message}
    if "previous" in message:
        item["previous"] = _identity([message["previous"]], addresses)
    if "marks" in message:
        item["context"] = {"user_agent": _MARKED_AGENT}
    return item


def _identity(keys: Sequence[str], addresses: dict[str, str]) -> dict[str, Any]:
    identity: dict[str, Any] = {}
    for key in keys:
        name, value = identity_key.type_name(key), identity_key.value(key)
        if name.startswith("external."):
            identity.setdefault("external", {})[name.removeprefix("external.")] = value
        elif name == "email":
            address = addresses[key]
            if "email" in identity:
                identity["email_sha256"] = hashlib.sha256(address.encode()).hexdigest()
            else:
                identity["email"] = address
        else:
            identity[name] = value
    return identity


def _bad(place: int, rng: random.Random) -> Sent:
    return Sent(f"bad{place:05d}", {"id": f"bad{place:05d}", **rng.choice(_BAD)}, None)


def _arrival(one: Sent, rng: random.Random) -> float:
    if one.message is None:
        return rng.random()
    place = int(one.message["occurred_at"]) % (60 * DAY) / (60 * DAY)
    lateness = rng.choice((0.0, 0.0, 0.0, 0.02, 0.3, 1.0))
    return place + lateness * rng.random()
