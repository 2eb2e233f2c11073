"""Settings of the ingest service, read from ``INGEST_*``."""

from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import CommaList, Component, ServiceSettings

PARTS: Final = ("api", "rejections")


class LimitSettings(Component):
    """How much one request, and one process, takes."""

    body_bytes: int = Field(default=1024 * 1024, ge=1024, le=16 * 1024 * 1024)
    held_bytes: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """Bodies that wait at once to be stored; above it requests are told to come again."""

    items: int = Field(default=1_000, ge=1, le=10_000)
    segment_items: int = Field(default=2_500, ge=1, le=10_000)
    connections: int = Field(default=1_024, ge=1, le=65_535)


class IngestSettings(ServiceSettings):
    """One process of ingest. ``run`` names the parts it runs, so that a cluster can scale them apart."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    port: int = Field(default=7101, ge=1, le=65_535)
    run: CommaList = PARTS
    limit: LimitSettings = LimitSettings()
    public_address: str | None = None
    """How browsers reach this service (``https://ingest.example.com``); told to SDKs, else what they asked for."""

    graph_address: str = "https://graph.facebook.com/v21.0"
    """Where the answers of a lead on Meta are fetched, by hooks with an access token; empty fetches none."""
