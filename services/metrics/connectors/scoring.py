"""Scoring's own account of its leads, over its HTTP API."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import httpx
import msgspec

from shared.clock import from_datetime
from shared.errors import Unavailable

_PAGE: Final = 2_000
_LEADS_AT_ONCE: Final = 100
_TIMEOUT_SECONDS: Final = 10.0


class ScoringFact(msgspec.Struct, frozen=True):
    """A fact as scoring holds it now; ``fact`` is as on the log."""

    lead_id: UUID
    fact_key: str
    version: int
    fact: msgspec.Raw


class _Answer(msgspec.Struct, frozen=True):
    data: tuple[ScoringFact, ...]
    next: str | None
    stale_leads: int | None = None
    watermark: datetime | None = None


class Progress(NamedTuple):
    """How far scoring is: leads of the key's workspace that wait to be caught up, and up to when the log is read.

    ``watermark`` is in microseconds; touchpoints appended before it are processed.
    """

    stale_leads: int | None
    watermark: int | None


class _Leads(msgspec.Struct, frozen=True):
    data: tuple[dict[str, object], ...]


_FACTS: Final = msgspec.json.Decoder(_Answer)
_LEADS: Final = msgspec.json.Decoder(_Leads)
_Parameters = dict[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Scoring:
    """The scoring service at ``url``. ``key`` is a secret key for questions that no caller's key came with."""

    client: httpx.AsyncClient
    url: str | None
    key: str | None

    async def progress(self) -> Progress | None:
        """How far scoring is; None when it cannot be asked."""
        if self.key is None:
            return None
        try:
            answer = _FACTS.decode(await self._get("/v1/facts", self.key, {"limit": 1}))
        except (Unavailable, msgspec.MsgspecError):
            return None
        return Progress(answer.stale_leads, from_datetime(answer.watermark) if answer.watermark else None)

    async def portraits(self, leads: Sequence[UUID]) -> Mapping[str, object]:
        """What scoring says of these leads, by id; nothing when it cannot be asked."""
        if self.key is None:
            return {}
        known: dict[str, object] = {}
        for start in range(0, len(leads), _LEADS_AT_ONCE):
            named: _Parameters = {"id": [str(lead) for lead in leads[start : start + _LEADS_AT_ONCE]]}
            try:
                found = _LEADS.decode(await self._get("/v1/leads", self.key, named))
            except (Unavailable, msgspec.MsgspecError):
                return {}
            known |= {str(lead.get("lead_id")): lead for lead in found.data}
        return known

    async def facts(self, key: str) -> AsyncIterator[Sequence[ScoringFact]]:
        """All facts of the key's workspace by ascending lead id, a page at a time. Raises Unavailable."""
        after: str | None = None
        while True:
            parameters: _Parameters = {"limit": _PAGE} if after is None else {"limit": _PAGE, "after": after}
            try:
                answer = _FACTS.decode(await self._get("/v1/facts", key, parameters))
            except msgspec.MsgspecError as error:
                raise Unavailable("scoring answered something else than facts") from error
            yield answer.data
            after = answer.next
            if after is None:
                return

    async def _get(self, path: str, key: str, parameters: _Parameters) -> bytes:
        if self.url is None:
            raise Unavailable("metrics has not been told where scoring is (METRICS_SCORING_URL)")
        try:
            response = await self.client.get(
                f"{self.url.rstrip('/')}{path}",
                params=parameters,
                headers={"authorization": f"Bearer {key}"},
                timeout=_TIMEOUT_SECONDS,
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"scoring did not answer: {error}") from error
        return response.content
