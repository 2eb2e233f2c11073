"""A visit, as a server would tell it with the real tracker: ``python snowplow_python.py ADDRESS KEY post|get``.

A further word, ``patient``, has it wait until everything is delivered, however often that fails before.
"""

import sys
import time
from typing import Any
from urllib.parse import urlsplit

from snowplow_tracker.emitters import Emitter
from snowplow_tracker.events.page_view import PageView
from snowplow_tracker.events.self_describing import SelfDescribing
from snowplow_tracker.events.structured_event import StructuredEvent
from snowplow_tracker.self_describing_json import SelfDescribingJson
from snowplow_tracker.subject import Subject
from snowplow_tracker.tracker import Tracker

_EVENTS = 4


def send(address: str, write_key: str, method: Any, manner: str = "") -> list[str]:
    """Send; what the tracker reports as failed."""
    failures: list[str] = []
    delivered: list[Any] = []
    parts = urlsplit(address)
    emitter = Emitter(
        parts.hostname or "",
        protocol="http",
        port=parts.port,
        method=method,
        batch_size=10 if method == "post" else 1,
        on_success=delivered.extend,
        on_failure=lambda _sent, unsent: failures.append(f"{len(unsent)} events"),
    )
    subject = Subject().set_user_id("u-python").set_domain_user_id("d-python").set_lang("da-DK")
    tracker = Tracker(namespace="py", emitters=emitter, subject=subject, app_id=write_key)
    place = SelfDescribingJson("iglu:com.acme/place/jsonschema/1-0-0", {"name": "Århus"})
    tracker.track(PageView("https://shop.example/pricing?gclid=G1", "Pricing", context=[place]))
    tracker.track(StructuredEvent("demo", "requested", label="starter", value=3))
    tracker.track(
        SelfDescribing(
            SelfDescribingJson(
                "iglu:com.acme/order_completed/jsonschema/1-0-0", {"revenue": 129.5, "currency": "EUR", "order_id": "9"}
            )
        )
    )
    form = {"email": "python@example.com"}
    tracker.track(SelfDescribing(SelfDescribingJson("iglu:com.acme/form_submit/jsonschema/1-0-0", form)))
    tracker.flush()
    while manner and len(delivered) < _EVENTS:
        time.sleep(0.1)  # noqa: TID251 -- a server goes on meanwhile
    return [] if manner else failures


if __name__ == "__main__":
    sys.exit("; ".join(send(*sys.argv[1:5])) or 0)
