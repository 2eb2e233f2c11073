"""Seeded touchpoints as the log carries them: about 700 bytes, all channels, some identifies that join history."""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import msgspec

from shared.clock import DAY, MINUTE, SECOND
from shared.vocabulary import Channel
from tests.scoring_driver import WORKSPACE

START: Final = 20_000 * DAY
_KINDS: Final = ("page_viewed",) * 10 + (
    "product_viewed",
    "email_opened",
    "email_link_clicked",
    "form_submitted",
    "cart_item_added",
    "content_read",
)
_PATHS: Final = ("/", "/pricing", "/blog/funnels", "/docs", "/customers") * 8 + ("/careers",)
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
_CHANNELS: Final = tuple(channel.value for channel in Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A stream of anonymous and known touchpoints; ``joining`` of all are identifies that join the two.

    Leads are met evenly, or by Zipf's law with this exponent.
    """

    seed: int
    leads: int
    joining: float = 0.02
    late: float = 0.0
    zipf: float | None = None
    gap: int = SECOND // 2

    def messages(self, count: int, first: int = 0) -> Iterator[bytes]:
        """``count`` records in the order of arrival."""
        ranks = list(accumulate(1 / rank**self.zipf for rank in range(1, self.leads + 1))) if self.zipf else []
        rng = random.Random(f"{self.seed}-{first}")
        for number in range(first, first + count):
            lead = bisect(ranks, rng.random() * ranks[-1]) if ranks else rng.randrange(self.leads)
            yield msgspec.json.encode(self._one(number, lead, rng))

    def _one(self, number: int, lead: int, rng: random.Random) -> dict[str, Any]:
        at = START + number * self.gap
        if rng.random() < self.late:
            at -= rng.randrange(60 * MINUTE)
        if rng.random() < self.joining:
            device = f"1anonymous_id:d{number}" if rng.random() < 0.1 else f"1anonymous_id:v{lead}"
            return _message(number, "identified", at, rng, f"5user_id:u{lead}", device, traits={"employees": 120})
        key = f"1anonymous_id:v{lead}" if rng.random() < 0.3 else f"5user_id:u{lead}"
        return _message(number, rng.choice(_KINDS), at, rng, key)


def _message(number: int, kind: str, at: int, rng: random.Random, *keys: str, **fields: Any) -> dict[str, Any]:
    path = rng.choice(_PATHS)
    return {
        "workspace": str(WORKSPACE),
        "id": f"b{number:09d}",
        "kind": kind,
        "channel": rng.choice(_CHANNELS),
        "occurred_at": at,
        "received_at": at,
        "keys": list(keys),
        "campaign": {"source": "google", "medium": "cpc", "name": f"spring-{number % 7}", "click_id": "gclid:Cj0KCQ"},
        "page": {"url": f"https://www.example.com{path}?utm_source=google", "path": path, "title": "A page"},
        "country": "DK",
        "device": "desktop",
        "properties": {"form": "newsletter", "plan": "team", "seats": 12},
        "context": {"ip": "192.0.2.0", "user_agent": _AGENT, "locale": "da-DK", "time_zone": "Europe/Copenhagen"},
        **fields,
    }
