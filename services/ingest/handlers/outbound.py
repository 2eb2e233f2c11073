"""Fetching from providers: certificates, confirmations, leads. Addresses are checked before they come here.

No redirects, no proxies of the environment, little time, few bytes, few at once: who makes us fetch gains nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from shared.errors import Unavailable

_MAX_BYTES: Final = 64 * 1024
_TIMEOUT: Final = httpx.Timeout(5.0, connect=3.0)
_TOTAL_SECONDS: Final = 10.0
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its status and its first bytes."""

    status: int
    body: bytes


class Outbound:
    """Fetches addresses. ``transport`` is the network unless a test stands in for the far side."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "tragt"},
        )
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """What stands there. Raises Unavailable when it cannot be reached, or is larger than what is fetched here."""
        try:
            async with self._room, asyncio.timeout(_TOTAL_SECONDS):
                return await self._get(address, headers or {})
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Unavailable(f"the provider could not be asked: {type(error).__name__}") from error

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _get(self, address: str, headers: Mapping[str, str]) -> Fetched:
        async with self._client.stream("GET", address, headers=headers) as response:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MAX_BYTES:
                    raise Unavailable(f"the provider's answer is larger than {_MAX_BYTES} bytes")
            return Fetched(response.status_code, body)
