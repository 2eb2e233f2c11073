"""A real ingest, bombarded with mutated requests to every route it has: no 5xx but 503, and it lives on."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from fastapi.routing import APIRoute

from services.ingest.api import serving
from services.ingest.api.intake import Intake
from services.ingest.bootstrap import opened
from services.ingest.handlers.hook_providers import providers
from tests.chaos.fuzz.mutation import mutated
from tests.chaos.fuzz.request import Seed
from tests.chaos.fuzz.targets import TARGETS
from tests.durable_postgres import running_postgres
from tests.ingest_door import Keys, make_keys, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.unit.ingest.webhooks.signing import SECRETS, SETTINGS

_CLIENTS: Final = 8
_ANSWER_SECONDS: Final = 20.0
_SILENCE_SECONDS: Final = 0.3
"""After a damaged head the server may rightly wait for more; we do not."""

_DAMAGED_HEADS: Final = 0.15
_PARAMETER: Final = re.compile(r"\{\w+\}")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_NO_BODY: Final = (204, 304)
_WORDS: Final = ("1", "a", "..%2f..", "%00", "%ff", "9" * 40, "a" * 300, "7d8a2f5e-9d53-4d1f-8e57-0d9c1d7b9d10")
_TARGET_OF_TAG: Final = {
    "segment": "segment", "rudderstack": "segment", "posthog": "posthog", "snowplow": "snowplow", "ga4": "ga4",
    "cloudevents": "cloudevents", "hooks": "webhook", "links": "links", "imports": "rows", "policy": "policy",
}  # fmt: skip
_PUBLIC: Final = frozenset(
    {"touchpoints", "segment", "rudderstack", "posthog", "snowplow", "ga4", "cloudevents", "links"}
)


@dataclass(slots=True)
class Bombarded:
    """What came of it."""

    statuses: Counter[int] = field(default_factory=Counter)
    routes: int = 0
    unanswered: int = 0
    slowest_seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    def line(self) -> str:
        """As it is printed."""
        by_status = ", ".join(f"{status} x {count:,}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.statuses.total():,} answers of {self.routes} routes ({by_status}), {self.unanswered:,} damaged "
            f"heads without one, slowest {self.slowest_seconds:.2f} s"
        )


@dataclass(frozen=True, slots=True)
class _Route:
    """A method and a path, with the key that it asks for and the seeds of what it reads."""

    method: str
    path: str
    key: str
    seeds: Sequence[Seed]


def bombard(seconds: float, folder: Path, seed: int) -> Bombarded:
    """Start an ingest on an empty database, send for so long, end it."""
    folder.mkdir(parents=True, exist_ok=True)
    done = Bombarded()
    with _ingest(folder) as (running, keys, known):
        routes = _with_hooks(running, keys, known)
        done.routes = len({(route.method, route.path) for route in routes})
        asyncio.run(_Bombardment(running.port, routes, folder, done).run(seconds, seed))
        if running.process.poll() is not None or not running.is_live():
            done.findings.append(f"http: the process ended or is deaf: {running.log}")
        done.findings += _complaints(running.log)
    return done


@contextmanager
def _ingest(folder: Path) -> Iterator[tuple[IngestProcess, Keys, list[_Route]]]:
    with running_postgres() as postgres:
        keys, routes = asyncio.run(_prepared(postgres.dsn))
        settings = {"INGEST_DATABASE_DSN": postgres.dsn, "INGEST_LOG_DSN": postgres.dsn}
        with running_ingest(folder, {**settings, "INGEST_SNOWPLOW_REDIRECT_HOSTS": "shop.example"}) as running:
            running.wait_for(running.is_ready)
            yield running, keys, routes


async def _prepared(dsn: str) -> tuple[Keys, list[_Route]]:
    """Keys, and every route that the application has."""
    async with opened(settings_for(dsn)) as own:
        keys = await make_keys(own)
        found = serving.api(own, serving.surfaces(own), Intake(1_000_000, 1_000_000)).routes
    seeds = {name: target.seeds() for name, target in TARGETS.items()}
    routes = []
    for route in found:
        if isinstance(route, APIRoute):
            tag = str(route.tags[0]) if route.tags else ""
            key = keys.write if tag in _PUBLIC else keys.secret
            chosen = seeds[_TARGET_OF_TAG.get(tag, "native")]
            routes += [_Route(method, route.path, key, chosen) for method in sorted(route.methods or ())]
    return keys, routes


def _with_hooks(running: IngestProcess, keys: Keys, routes: Sequence[_Route]) -> list[_Route]:
    """The routes, with a hook of every provider instead of any."""
    known = [route for route in routes if not route.path.startswith("/v1/hooks/{provider}/{hook}")]
    seeds: dict[str, list[Seed]] = {}
    for seed in TARGETS["webhook"].seeds():
        seeds.setdefault(seed.headers["provider"], []).append(seed)
    for name, provider in providers().items():
        asked = {
            "provider": name,
            "secrets": SECRETS[provider.signature],
            "settings": SETTINGS.get(provider.signature, {}),
        }
        headers = {"authorization": f"Bearer {keys.secret}"}
        made = httpx.post(f"{running.address}/v1/hooks", json=asked, headers=headers, timeout=20)
        assert made.status_code == httpx.codes.CREATED, made.text
        known += [_Route(method, made.json()["path"], "", seeds[name]) for method in ("POST", "GET", "HEAD")]
    return known


@dataclass(slots=True)
class _Bombardment:
    """Clients that send until the time is over."""

    port: int
    routes: Sequence[_Route]
    folder: Path
    done: Bombarded
    known: set[str] = field(default_factory=set)

    async def run(self, seconds: float, seed: int) -> None:
        """All clients."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for number in range(_CLIENTS):
                tasks.create_task(self._client(random.Random(seed + number), end))

    async def _client(self, chance: random.Random, end: float) -> None:
        while time.monotonic() < end:
            route = chance.choice(self.routes)
            data, is_damaged = _request(route, chance)
            begun = time.monotonic()
            status = await self._sent(route, data, _SILENCE_SECONDS if is_damaged else _ANSWER_SECONDS)
            if status is None:
                self.done.unanswered += is_damaged
                if not is_damaged:
                    self._found(f"no answer to {route.method} {route.path}", data)
                continue
            self.done.statuses[status] += 1
            self.done.slowest_seconds = max(self.done.slowest_seconds, time.monotonic() - begun)
            if status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.SERVICE_UNAVAILABLE:
                self._found(f"{status} to {route.method} {route.path}", data)

    async def _sent(self, route: _Route, data: bytes, within_seconds: float) -> int | None:
        try:
            async with asyncio.timeout(within_seconds):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(data)
                    return await _status_of(reader, route.method)
                finally:
                    writer.close()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return None

    def _found(self, what: str, data: bytes) -> None:
        if what not in self.known:
            self.known.add(what)
            path = self.folder / f"found-{len(self.known)}"
            path.write_bytes(data)
            self.done.findings.append(f"http: {what} ({path})")


