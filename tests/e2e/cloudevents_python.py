"""Events by the real library, in each of its ways: ``python cloudevents_python.py ADDRESS KEY``."""

import sys
from datetime import UTC, datetime
from typing import Any

import httpx
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import http as old

_DATA = {"user_id": "u-python", "email": "python@example.com"}


def _attributes(name: str) -> dict[str, Any]:
    return {"id": name, "source": "/python", "type": f"com.acme.{name}", "subject": "u 1 €", "specversion": "1.0"}


def send(address: str, key: str) -> list[int]:
    """Send; the answers' statuses."""
    now = {"time": datetime(2026, 3, 1, 12, tzinfo=UTC), "datacontenttype": "application/json"}
    binary = http.to_binary_event(CloudEvent({**_attributes("seen_in_binary"), **now}, _DATA))
    structured = http.to_structured(CloudEvent({**_attributes("seen_in_structure"), **now}, _DATA), JSONFormat())
    before = {name: value for name, value in _attributes("seen_by_old_binary").items() if name != "subject"}
    requests: list[tuple[dict[str, str], bytes]] = [
        (dict(binary.headers), binary.body),
        (dict(structured.headers), structured.body),
        old.to_binary(old.CloudEvent(before, _DATA)),
        old.to_structured(old.CloudEvent({**before, "id": "4", "type": "com.acme.seen_by_old_structure"}, _DATA)),
    ]
    authorization = {"authorization": f"Bearer {key}"}
    return [
        httpx.post(f"{address}/v1/events", headers={**headers, **authorization}, content=body).status_code
        for headers, body in requests
    ]


if __name__ == "__main__":
    statuses = send(*sys.argv[1:3])
    sys.exit(0 if statuses == [200] * 4 else str(statuses))
