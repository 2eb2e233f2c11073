"""The real clients of others for servers: which script sends with each, and what it is to tell."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.access import WireProfile

_HERE: Final = Path(__file__).parent

WEEK: Final = frozenset(
    {
        "page_viewed",
        "identified",
        "demo_requested",
        "order_completed",
        "account_joined",
        "aliased",
        "screen_viewed",
    }
)
"""What the scripts tell of one customer."""


@dataclass(frozen=True, slots=True)
class Client:
    """A script that sends a week of one customer, ``u-<name>``, and in how many requests it does so."""

    script: str
    name: str
    profile: WireProfile
    requests: int = 1
    more: tuple[str, ...] = ()

    def command(self, address: str, write_key: str, *arguments: str) -> tuple[str, ...]:
        """Its command line."""
        runs = sys.executable if self.script.endswith(".py") else "node"
        return (runs, str(_HERE / self.script), address, write_key, *self.more, *arguments)


CLIENTS: Final = {
    "segment python": Client("segment_python.py", "python", WireProfile.SEGMENT),
    "segment node": Client("node_clients/segment.mjs", "node", WireProfile.SEGMENT),
    "segment node of 2022": Client("node_clients/segment-of-2022.mjs", "legacy", WireProfile.SEGMENT, requests=2),
    "rudderstack python": Client("rudderstack_python.py", "python", WireProfile.RUDDERSTACK),
    "rudderstack node": Client("node_clients/rudderstack.mjs", "node", WireProfile.RUDDERSTACK, requests=2),
    "posthog python": Client("posthog_python.py", "python", WireProfile.POSTHOG, more=("v0",)),
    "posthog python v1": Client("posthog_python.py", "python", WireProfile.POSTHOG, more=("v1",)),
    "posthog node": Client("node_clients/posthog.mjs", "node", WireProfile.POSTHOG),
}
"""RudderStack's client for Node.js, and Segment's of old that it comes from, send their first event at once, alone."""
