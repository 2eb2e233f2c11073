"""Random histories of touchpoints, as messages ready for the log: people over several strands, merges, splits, timers.

Every history is made from a list of small steps, so that a failing one shrinks to a few of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from shared.identity_key import email_key, make, strongest_first
from shared.vocabulary import KeyType
from tests.reference.message import DAY, SECOND, Message

WORKSPACE: Final = "00000000-0000-0000-0000-000000000077"
SECRET: Final = bytes(range(32))
MIDNIGHT: Final = 20_000 * DAY
"""Histories begin a little before a midnight, so that the limits per day meet two days."""

_PEOPLE: Final = 3
_PREFIXES: Final = ("a", "Z", "é", "z", "9", "𝄞")
_FRACTIONS: Final = (0, 0, 0, 1, 500_000, 999_999)
_CHANNELS: Final = ("web", "email", "ads", "sales")


@dataclass(frozen=True)
class Step:
    """What one touchpoint is made from. ``tick`` is its place in time in units of the scale."""

    make: int
    person: int
    other: int
    tick: int
    fraction: int
    variant: int


@dataclass(frozen=True)
class Scale:
    """How long a tick is, in microseconds, and how many there are."""

    tick: int
    ticks: int

    @property
    def start(self) -> int:
        """The first tick's instant."""
        return MIDNIGHT - self.tick * (self.ticks // 3)

    @property
    def end(self) -> int:
        """An instant well after the last tick."""
        return self.start + 2 * self.tick * self.ticks


SECONDS: Final = Scale(tick=SECOND, ticks=60)
"""For the model of seconds (``models.small``): every timer fires within two minutes."""

HALF_DAYS: Final = Scale(tick=DAY // 2, ticks=300)
"""For the templates as shipped."""


def device(person: int, which: int = 0) -> str:
    return make(KeyType.ANONYMOUS_ID, f"d{person}{which}")


def user(person: int) -> str:
    return make(KeyType.USER_ID, f"u{person}")


def email(person: int, which: int = 0) -> str:
    return email_key(SECRET, f"p{person}.{which}@example.com")


def phone(person: int) -> str:
    return make(KeyType.PHONE, f"+3580000{person}")


def record(person: int) -> str:
    return make(KeyType.EXTERNAL, f"00Q{person}", "salesforce")


def contact(person: int) -> str:
    return make(KeyType.EXTERNAL, f"{person}", "hubspot")


Parts = dict[str, Any]
"""The parts of a message that a maker decides: kind, keys and what belongs to the kind."""


def _page(step: Step, *keys: str) -> Parts:
    path = ("/", "/pricing", "/careers", "/pricing/team")[step.variant % 4]
    return {"kind": "page_viewed", "keys": keys, "page": {"path": path}}


def _form(step: Step, *keys: str) -> Parts:
    form = ("ebook", "contact")[step.variant % 2]
    return {"kind": "form_submitted", "keys": keys, "properties": {"form": form}}


def _simple(kind: str, *keys: str) -> Parts:
    return {"kind": kind, "keys": keys}


def _traits(step: Step, *keys: str) -> Parts:
    values: Sequence[Parts] = ({"seniority": "vp"}, {"seniority": "student"}, {"seniority": None, "employees": 50})
    return {"kind": "identified", "keys": keys, "traits": values[step.variant % 3]}


def _opportunity(kind: str, step: Step, *keys: str) -> Parts:
    named = ({}, {"opportunity_id": "o1"}, {"opportunity_id": "o2"})[step.variant % 3]
    return {"kind": kind, "keys": keys, "properties": named}


def _subscription(kind: str, step: Step, *keys: str) -> Parts:
    worth: Sequence[Parts] = ({}, {"value": {"amount": "9.90", "currency": "EUR"}}, {"properties": {"paid": True}})
    return {"kind": kind, "keys": keys, **worth[step.variant % 3]}


def _cut(step: Step) -> Parts:
    """A split of a key from one of the owners it may have had."""
    person, other = step.person, step.other
    pairs = (
        (device(person), user(person)),
        (device(person), user(other)),
        (device(person), email(person)),
        (email(person), user(person)),
        (email(person), user(other)),
        (email(person, 1), email(other)),
        (record(person), email(person)),
        (record(person), email(other)),
        (phone(person), user(person)),
        (user(person), user(other)),
    )
    key, owner = pairs[step.variant % len(pairs)]
    return {"kind": "unlinked", "keys": (key,), "previous": owner}


def _decision(step: Step, *keys: str) -> Parts:
    """What a person decided of consent."""
    purpose = ("profiling", "analytics", "profiling", "marketing")[step.variant % 4]
    word = ("granted", "denied")[step.variant // 4 % 2]
    return {"kind": "consent_updated", "keys": keys, "consent": {purpose: word}}


_ACTS: Final = ("demo_requested", "cart_item_added", "content_read", "email_unsubscribed", "webinar_attended")

_MAKERS: Final[Sequence[Callable[[Step], Parts]]] = (
    lambda s: _page(s, device(s.person)),
    lambda s: _page(s, device(s.person, 1)),
    lambda s: _page(s, device(s.person), user(s.person)),
    lambda s: _page(s, device(s.person), device(s.other, 1)),
    lambda s: _form(s, device(s.person), email(s.person, s.variant // 2 % 2)),
    lambda s: _form(s, device(s.person), email(s.other), phone(s.person)),
    lambda s: _traits(s, device(s.person), user(s.person)),
    lambda s: _traits(s, device(s.person), user(s.other)),
    lambda s: _traits(s, user(s.person), email(s.person, s.variant // 3 % 2)),
    lambda s: _traits(s, user(s.person), email(s.other)),
    lambda s: _traits(s, email(s.person), email(s.other, 1)),
    lambda s: _simple("record_updated", record(s.person), email(s.person, s.variant % 2)),
    lambda s: _simple("record_updated", record(s.person), email(s.other, s.variant % 2)),
    lambda s: _simple("record_updated", record(s.person), contact(s.other), email(s.person, s.variant % 2)),
    lambda s: _simple("record_updated", contact(s.person), phone(s.other)),
    lambda s: _simple("call_answered", phone(s.person), user(s.person)),
    lambda s: _opportunity("opportunity_opened", s, record(s.person), email(s.person)),
    lambda s: _opportunity("opportunity_opened", s, user(s.person)),
    lambda s: _opportunity("opportunity_won", s, record(s.person)),
    lambda s: _opportunity("opportunity_lost", s, record(s.person)),
    lambda s: _opportunity("opportunity_lost", s, user(s.person)),
    lambda s: _simple("order_completed", (user(s.person), email(s.person), device(s.person))[s.variant % 3]),
    lambda s: _subscription("subscription_started", s, user(s.person)),
    lambda s: _simple("subscription_cancelled", user(s.person)),
    lambda s: {"kind": "aliased", "keys": (user(s.person),), "previous": user(s.other)},
    lambda s: {"kind": "aliased", "keys": (user(s.person), device(s.person)), "previous": device(s.other)},
    _cut,
    _cut,
    lambda s: _simple(_ACTS[s.variant % 5], device(s.person)),
    lambda s: _simple(_ACTS[s.variant % 5], user(s.person)),
    lambda s: _simple(_ACTS[s.variant % 5], email(s.person), user(s.other)),
    lambda s: _decision(s, device(s.person)),
    lambda s: _decision(s, user(s.person)),
)

_UNMARKED: Final = 6
"""Of so many touchpoints one is marked as a bot's."""

_SILENT: Final = 6
"""Of so many touchpoints one tells what its device remembers of consent."""

_REMEMBERED: Final[Sequence[dict[str, str]]] = (
    {"profiling": "denied"},
    {"profiling": "granted"},
    {"analytics": "granted", "profiling": "granted", "marketing": "denied"},
)

STEPS: Final = st.builds(
    Step,
    make=st.integers(0, len(_MAKERS) - 1),
    person=st.integers(0, _PEOPLE - 1),
    other=st.integers(0, _PEOPLE - 1),
    tick=st.integers(0, 1_000_000),
    fraction=st.integers(0, len(_FRACTIONS) - 1),
    variant=st.integers(0, 11),
)


def message(place: int, step: Step, scale: Scale) -> Message:
    """The message of a step; its id is unique and sorts by its own bytes, not by time."""
    parts = _MAKERS[step.make](step)
    occurred_at = scale.start + step.tick % scale.ticks * scale.tick + _FRACTIONS[step.fraction]
    campaign = {"campaign": {"source": "google", "name": f"c{step.variant}"}} if step.variant % 2 else {}
    marks = {"marks": ["bot:googlebot"]} if (step.make + step.person + step.variant) % _UNMARKED == 0 else {}
    remembers = (step.make + step.other + step.variant) % _SILENT == 0
    consent = {"consent": _REMEMBERED[step.variant % len(_REMEMBERED)]} if remembers else {}
    return {
        "workspace": WORKSPACE,
        "id": f"{_PREFIXES[step.variant % len(_PREFIXES)]}{place:03d}",
        "channel": _CHANNELS[step.variant % len(_CHANNELS)],
        "occurred_at": occurred_at,
        "received_at": occurred_at,
        **campaign,
        **marks,
        **consent,
        **parts,
        "keys": list(strongest_first(set(parts["keys"]))),
    }


def histories(scale: Scale, *, max_size: int = 30) -> st.SearchStrategy[list[Message]]:
    """Distinct touchpoints of a few people who share devices, addresses and records; any size as likely as another."""
    sizes = st.integers(1, max_size)
    return sizes.flatmap(lambda size: st.lists(STEPS, min_size=size, max_size=size)).map(
        lambda steps: [message(place, step, scale) for place, step in enumerate(steps)]
    )


def life_of_one(scale: Scale, *, max_size: int = 40) -> st.SearchStrategy[list[Message]]:
    """The touchpoints of a single lead: every one is keyed by one user or one of the devices linked to it."""

    def owned(messages: list[Message]) -> list[Message]:
        key = user(0)
        return [{**each, "keys": [key] if each["channel"] != "web" else [device(0)]} for each in messages]

    return histories(scale, max_size=max_size).map(owned)
