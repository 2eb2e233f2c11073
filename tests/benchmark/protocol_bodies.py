"""The same visits in the words of every protocol, as the clients of each send them: requests of many events."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
_AT: Final = "2026-11-25T09:30:00.000Z"
_SENT: Final = "2026-11-25T09:30:01.000Z"
_OWN: Final[dict[str, Any]] = {
    "form": "newsletter",
    "plan": "team",
    "seats": 12,
    "nested": {"a": 1, "b": [1, 2, 3]},
}

_Event = dict[str, Any]


def touchpoint(run: int, number: int) -> _Event:
    """About 700 bytes of JSON, each another one: tragt's own."""
    return {
        "id": f"b-{run}-{number}",
        "kind": "page_viewed",
        "occurred_at": _AT,
        "identity": {"anonymous_id": _device(number), "user_id": f"u-{number % 997}"},
        "campaign": {"source": "google", "medium": "cpc", "name": f"spring-{number % 7}", "term": "crm"},
        "page": _page(number),
        "properties": _OWN,
        "context": {"user_agent": _AGENT, "locale": "da-DK", "time_zone": "Europe/Copenhagen"},
    }


def _segment(run: int, number: int) -> _Event:
    page = {**_page(number), "search": ""}
    return {
        "type": "page",
        "messageId": f"b-{run}-{number}",
        "timestamp": _AT,
        "anonymousId": _device(number),
        "userId": f"u-{number % 997}",
        "properties": {**page, **_OWN},
        "integrations": {},
        "context": {
            "page": page,
            "userAgent": _AGENT,
            "locale": "da-DK",
            "timezone": "Europe/Copenhagen",
            "library": {"name": "analytics.js", "version": "next-1.81.1"},
            "campaign": {"source": "google", "medium": "cpc", "name": f"spring-{number % 7}", "term": "crm"},
        },
    }


def _rudderstack(run: int, number: int) -> _Event:
    called = _segment(run, number)
    del called["timestamp"]
    return {**called, "channel": "web", "originalTimestamp": _AT, "sentAt": _SENT}


def _posthog(run: int, number: int) -> _Event:
    page = _page(number)
    return {
        "uuid": f"b-{run}-{number}",
        "event": "$pageview",
        "timestamp": _AT,
        "properties": {
            "token": "tw_x",
            "distinct_id": f"u-{number % 997}",
            "$device_id": _device(number),
            "$anon_distinct_id": _device(number),
            "$os": "Linux",
            "$browser": "Chrome",
            "$browser_version": 130,
            "$device_type": "Desktop",
            "$raw_user_agent": _AGENT,
            "$browser_language": "da-DK",
            "$timezone": "Europe/Copenhagen",
            "$lib": "web",
            "$lib_version": "1.298.0",
            "$screen_width": 1920,
            "$screen_height": 1080,
            "$session_id": f"019a{number % 997:04d}-0000",
            "$current_url": page["url"],
            "$host": "shop.example.com",
            "$pathname": page["path"],
            "$referrer": page["referrer"],
            "$referring_domain": "www.google.com",
            "title": page["title"],
            "utm_source": "google",
            "utm_medium": "cpc",
            "utm_campaign": f"spring-{number % 7}",
            "utm_term": "crm",
            **_OWN,
        },
    }


def _snowplow(run: int, number: int) -> dict[str, str]:
    page = _page(number)
    visit = {"schema": "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0", "data": {"id": f"p-{number}"}}
    contexts = {"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": [visit]}
    return {
        "e": "pv",
        "eid": f"b-{run}-{number}",
        "aid": "shop",
        "p": "web",
        "tv": "js-4.6.0",
        "tna": "sp",
        "url": f"{page['url']}?utm_source=google&utm_medium=cpc&utm_campaign=spring-{number % 7}&utm_term=crm",
        "page": page["title"],
        "refr": page["referrer"],
        "duid": _device(number),
        "uid": f"u-{number % 997}",
        "sid": f"s-{number % 997}",
        "vid": "1",
        "dtm": "1795512600000",
        "stm": "1795512601000",
        "ua": _AGENT,
        "lang": "da-DK",
        "tz": "Europe/Copenhagen",
        "res": "1920x1080",
        "vp": "1280x900",
        "ds": "1280x3000",
        "co": msgspec.json.encode(contexts).decode(),
    }


def _ga4(run: int, number: int) -> _Event:
    page = _page(number)
    return {
        "name": "page_view",
        "timestamp_micros": 1_795_512_600_000_000 + number,
        "params": {
            "event_id": f"b-{run}-{number}",
            "session_id": number % 997,
            "page_location": page["url"],
            "page_title": page["title"],
            "page_referrer": page["referrer"],
            "source": "google",
            "medium": "cpc",
            "campaign": f"spring-{number % 7}",
            "term": "crm",
            **_OWN,
        },
    }


def _cloudevents(run: int, number: int) -> _Event:
    native = touchpoint(run, number)
    return {
        "specversion": "1.0",
        "id": native["id"],
        "source": "https://shop.example.com/web",
        "type": "com.example.page_viewed",
        "time": _AT,
        "datacontenttype": "application/json",
        "data": {**native.pop("identity"), "page": native["page"], "campaign": native["campaign"], **_OWN},
    }


def _page(number: int) -> dict[str, str]:
    return {
        "url": f"https://shop.example.com/pricing/{number % 50}",
        "path": f"/pricing/{number % 50}",
        "title": "Pricing",
        "referrer": "https://www.google.com/",
    }


def _device(number: int) -> str:
    return f"557bace8-802b-46ce-b2bf-{number:012d}"


BATCHES: Final[Mapping[str, Callable[[list[_Event]], Any]]] = {
    "native": lambda events: {"touchpoints": events},
    "segment": lambda events: {"batch": events, "sentAt": _SENT},
    "rudderstack": lambda events: {"batch": events, "sentAt": _SENT},
    "posthog": lambda events: {"api_key": "tw_x", "sent_at": _SENT, "batch": events},
    "snowplow": lambda events: {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": events,
    },
    "ga4": lambda events: {
        "client_id": _device(0),
        "user_id": "u-1",
        "user_agent": _AGENT,
        "device": {"category": "desktop", "language": "da-DK"},
        "events": events,
    },
    "cloudevents": lambda events: events,
}
"""By protocol, events to the request that holds them."""

PATHS: Final[Mapping[str, str]] = {
    "native": "/v1/touchpoints",
    "segment": "/v1/batch",
    "posthog": "/batch/",
    "snowplow": "/com.snowplowanalytics.snowplow/tp2",
    "ga4": "/mp/collect?measurement_id=G-1",
    "cloudevents": "/v1/events",
}
"""Where each is posted."""

_EVENTS: Final[Mapping[str, Callable[[int, int], Any]]] = {
    "native": touchpoint,
    "segment": _segment,
    "rudderstack": _rudderstack,
    "posthog": _posthog,
    "snowplow": _snowplow,
    "ga4": _ga4,
    "cloudevents": _cloudevents,
}


def batches(protocol: str, run: int, events: int, each: int) -> list[bytes]:
    """So many events in requests of ``each``."""
    make, batch = _EVENTS[protocol], BATCHES[protocol]
    return [
        msgspec.json.encode(batch([make(run, number) for number in range(first, first + each)]))
        for first in range(0, events, each)
    ]