def _request(route: _Route, chance: random.Random) -> tuple[bytes, bool]:
    """A request to the route, and whether its head is damaged."""
    seed = chance.choice(route.seeds)
    body = mutated(seed.body, chance) if chance.random() < 0.9 else seed.body
    query = seed.query or (b"" if chance.random() < 0.7 else chance.choice(chance.choice(_QUERIES)).query)
    path = _PARAMETER.sub(lambda _: route.key if chance.random() < 0.3 else chance.choice(_WORDS), route.path)
    target = path.encode() + (b"?" + _in_address(query, chance) if query else b"")
    said = {**seed.headers, "authorization": f"Bearer {route.key}", **_more(chance)}
    headers = b"".join(
        b"%s: %s\r\n" % (name.encode(), _in_header(value)) for name, value in said.items() if name and value
    )
    length = b"" if route.method in {"GET", "HEAD"} else b"content-length: %d\r\n" % len(body)
    head = b"%s %s HTTP/1.1\r\nhost: x\r\n%s%s\r\n" % (route.method.encode(), target, headers, length)
    if chance.random() < _DAMAGED_HEADS:
        return mutated(head + (body if length else b""), chance, 60_000), True
    return head + (body if length else b""), False


def _in_address(query: bytes, chance: random.Random) -> bytes:
    """Some of it changed, and nothing that an address cannot hold."""
    changed = mutated(query, chance, 8_000) if chance.random() < 0.5 else query
    return b"".join(bytes([one]) if 0x21 <= one < 0x7F and one != 0x23 else b"%%%02x" % one for one in changed)


def _in_header(value: str) -> bytes:
    return re.sub(rb"[\x00-\x1f\x7f]", b"", value.encode("latin-1", "replace")).strip() or b"x"


def _more(chance: random.Random) -> Mapping[str, str]:
    """What a browser or a proxy says besides."""
    said = {
        "origin": "https://shop.example",
        "referer": chance.choice(("https://shop.example/?utm_source=x", "http://[::1", "\xff")),
        "cookie": "sp=7d8a2f5e-9d53-4d1f-8e57-0d9c1d7b9d10",
        "user-agent": chance.choice(("Mozilla/5.0 (iPhone)", "curl/8", "\xe6" * 400)),
        "accept-language": chance.choice(("da-DK,da;q=0.9", ",;q=", "\xff")),
        "content-encoding": chance.choice(("gzip", "br", "deflate", "nonsense")),
        "sp-anonymous": "*",
        "sec-gpc": "1",
        "x-forwarded-for": "1.2.3.4, nonsense",
        "posthog-request-timestamp": "2026-11-25T09:30:00Z",
        "if-none-match": '"x"',
    }
    return {name: value for name, value in said.items() if chance.random() < 0.15}


async def _status_of(reader: asyncio.StreamReader, method: str) -> int:
    """The status of the answer, all of which is read."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = _LENGTH.search(head)
    if length and method != "HEAD" and status not in _NO_BODY:
        with suppress(asyncio.IncompleteReadError):
            await reader.readexactly(int(length[1]))
    return status


def _complaints(log: Path) -> list[str]:
    """What the process has logged as its own fault, the first of it."""
    lines = [line for line in log.read_bytes().splitlines() if b'"level":"error"' in line.replace(b": ", b":")]
    return [f"http: it logged {len(lines)} errors, e.g. {lines[0].decode()[:600]} ({log})"] if lines else []


_QUERIES: Final = [TARGETS[name].seeds() for name in ("posthog", "snowplow", "links")]
