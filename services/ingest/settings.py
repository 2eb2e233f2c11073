"""Settings of the ingest service, read from ``INGEST_*``."""

import re
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.ingest.domain.proxy import network
from shared.settings import CommaList, Component, ServiceSettings

_VENDOR_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+/[A-Za-z0-9_-]+")
"""With a dot, which no first part of a path of ours has."""

PARTS: Final = ("api", "rejections")
"""What a process runs unless it is told; ``events`` needs a topic to read."""


class LimitSettings(Component):
    """How much one request, and one process, takes."""

    head_bytes: int = Field(default=48 * 1024, ge=1024, le=256 * 1024)
    """Of a request's line and headers: trackers write whole events into an address."""

    body_bytes: int = Field(default=1024 * 1024, ge=1024, le=16 * 1024 * 1024)
    held_bytes: int = Field(default=32 * 1024 * 1024, ge=1024 * 1024)
    """Bodies that wait at once to be stored; above it requests are told to come again. One workspace alone has half."""

    items: int = Field(default=1_000, ge=1, le=10_000)
    segment_items: int = Field(default=2_500, ge=1, le=10_000)
    connections: int = Field(default=1_024, ge=1, le=65_535)
    address_connections: int = Field(default=0, ge=0, le=65_535)
    """Of those, how many one address may have, unless it is this machine; 0 is no limit. Not behind a proxy."""


class RateSettings(Component):
    """How many items (touchpoints) a second one process takes, generously: what a process can do is the real bound.

    A key may have a rate of its own. 0 is no limit.
    """

    key_items: int = Field(default=100_000, ge=0)
    workspace_items: int = Field(default=200_000, ge=0)
    burst_seconds: int = Field(default=10, ge=1, le=3_600)
    """For how long one may send at once what the rate allows over that time."""


class TrustedSettings(Component):
    """Whose word about a visitor's address is taken: that of proxies in front, and of them one header."""

    proxies: CommaList = ()
    """Addresses and networks (``10.0.0.0/8``). Without any a visitor's address is that of the connection."""

    header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The one that they write: the other is whatever the visitor wrote."""

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for text in proxies:
            network(text)
        return proxies


class SnowplowSettings(Component):
    """What a collector of Snowplow's leaves to whoever runs it."""

    paths: CommaList = ()
    """Further paths for events, ``vendor/version``, where trackers set ``postPath``."""

    redirect_hosts: CommaList = ()
    """The sites that ``/r/tp2?u=`` may lead to, ``shop.example`` or ``*.shop.example``; none closes it."""

    @field_validator("paths")
    @classmethod
    def _are_of_a_vendor(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_VENDOR_PATH.fullmatch(path) for path in paths):
            raise ValueError("a path is vendor/version, the vendor with a dot in it: com.acme/track")
        return paths


class EventsSettings(Component):
    """A topic of CloudEvents that the part ``events`` reads, of the same Kafka."""

    topic: str = ""
    key: SecretStr | None = None
    """The key (``tw_...`` or ``ts_...``) as whose events they are taken."""


class IngestSettings(ServiceSettings):
    """One process of ingest. ``run`` names the parts it runs, so that a cluster can scale them apart."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    port: int = Field(default=7101, ge=1, le=65_535)
    run: CommaList = PARTS
    limit: LimitSettings = LimitSettings()
    rate: RateSettings = RateSettings()
    trusted: TrustedSettings = TrustedSettings()
    snowplow: SnowplowSettings = SnowplowSettings()
    events: EventsSettings = EventsSettings()
    rejected_days: int = Field(default=90, ge=1, le=36_500)
    """How long refused items are kept from when they were received, those taken since as well."""

    fast: bool = True
    """Whether plain posts are answered without ASGI, which they are where uvicorn is known and traces are off."""

    country_database: str = ""
    """A file in MaxMind's format (DB-IP's and IPinfo's are too) that tells the country of an address; empty: none is
    asked. Behind a proxy it needs ``trusted``."""

    public_address: str | None = None
    """How browsers reach this service (``https://ingest.example.com``); told to SDKs, else what they asked for."""

    analytics_js: str = ""
    """The folder ``dist/umd`` of an installed ``@segment/analytics-next``, to be served where Segment's snippet looks
    for it; empty serves none."""

    graph_address: str = "https://graph.facebook.com/v21.0"
    """Where the answers of a lead on Meta are fetched, by hooks with an access token; empty fetches none."""
