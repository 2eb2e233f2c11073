"""A touchpoint on the log: one interaction of a person with us, checked, normalised and keyed at the door."""

from typing import Any

import msgspec


class Campaign(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The five UTM fields as sent, and the ad's own ids."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None
    id: str | None = None
    click_id: str | None = None


class Page(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where it happened on the web."""

    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None


class Money(msgspec.Struct, frozen=True, gc=False):
    """An exact amount: decimal digits as text, ISO 4217 currency."""

    amount: str
    currency: str


class Touchpoint(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One touchpoint as the log carries it. Instants are microseconds since 1970 in UTC.

    ``keys`` are identity keys in canonical text (``shared.identity_key``), strongest first (rank, then lower bytes):
    ``keys[0]`` is the strand under which the touchpoint is stored for ever. ``previous`` is the key that an
    ``aliased`` touchpoint joins to its strand, or the owner from which an ``unlinked`` one cuts its strand.
    ``properties``, ``context`` and ``identity`` stay undecoded JSON: most readers never look.

    ``channel_rule`` names the rule that found the channel (``docs/channels.md``). ``browser``, ``os`` and ``language``
    are what the client said of itself. ``marks`` say what the touchpoint is by rule, such as ``bot:googlebot``: a
    touchpoint marked as a bot's or as own traffic stays in the history and counts for nothing.
    """

    workspace: str
    id: str
    kind: str
    channel: str
    occurred_at: int
    received_at: int
    keys: tuple[str, ...]
    previous: str | None = None
    sent_at: int | None = None
    protocol: str = "native"
    campaign: Campaign | None = None
    page: Page | None = None
    value: Money | None = None
    country: str | None = None
    device: str | None = None
    account: str | None = None
    traits: dict[str, Any] = {}
    consent: dict[str, str] = {}
    identity: msgspec.Raw = msgspec.Raw(b"{}")
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    context: msgspec.Raw = msgspec.Raw(b"{}")
    channel_rule: str | None = None
    browser: str | None = None
    os: str | None = None
    language: str | None = None
    marks: tuple[str, ...] = ()

    @property
    def strand(self) -> str:
        """The highest-ranked key it carries itself."""
        return self.keys[0]
