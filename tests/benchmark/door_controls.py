"""What the door is measured against: bare uvicorn that says 200, and FastAPI as one would write it on an afternoon.

``python -m tests.benchmark.door_controls bare PORT`` or ``... naive PORT SERVERS TOPIC``.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and says 200."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b"{}"})


class Touchpoint(BaseModel):
    """What the plain route takes."""

    id: str
    kind: str
    occurred_at: str
    identity: dict[str, str]
    campaign: dict[str, str] = {}
    page: dict[str, str] = {}
    properties: dict[str, Any] = {}
    context: dict[str, str] = {}


class Receipt(BaseModel):
    """What it answers."""

    accepted: int


def naive(servers: str, topic: str) -> FastAPI:
    """One awaited record per request, acknowledged by all replicas."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
        await app.state.producer.start()
        yield
        await app.state.producer.stop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/touchpoints")
    async def post(touchpoint: Touchpoint) -> Receipt:
        await app.state.producer.send_and_wait(topic, touchpoint.model_dump_json().encode(), key=touchpoint.id.encode())
        return Receipt(accepted=1)

    return app


if __name__ == "__main__":
    chosen = bare if sys.argv[1] == "bare" else naive(sys.argv[3], sys.argv[4])
    uvicorn.run(chosen, host="127.0.0.1", port=int(sys.argv[2]), log_level="critical", access_log=False)
