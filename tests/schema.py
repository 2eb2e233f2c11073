"""All tables that the code declares."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from sqlalchemy import MetaData

import services
from shared.database import tables as access_tables
from shared.streaming import tables as streaming_tables


def declared_metadata() -> list[MetaData]:
    """One collection per schema, of every service and of what services share."""
    modules = [access_tables, streaming_tables, *_service_tables()]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, MetaData)]
    return list({id(metadata): metadata for metadata in found}.values())


def owned_tables() -> frozenset[str]:
    """Tables of services whose rows belong to a workspace, as ``schema.table``."""
    tables = [table for metadata in declared_metadata() for table in metadata.tables.values()]
    return frozenset(table.fullname for table in tables if "workspace_id" in table.c and table.schema not in _SHARED)


_SHARED = {"access", "streaming"}


def _service_tables() -> Iterator[ModuleType]:
    for service in pkgutil.iter_modules(services.__path__, "services."):
        if service.name != "services.cli":
            yield importlib.import_module(f"{service.name}.tables")
