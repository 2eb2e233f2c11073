"""R19: how long after a touchpoint was accepted the funnel shows it, against the sum of the parts it cannot avoid."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import asyncpg
import httpx

from tests.benchmark.measure import REPORT, Bound, Row
from tests.chaos.cluster import Running, running

_ROUNDS: Final = 30
_QUICK_ROUNDS: Final = 8
_GIVE_UP_SECONDS: Final = 20.0


async def rows(*, quick: bool) -> list[Row]:
    """The row, on the embedded log with all processes running and nothing else to do."""
    async with running("postgres", {}) as product, httpx.AsyncClient(timeout=30, headers=_key(product)) as client:
        await _seen(product, client, 0)
        fresh, floor = [], []
        for number in range(1, (_QUICK_ROUNDS if quick else _ROUNDS) + 1):
            fresh.append(await _seconds(partial(_seen, product, client, number)))
            floor.append(await _floor(product, client))
    ratio = statistics.median(fresh) / statistics.median(floor)
    beside = f"{statistics.median(fresh) * 1e3:.0f} ms / {statistics.median(floor) * 1e3:.0f} ms"
    what = "accepted to shown in the funnel, p50 / (one durable POST + two commits + one funnel query)"
    return [Row("R19", what, Bound("at most", 4, REPORT), [ratio], beside)]


def _key(product: Running) -> dict[str, str]:
    return {"Authorization": f"Bearer {product.key}"}


async def _seen(product: Running, client: httpx.AsyncClient, number: int) -> None:
    """Post a person's first touchpoint, and ask the funnel until it counts it."""
    wanted = await _entered(product, client) + 1
    await _post(product, client, f"fresh-{number}")
    deadline = asyncio.get_running_loop().time() + _GIVE_UP_SECONDS
    while await _entered(product, client) < wanted:
        assert asyncio.get_running_loop().time() < deadline, f"the funnel did not show it in {_GIVE_UP_SECONDS} s"


async def _post(product: Running, client: httpx.AsyncClient, user: str) -> None:
    item = {"kind": "page_viewed", "identity": {"user_id": user}, "page": {"path": "/"}}
    (await client.post(f"{product.address('ingest')}/v1/touchpoints", json=item)).raise_for_status()


async def _entered(product: Running, client: httpx.AsyncClient) -> int:
    answer: dict[str, Any] = (await client.get(f"{product.address('metrics')}/v1/funnel")).raise_for_status().json()
    return int(answer["steps"][0]["entered"])


async def _floor(product: Running, client: httpx.AsyncClient) -> float:
    """The parts one after the other, each alone: a durable POST, two commits, a funnel query."""
    connection = await asyncpg.connect(product.dsn)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS public.floor (n integer)")
        post = await _seconds(lambda: _post(product, client, "floor"))
        commit = await _seconds(lambda: connection.execute("INSERT INTO public.floor VALUES (1)"))
        query = await _seconds(lambda: _entered(product, client))
    finally:
        await connection.close()
    return post + 2 * commit + query


async def _seconds(block: Callable[[], Awaitable[object]]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await block()
    return loop.time() - began
