"""Files that people name, and the documents in them: YAML, of which JSON is a part."""

import sys
from pathlib import Path
from typing import Any

import yaml

from services.cli.exits import Ended, Exit


def read_bytes(file: Path) -> bytes:
    """What is in the file, - for standard input. Raises Ended when it cannot be read."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Ended(Exit.MISUSED, f"{file} cannot be read: {error.strerror}") from error


def read_document(file: Path) -> Any:
    """What the file says. Raises Ended when it cannot be read."""
    try:
        return yaml.safe_load(read_bytes(file).decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Ended(Exit.MISUSED, f"{file} is neither YAML nor JSON: {error}") from error
