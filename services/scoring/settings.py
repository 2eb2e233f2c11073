"""Settings of the scoring service, read from ``SCORING_*``."""

from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import CommaList, Component, ServiceSettings

PARTS: Final = ("api", "worker", "catch_up", "relay")


class WorkerSettings(Component):
    """How the stream worker paces itself."""

    batch_records: int = Field(default=2_000, ge=1, le=10_000)
    concurrent_batches: int = Field(default=4, ge=1, le=64)


class ScoringSettings(ServiceSettings):
    """One process of scoring. ``run`` names the parts it runs, so that a cluster can scale them apart."""

    model_config = SettingsConfigDict(env_prefix="SCORING_")

    port: int = Field(default=7102, ge=1, le=65_535)
    run: CommaList = PARTS
    template: str = "b2b"
    epoch: int = Field(default=1, ge=1, le=1 << 20)
    worker: WorkerSettings = WorkerSettings()
