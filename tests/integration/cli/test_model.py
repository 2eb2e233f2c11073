"""``tragt model`` against the scoring API: the template is taken out, changed, held to its form, and published."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.access import Scope
from shared.http.guard import Guard, GuardLimits
from shared.telemetry import Telemetry
from tests.cli import Told, tragt
from tests.integration.scoring.api.service import T0, new_key, opened
from tests.scoring_driver import WORKSPACE, b2b
from tests.served import served


class Asked:
    """The command with an address and a key."""

    def __init__(self, port: int, key: str) -> None:
        self._where = ("--address", f"http://127.0.0.1:{port}", "--key", key)

    async def __call__(self, *words: Any) -> Told:
        return await asyncio.to_thread(tragt, "model", *map(str, words), *self._where)


@pytest.fixture
async def ask(database: str) -> AsyncIterator[Asked]:
    async with opened(database, T0) as service:
        key = await new_key(database, WORKSPACE, frozenset({Scope.ADMIN, Scope.LEADS_READ}))
        await service.access.load()
        async with served(service.app, Guard(GuardLimits(), Telemetry())) as port:
            yield Asked(port, key)


async def test_the_model_is_taken_out_changed_and_published(ask: Asked, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text((await ask("show")).out)
    assert file.read_text() == b2b()

    unchanged = await ask("publish", file)
    file.write_text(b2b().replace("visit_gap: 30m", "visit_gap: 1h"))
    valid, published = await ask("validate", file), await ask("publish", file)
    file.write_text(b2b().replace("visit_gap: 30m", "visit_gap: soon"))
    wrong = await ask("publish", file)

    assert (unchanged.code, "nothing to publish" in unchanged.err) == (2, True)
    assert (valid.code, "its stages are awareness, interest" in valid.err) == (0, True)
    assert (published.code, published.err.strip()) == (
        0,
        "version 2 is published, in force from the next second after 2024-10-04T00:00:00Z",
    )
    assert (wrong.code, "/visit_gap: visit_gap: expected a duration" in wrong.err) == (2, True)
    assert "visit_gap: 1h" in (await ask("show")).out
    assert (await ask("show", 1)).out == b2b()
    assert [one["version"] for one in (await ask("show", "--all", "--json")).json["data"]] == [2, 1]
    assert (await ask("show", 7)).code == 1
    assert "cannot be read" in (await ask("validate", tmp_path / "none.yaml")).err
