"""What the documents tell a user to type works as it is written, in the order it is written."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.documents import examples_of, run_example
from tests.e2e.instance import Instance, running_instance
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

README = Path("README.md")
API = Path("docs/api.md")


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with running_instance() as running:
        yield running


def wait_for(instance: Instance, key: str, status: str) -> None:
    """Until the lead of ``key`` has ``status``."""
    address = f"{instance.scoring}/v1/leads/by/{key}"

    def is_there() -> bool:
        return (instance.read(address) or {}).get("status") == status

    wait_until(is_there, within_seconds=20, what=f"{key} is {status}")


def test_the_examples_of_the_readme_make_leads(instance: Instance) -> None:
    examples = examples_of(README)
    sending, asking = examples[:3], examples[3:]
    assert [example.runner for example in sending] == ["python", "node", "sh"]

    for example in sending:
        run_example(example, instance)

    wait_for(instance, "email/ada@acme.example", "sql")
    wait_for(instance, "user_id/u-2", "customer")
    wait_for(instance, "email/grace@navy.example", "mql")
    assert len(asking) == 2
    for example in asking:
        assert run_example(example, instance)


def test_the_api_page_names_every_route_that_is_there_and_no_other(instance: Instance) -> None:
    there = {
        f"{method.upper()} {path}"
        for service in (instance.ingest, instance.scoring, instance.metrics)
        for path, methods in instance.read(f"{service}/openapi.json")["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }

    named = set(re.findall(r"`((?:GET|POST|PATCH|PUT|DELETE) /v1/[^`?]*)[^`]*`", API.read_text()))

    assert named == there


def test_the_examples_of_the_api_page_are_answered(instance: Instance) -> None:
    examples = examples_of(API)
    assert len(examples) == 4

    run_example(examples[0], instance)
    wait_for(instance, "email/ida@dairy.example", "sql")
    for example in examples[1:]:
        run_example(example, instance)
