"""A week of one customer, as a server would send it with the real client: ``posthog_python.py ADDRESS KEY MODE``.

``MODE`` is the protocol: ``v0`` or ``v1``.
"""

import sys
from datetime import UTC, datetime

from posthog import Posthog


def send(address: str, write_key: str, mode: str) -> list[str]:
    """Send; what the client reports as failed."""
    failures: list[str] = []
    client = Posthog(
        write_key,
        host=address,
        flush_at=100,
        flush_interval=0.5,
        max_retries=5,
        gzip=True,
        capture_mode=mode,
        on_error=lambda error, _items: failures.append(str(error)),
    )
    anonymous = {"$process_person_profile": False, "$current_url": "https://shop.example/pricing"}
    client.capture("$pageview", distinct_id="a-python", properties=anonymous)
    client.capture("$screen", distinct_id="u-python", properties={"$screen_name": "Home"})
    client.set(distinct_id="u-python", properties={"email": "python@example.com", "name": "Jane"})
    client.capture("Demo Requested", distinct_id="u-python", properties={"product": "starter"})
    client.capture(
        "Order Completed",
        distinct_id="u-python",
        timestamp=datetime(2026, 3, 1, 12, tzinfo=UTC),
        properties={"order_id": "9", "revenue": 129.5, "currency": "EUR"},
    )
    client.group_identify("company", "acme", {"plan": "team"}, distinct_id="u-python")
    client.alias(previous_id="u-python", distinct_id="u-python-2")
    client.shutdown()
    return failures


if __name__ == "__main__":
    sys.exit("; ".join(send(*sys.argv[1:4])) or 0)
