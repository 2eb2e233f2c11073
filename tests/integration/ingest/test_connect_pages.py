"""The page of each provider: its example request is posted to the real door, signed, and becomes what the page says."""

import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from services.ingest.handlers.hook_providers import providers
from shared.clock import SECOND
from tests.ingest_door import OpenDoor, reaching
from tests.unit.ingest.webhooks.cases import differences
from tests.unit.ingest.webhooks.notification_service import certificate
from tests.unit.ingest.webhooks.signing import SECRETS, SETTINGS, SIGNERS

_PAGES = Path(__file__).parents[3] / "docs" / "connect"
_REQUEST = re.compile(
    r"```http\nPOST (/v1/hooks/[a-z_]+/HOOK)\n(.*?)\n\n(.*?)\n```\n\nbecomes\n\n```json\n(.*?)\n```", re.DOTALL
)


def _page(provider: str) -> str:
    return (_PAGES / f"{provider.replace('_', '-')}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("provider", providers())
async def test_the_example_of_a_page_becomes_what_the_page_says(provider: str, door: OpenDoor) -> None:
    found = _REQUEST.search(_page(provider))
    assert found is not None
    path, header_lines, body, expected = found.groups()
    signature = providers()[provider].signature
    asked = {"provider": provider, "secrets": SECRETS[signature], "settings": SETTINGS.get(signature, {})}
    admin = {"authorization": f"Bearer {door.keys.secret}"}
    made = (await door.client.post("/v1/hooks", json=asked, headers=admin)).json()
    assert path.replace("HOOK", made["hook"]) == made["path"]

    now = door.own.clock.now() // SECOND
    signed = SIGNERS[signature](body.encode(), f"http://ingest{made['path']}", now)
    headers = dict(line.split(": ", 1) for line in header_lines.splitlines())
    at = f"{made['path']}?{signed.query}".rstrip("?")
    async with reaching(door, lambda _: httpx.Response(200, content=certificate())) as outside:
        answer = await outside.client.post(at, content=signed.body, headers={**headers, **signed.headers})

    assert answer.status_code == 200, answer.text
    outcomes = {touchpoint.id: touchpoint for touchpoint in await door.touchpoints()}
    wanted: list[dict[str, Any]] = msgspec.json.decode(expected)
    secret = door.keys.workspace.secret
    assert len(outcomes) == len(wanted), await door.rejections()
    for one in wanted:
        touchpoint = outcomes[one["id"]] if "id" in one else next(iter(outcomes.values()))
        assert differences(touchpoint, one, secret) == []


@pytest.mark.parametrize("provider", providers())
def test_a_page_names_every_secret_and_setting(provider: str) -> None:
    one = providers()[provider]
    named = [*(name for name in one.secrets if name not in {"basic", "header"}), *(one.settings.keys() - {"address"})]

    assert [name for name in named if f"`{name}`" not in _page(provider)] == []
