"""Examples of the documents, run as they stand there: only keys and addresses are replaced by a real instance's."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.instance import Instance

_EXAMPLE = re.compile(r"<!-- run: (.+?) -->\n```\w+\n(.*?)```", re.DOTALL)
_NODE = Path("tests/e2e/node_clients")


@dataclass(frozen=True, slots=True)
class Example:
    """One block of a document and what runs it: ``sh``, ``python``, ``node``, ``browser`` and a script, or ``page``."""

    runner: str
    text: str


def examples_of(page: Path) -> list[Example]:
    """The blocks that a comment ``run: RUNNER`` stands before."""
    return [Example(*found) for found in _EXAMPLE.findall(page.read_text())]


def run_example(example: Example, instance: Instance) -> str:
    """What it prints; it must end well. In a shell every request must be answered with success too."""
    line, folder = _line(example.runner, filled_in(example, instance))
    done = subprocess.run(
        line, cwd=folder, env=instance.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def filled_in(example: Example, instance: Instance) -> str:
    """Its text with the keys and addresses of a real instance."""
    text = example.text.replace("tw_...", instance.write_key).replace("ts_...", instance.secret_key)
    for standard, real in (("7101", instance.ingest), ("7102", instance.scoring), ("7103", instance.metrics)):
        text = text.replace(f"http://127.0.0.1:{standard}", real)
    return text


def _line(runner: str, text: str) -> tuple[list[str], Path]:
    match runner:
        case "python":
            return [sys.executable, "-c", text], Path()
        case "node":
            return ["node", "--input-type=module", "-e", text], _NODE
        case "sh":
            return ["bash", "-euo", "pipefail", "-c", text.replace("curl ", "curl -sS --fail-with-body ")], Path()
        case _:
            raise AssertionError(f"no runner {runner}")
