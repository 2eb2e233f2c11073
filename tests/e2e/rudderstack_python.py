"""A week of one customer, as a server would send it with the real client: ``rudderstack_python.py ADDRESS KEY``."""

import sys
from datetime import UTC, datetime

from rudderstack.analytics.client import Client


def send(address: str, write_key: str) -> list[str]:
    """Send; what the client reports as failed."""
    failures: list[str] = []
    client = Client(
        write_key,
        host=address,
        upload_size=20,
        max_retries=5,
        on_error=lambda error, _items: failures.append(str(error)),
    )
    client.page(anonymous_id="a-python", name="Pricing", properties={"url": "https://shop.example/pricing"})
    client.identify(user_id="u-python", anonymous_id="a-python", traits={"email": "python@example.com", "name": "Jane"})
    client.track(user_id="u-python", event="Demo Requested", properties={"product": "starter"})
    client.track(
        user_id="u-python",
        event="Order Completed",
        timestamp=datetime(2026, 3, 1, 12, tzinfo=UTC),
        properties={"orderId": "9", "revenue": 129.5, "currency": "EUR"},
    )
    client.group(user_id="u-python", group_id="acme", traits={"plan": "team"})
    client.alias(previous_id="u-python", user_id="u-python-2")
    client.screen(user_id="u-python", name="Home")
    client.flush()
    client.join()
    return failures


if __name__ == "__main__":
    sys.exit("; ".join(send(*sys.argv[1:3])) or 0)
