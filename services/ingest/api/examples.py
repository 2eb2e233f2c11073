"""Requests as OpenAPI shows them; a test posts each of them."""

from typing import Any, Final

NATIVE: Final[dict[str, Any]] = {
    "a visit": {
        "value": {
            "touchpoints": [
                {
                    "id": "visit-2026-11-25-1",
                    "kind": "page_viewed",
                    "occurred_at": "2026-11-25T09:30:00Z",
                    "identity": {"anonymous_id": "557bace8-802b-46ce-b2bf-62711b878736"},
                    "page": {
                        "url": "https://shop.example/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring",
                        "path": "/pricing",
                        "title": "Pricing",
                        "referrer": "https://www.google.com/",
                    },
                    "context": {"locale": "da-DK", "country": "DK"},
                }
            ]
        }
    },
    "a form": {
        "value": {
            "touchpoints": [
                {
                    "id": "form-77",
                    "kind": "demo_requested",
                    "identity": {
                        "anonymous_id": "557bace8-802b-46ce-b2bf-62711b878736",
                        "email": "jane@example.com",
                        "external": {"hubspot": "501"},
                    },
                    "traits": {"name": "Jane", "company_size": 250},
                    "consent": {"analytics": "granted", "marketing": "denied"},
                }
            ]
        }
    },
    "a sale, bare": {
        "value": {
            "id": "order-9001",
            "kind": "order_completed",
            "identity": {"user_id": "u-1"},
            "value": {"amount": "129.00", "currency": "EUR"},
            "properties": {"order_id": "9001"},
        }
    },
}

_CONTEXT: Final = {"library": {"name": "by hand", "version": "1"}}

SEGMENT_CALLS: Final[dict[str, dict[str, Any]]] = {
    "track": {
        "userId": "u-1",
        "event": "Demo Requested",
        "properties": {"product": "starter"},
        "context": _CONTEXT,
        "timestamp": "2026-11-25T09:30:00Z",
        "messageId": "m-1",
    },
    "identify": {"userId": "u-1", "traits": {"email": "jane@example.com"}, "messageId": "m-2"},
    "page": {"anonymousId": "a-1", "properties": {"url": "https://shop.example/pricing"}, "messageId": "m-3"},
    "screen": {"anonymousId": "a-1", "name": "Home", "messageId": "m-4"},
    "group": {"userId": "u-1", "groupId": "acme", "traits": {"plan": "team"}, "messageId": "m-5"},
    "alias": {"userId": "u-2", "previousId": "u-1", "messageId": "m-6"},
}

SEGMENT_BATCH: Final[dict[str, Any]] = {
    "batch": [{"type": name, **call} for name, call in SEGMENT_CALLS.items()],
    "sentAt": "2026-11-25T09:30:01Z",
}

MERGE_CALL: Final[dict[str, Any]] = {
    "mergeProperties": [{"type": "userId", "value": "u-1"}, {"type": "email", "value": "jane@example.com"}],
    "messageId": "m-7",
}

POSTHOG_BATCH: Final[dict[str, Any]] = {
    "api_key": "tw_...",
    "sent_at": "2026-11-25T09:30:01Z",
    "batch": [
        {
            "uuid": "01a200e5-c533-72a0-83e9-73a3823ac906",
            "event": "Demo Requested",
            "distinct_id": "u-1",
            "timestamp": "2026-11-25T09:30:00Z",
            "properties": {"product": "starter", "$set": {"email": "jane@example.com"}},
        }
    ],
}
