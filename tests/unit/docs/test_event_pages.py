"""The pages about Snowplow, Google Analytics 4 and CloudEvents publish the tables that the code has."""

import re
from pathlib import Path

from services.ingest.protocols.cloudevents import KEYS, NATIVE_TYPE
from services.ingest.protocols.ga4 import KINDS, MAX_EVENTS
from services.ingest.protocols.snowplow_events import COMMERCE, SCHEMAS
from services.ingest.settings import EventsSettings, SnowplowSettings


def _page(name: str) -> str:
    return Path(f"docs/connect/{name}.md").read_text()


def _rows(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE))


def test_kinds_of_snowplow() -> None:
    schemas, commerce = _page("snowplow").partition("Of Snowplow's own schemas")[2].split("and of `snowplow_ecommerce")

    assert _rows(schemas) == SCHEMAS
    assert _rows(commerce) == COMMERCE


def test_settings_of_snowplow() -> None:
    named = set(re.findall(r"^\| `INGEST_SNOWPLOW_(\w+)`", _page("snowplow"), re.MULTILINE))

    assert named == {name.upper() for name in SnowplowSettings.model_fields}


def test_kinds_of_google_analytics() -> None:
    assert _rows(_page("google-analytics-4")) == KINDS
    assert f"more than {MAX_EVENTS} events" in _page("google-analytics-4")


def test_names_of_keys_in_cloudevents() -> None:
    page = _page("cloudevents")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)

    assert {ours: tuple(re.findall(r"`(\w+)`", names)) for ours, names in rows if ours in KEYS} == KEYS
    assert f"`{NATIVE_TYPE}`" in page


def test_settings_of_a_topic_of_cloudevents() -> None:
    named = set(re.findall(r"^\| `INGEST_EVENTS_(\w+)`", _page("cloudevents"), re.MULTILINE))

    assert named == {name.upper() for name in EventsSettings.model_fields}
