"""Segment's script where its snippet looks for it, out of an installed package."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from shared.errors import Misconfigured
from tests.ingest_door import OpenDoor, open_door

_MAIN = "/analytics.js/v1/tw_a_b/analytics.min.js"
_PART = "/analytics-next/bundles/407.bundle.61ef.js"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "umd"
    folder.mkdir()
    (folder / "standalone.js").write_text("window.analytics.ready()")
    (folder / "407.bundle.61ef.js").write_text("part()")
    (folder / "standalone.js.map").write_text("{}")
    (tmp_path / "secret.js").write_text("secret()")
    return folder


@pytest.fixture
async def serving_it(database: str, admin_dsn: str, package: Path) -> AsyncIterator[OpenDoor]:
    async with open_door(database, admin_dsn, INGEST_ANALYTICS_JS=str(package)) as door:
        yield door


@pytest.mark.parametrize(
    ("path", "text", "keeping"),
    [(_MAIN, "window.analytics.ready()", "max-age=3600"), (_PART, "part()", "immutable")],
    ids=["main", "part"],
)
async def test_script_is_served_packed_and_once(serving_it: OpenDoor, path: str, text: str, keeping: str) -> None:
    get = serving_it.client.get
    packed = await get(path)
    plain = await get(path, headers={"accept-encoding": "identity"})
    again = await get(path, headers={"if-none-match": packed.headers["etag"]})
    head = await serving_it.client.head(path)

    assert (packed.status_code, packed.text, packed.headers["content-encoding"]) == (200, text, "gzip")
    assert (plain.text, "content-encoding" in plain.headers) == (text, False)
    assert packed.headers["content-type"].startswith("text/javascript")
    assert keeping in packed.headers["cache-control"]
    assert (again.status_code, again.content) == (304, b"")
    assert int(head.headers["content-length"]) == len(gzip.compress(text.encode(), mtime=0))


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "standalone.js.map", "..%2Fsecret.js", "%2E%2E/secret.js", "../../secret.js", "%2Fetc%2Fpasswd"],
)
async def test_nothing_else_is_served(serving_it: OpenDoor, name: str) -> None:
    url = httpx.URL("http://ingest").copy_with(raw_path=f"/analytics-next/bundles/{name}".encode())

    answer = await serving_it.client.get(url)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", [_MAIN, _PART])
async def test_without_the_package_it_says_what_to_set(door: OpenDoor, path: str) -> None:
    answer = await door.client.get(path)

    assert answer.status_code == 404
    assert "INGEST_ANALYTICS_JS" in answer.json()["detail"]


async def test_a_folder_that_is_not_the_package_ends_the_start(database: str, admin_dsn: str, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(Misconfigured, match="INGEST_ANALYTICS_JS"):
            async with open_door(database, admin_dsn, INGEST_ANALYTICS_JS=str(folder)):
                pass
