"""One batch or request is one transaction, opened and committed in few places (docs/decisions/0003).

A commit in a store function would make half a batch durable: its position without its leads, or the other way round.
"""

from pathlib import Path

from tests.architecture.source import calls_of, product_modules

_COMMITTERS = {
    Path("shared/streaming/processor.py"),
    Path("shared/streaming/relay.py"),
    Path("shared/database/session.py"),
    Path("shared/streaming/kafka/consumer.py"),  # tells Kafka how far we are, for lag tools; no transaction
}


def test_only_the_processor_the_relay_and_the_session_commit() -> None:
    found = [
        module.place(call)
        for module in product_modules()
        if module.path not in _COMMITTERS
        for call in calls_of(module.tree, "commit")
    ]

    assert found == []


def test_stores_handlers_and_queries_open_no_engine_transaction() -> None:
    found = [
        module.place(call)
        for module in product_modules()
        if module.path.parts[0] == "services" and module.path.parts[1] != "cli"
        for call in calls_of(module.tree, "begin", "autocommit", "execution_options")
        if not call.args
    ]

    assert found == []
