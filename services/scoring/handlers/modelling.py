"""The versions of a workspace's model: which there are, what they say, and one more of them (core 3)."""

import asyncio
from typing import Final, NamedTuple

from services.scoring.domain import model_file
from services.scoring.domain.condition import InvalidModel
from services.scoring.domain.model import Model
from services.scoring.domain.timeline import TEMPLATE_VERSION, Timeline
from services.scoring.handlers.desk import Asker, Desk, opened
from services.scoring.store import models
from services.scoring.store import worlds as worlds_store
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Conflict, FieldFault, InvalidRequest, NotFound

_IDENTITY: Final = "/identity/infer_email_owner"


class Version(NamedTuple):
    """A version. ``published_at`` is None for the template, which holds until a version is published."""

    number: int
    name: str
    published_at: int | None


class Written(NamedTuple):
    """A version with its text, YAML as it was published."""

    version: Version
    body: str


class Draft(NamedTuple):
    """A model that may be published, as text and as what the text says."""

    body: str
    source: object
    model: Model


async def versions(asker: Asker) -> list[Version]:
    """All versions, newest first."""
    async with opened(asker) as desk:
        timeline = desk.world.timeline
        return [_version(timeline, number) for number in sorted(timeline.models, reverse=True)]


async def version(asker: Asker, number: int) -> Written:
    """One version. Raises NotFound."""
    async with opened(asker) as desk:
        return await _written(asker, desk, number)


async def draft(body: str) -> Draft:
    """The model that a text says. Raises InvalidRequest with the place in the model."""
    try:
        # Reading YAML is slow, and others want answers meanwhile.
        source = await asyncio.to_thread(model_file.read, body)
        return Draft(body, source, model_file.checked(source))
    except InvalidModel as error:
        raise InvalidRequest(FieldFault(model_file.pointer(error), "invalid_model", str(error))) from error


async def examine(asker: Asker, body: str) -> Draft:
    """The draft of a text that could be published now. Raises InvalidRequest."""
    found = await draft(body)
    async with opened(asker) as desk:
        _check_identity(found.model, desk.world.model)
    return found


async def publish(asker: Asker, pool: Pool, body: str) -> Version:
    """Publish a version, in force from the next whole second on. Leads follow one after the other.

    Raises InvalidRequest for what is no model, Conflict when the newest version says the same.
    """
    wanted = await draft(body)
    async with borrowed(pool) as connection, connection.transaction():
        await models.lock(connection, asker.workspace)
        world = (await asker.worlds.of(connection, {asker.workspace})).get(asker.workspace)
        if world is None:
            raise NotFound("the workspace of this key is gone")
        newest = world.model.version
        said = asker.worlds.template
        if newest != TEMPLATE_VERSION:
            said = await worlds_store.body(connection, asker.workspace, newest)
        if _same(model_file.read(said), wanted.source):
            raise Conflict(f"version {newest} says just that: there is nothing to publish")
        _check_identity(wanted.model, world.model)
        number = await models.add(connection, asker.workspace, wanted.body, asker.now)
        world = (await asker.worlds.of(connection, {asker.workspace}))[asker.workspace]
        return _version(world.timeline, number)


def _check_identity(wanted: Model, newest: Model) -> None:
    if wanted.infer_email_owner is not newest.infer_email_owner:
        kept = str(newest.infer_email_owner).lower()
        advice = f"who is who holds for all time, so a later version cannot say otherwise: keep {kept}"
        raise InvalidRequest(FieldFault(_IDENTITY, "invalid_value", advice))


def _same(one: object, other: object) -> bool:
    """Whether two models say the same, whatever number they give themselves."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return {**one, "version": None} == {**other, "version": None}


async def _written(asker: Asker, desk: Desk, number: int) -> Written:
    timeline = desk.world.timeline
    if number not in timeline.models:
        raise NotFound(f"there is no model version {number}; the newest is {timeline.newest.version}")
    body = asker.worlds.template
    if number != TEMPLATE_VERSION:
        body = await worlds_store.body(desk.connection, desk.workspace, number)
    return Written(_version(timeline, number), body)


def _version(timeline: Timeline, number: int) -> Version:
    at = None if number == TEMPLATE_VERSION else timeline.recorded[number]
    return Version(number, timeline.models[number].name, at)
