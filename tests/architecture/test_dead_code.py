"""What nobody calls is deleted. The product alone is read: a function that only tests call is dead as well."""

import vulture

from tests.architecture.source import PRODUCT, ROOT

_KINDS = {"function", "class", "method", "property", "unreachable_code"}
"""Variables are left out: the fields of messages and settings are read by libraries, not by us. Imports are ruff's."""

_CALLED_BY_FRAMEWORKS = {
    "upgrade",  # alembic, per migration
    "downgrade",  # alembic, and whoever takes a release back
    "settings_customise_sources",  # pydantic-settings
    "_load_env_vars",  # pydantic-settings
    "capture_signals",  # uvicorn
    "_unsupported_upgrade_warning",  # uvicorn
    "on_partitions_revoked",  # aiokafka
    "on_partitions_assigned",  # aiokafka
}
_FOR_TESTS_AND_DOCUMENTS = {
    "ManualClock",  # the second clock of decision 0035
    "advance",
    "Silent",  # the observer of a loop that nobody watches
    "documentation",  # the table of telemetry in the documents
}
_DECORATORS = [
    "@router.*",
    "@app.*",
    "@*.command*",
    "@*.callback*",
    "@model_validator*",
    "@field_validator*",
    "@_takes*",
]


def test_everything_in_the_product_is_used_by_the_product() -> None:
    reader = vulture.Vulture(ignore_decorators=_DECORATORS)
    reader.scavenge([str(ROOT / package) for package in PRODUCT])

    found = [
        f"{item.filename.relative_to(ROOT)}:{item.first_lineno} {item.typ} {item.name}"
        for item in reader.get_unused_code(min_confidence=60)
        if item.typ in _KINDS and item.name not in _CALLED_BY_FRAMEWORKS | _FOR_TESTS_AND_DOCUMENTS
    ]

    assert found == []
