"""Puts the surfaces of ingest together and serves them."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI

from services.ingest.api import (
    analytics_js,
    browser,
    cloudevents,
    fast,
    ga4,
    imports,
    links,
    mounted,
    policy,
    posthog,
    rejected,
    rudderstack,
    schemas,
    segment,
    snowplow,
    touchpoints,
    tracker,
    trial,
    webhooks,
)
from services.ingest.api.browser import Fetches
from services.ingest.api.gate import Gate
from services.ingest.api.hot import HotRoutes
from services.ingest.api.intake import Intake
from services.ingest.api.posting import Surface
from services.ingest.api.sender import address_by
from services.ingest.api.snowplow import Collector
from services.ingest.bootstrap import Resources, ensure_log
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.hook_tokens import HookTokens
from services.ingest.handlers.hooks import Hooks
from services.ingest.handlers.importing import Importer
from services.ingest.handlers.recording import Recording
from services.ingest.handlers.replaying import Replay
from services.ingest.handlers.schemas import SchemaRegistry
from services.ingest.settings import LimitSettings
from shared.errors import Unavailable
from shared.http.app import create_app
from shared.http.guard import ConnectionKind, Guard, GuardLimits
from shared.http.serve import Address, serve


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. Raises Misconfigured."""
    app = application(own)
    guard = Guard(bounds(own.settings.limit), own.telemetry, fast_lane(own, app))
    admin = own.log.admin()

    async def check_log() -> None:
        await admin.ping()
        if not own.topics.is_set():
            raise Unavailable("the topics of the log are not made yet")

    own.health.require("log", check_log)
    own.health.require("keys", own.access.check)
    own.health.require("schemas", own.schemas.check)
    try:
        async with asyncio.TaskGroup() as tasks:
            keeping = [tasks.create_task(own.access.run()), tasks.create_task(own.hooks.run())]
            keeping += [tasks.create_task(own.schemas.run()), tasks.create_task(ensure_log(own, stop))]
            await serve(app, Address(own.settings.host, own.settings.port), guard, stop)
            for task in keeping:
                task.cancel()
    finally:
        await admin.close()


def bounds(limits: LimitSettings) -> GuardLimits:
    """What the guard lets through."""
    return GuardLimits(
        max_head_bytes=limits.head_bytes,
        max_body_bytes=limits.body_bytes,
        max_connections=limits.connections,
        max_address_connections=limits.address_connections,
        streamed=imports.PATH.encode(),
    )


def application(own: Resources) -> HotRoutes:
    """The hot routes in front of everything else."""
    posting = surfaces(own)
    limits = own.settings.limit
    endpoints = {path: endpoint for surface in posting for path, endpoint in surface.endpoints.items()}
    intake = Intake(limits.body_bytes, limits.held_bytes)
    return HotRoutes(api(own, posting, intake), endpoints, intake, own.telemetry)


def fast_lane(own: Resources, app: HotRoutes) -> ConnectionKind | None:
    """Connections that answer the hot routes themselves; None where they are switched off, traced or not to be had."""
    if not own.settings.fast or own.telemetry.tracer is not None:
        return None
    if not fast.fits():
        structlog.get_logger("ingest").warning("fast.unfit", reason="another uvicorn than the one it was made for")
        return None
    routes = {path.encode(): route for path, route in app.routes.items()}
    gate = Gate(own.access, own.allowances)
    return fast.FastLane(routes, app.intake, own.telemetry, gate.check_early).connection


def surfaces(own: Resources) -> Sequence[Surface]:
    """The posting routes, protocol by protocol."""
    door, gate, limits = _door(own), Gate(own.access, own.allowances), own.settings.limit
    alike = [one.surface(door, gate, limits) for one in (touchpoints, segment, rudderstack, posthog, ga4, cloudevents)]
    return [*alike, snowplow.surface(_collector(own))]


def fetched(own: Resources) -> Sequence[Fetches]:
    """The routes that browsers fetch, protocol by protocol."""
    door, gate, settings = _door(own), Gate(own.access, own.allowances), own.settings
    return [
        segment.fetches(door, gate, settings.public_address),
        rudderstack.fetches(door, gate),
        posthog.fetches(door, gate, settings.limit),
        snowplow.fetches(_collector(own)),
    ]


def api(own: Resources, posting: Sequence[Surface], intake: Intake) -> FastAPI:
    """Every route as FastAPI has it."""
    return create_app(
        title="tragt ingest",
        version=version("tragt"),
        description="Takes touchpoints from any client and answers 200 once they are durable.",
        routers=[
            rejected.router,
            policy.router,
            schemas.router,
            imports.router,
            trial.router(own.clock, own.schemas),
            webhooks.administration(own.clock),
        ],
        open_routers=[
            mounted.router(posting, own.telemetry),
            webhooks.deliveries(_hooks(own), own.clock, own.settings, intake),
            *[browser.router(fetches, own.telemetry) for fetches in fetched(own)],
            links.router(
                Recording(_door(own), own.telemetry),
                Gate(own.access, own.allowances),
                own.clock,
                own.telemetry,
                _make_id,
            ),
            tracker.router(),
            analytics_js.router(own.settings.analytics_js),
        ],
        resources=resources(own),
        checks=own.health,
        telemetry=own.telemetry,
    )


def resources(own: Resources) -> Mapping[str, Any]:
    """What routes find in the state of a request."""
    return {
        "access": own.access,
        "importer": Importer(_door(own), own.allowances, own.writer, own.clock),
        "hooks": own.hooks,
        "writer": own.writer,
        "reader": own.reader,
        "knows_countries": own.country_at is not None,
        "replay": Replay(own.producer, own.writer, own.clock, own.hooks.reader_of, own.schemas),
        "schema_registry": SchemaRegistry(own.writer, own.clock),
    }


def _hooks(own: Resources) -> Hooks:
    return Hooks(
        own.hooks,
        _door(own),
        allowances=own.allowances,
        tokens=HookTokens(own.pool),
        outbound=own.outbound,
        graph_address=own.settings.graph_address,
        telemetry=own.telemetry,
    )


def _collector(own: Resources) -> Collector:
    recording = Recording(_door(own), own.telemetry)
    return Collector(_door(own), Gate(own.access, own.allowances), recording, own.settings, _make_id)


def _door(own: Resources) -> Door:
    return Door(
        own.producer,
        own.clock,
        own.telemetry,
        _make_id,
        own.allowances,
        own.country_at,
        address_of=address_by(own.settings.trusted),
        schemas=own.schemas,
    )


def _make_id() -> str:
    return uuid4().hex
