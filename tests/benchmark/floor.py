"""The least an answer from the database can cost: bare ASGI on uvicorn and one prepared primary-key select."""

import sys
from typing import Any

import uvicorn

from shared.database.engine import create_pool
from shared.database.roles import Role

_SELECT = "SELECT shard, revision FROM metrics.shard WHERE workspace_id = $1 AND shard = $2"
_NOBODY = "00000000-0000-0000-0000-000000000000"


def _application(dsn: str) -> Any:
    pool: Any = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal pool
        if scope["type"] == "lifespan":
            await receive()
            pool = await create_pool(dsn, Role.METRICS_WORKER, size=1)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        row = await pool.fetchrow(_SELECT, _NOBODY, 0)
        body = b"{}" if row is None else b'{"found":true}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    uvicorn.run(
        _application(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="critical", access_log=False
    )
