"""Documents that people write: YAML, of which JSON is a part."""

from pathlib import Path
from typing import Any

import yaml

from services.cli.exits import Ended, Exit


def read_document(file: Path) -> Any:
    """What the file says. Raises Ended when it cannot be read."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Ended(Exit.MISUSED, f"{file} is neither YAML nor JSON: {error}") from error
