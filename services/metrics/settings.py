"""Settings of the metrics service, read from ``METRICS_*``."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import CommaList, Component, ServiceSettings

PARTS: Final = ("api", "worker")


def _are_zones(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not a time zone such as Europe/Copenhagen") from error
    return names


class WorkerSettings(Component):
    """How the stream worker paces itself. A change moves dozens of cells, so batches are smaller than elsewhere."""

    batch_records: int = Field(default=500, ge=1, le=2_000)
    concurrent_batches: int = Field(default=4, ge=1, le=64)


class ScoringSettings(Component):
    """Where scoring is, for reconciling and for what it alone knows of a lead; ``key`` is a secret key."""

    url: str | None = None
    key: SecretStr | None = None


class MemorySettings(Component):
    """How much may be held of sums."""

    bytes: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024)


class MetricsSettings(ServiceSettings):
    """One process of metrics. ``time_zones`` are those a new workspace's days are counted in, beside UTC."""

    model_config = SettingsConfigDict(env_prefix="METRICS_")

    port: int = Field(default=7103, ge=1, le=65_535)
    run: CommaList = PARTS
    time_zones: Annotated[CommaList, AfterValidator(_are_zones)] = ("UTC",)
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    scoring: ScoringSettings = ScoringSettings()
    worker: WorkerSettings = WorkerSettings()
    memory: MemorySettings = MemorySettings()
