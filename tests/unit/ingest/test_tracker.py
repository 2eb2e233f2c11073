"""The tracker that is served is the one that can be read, and small."""

import gzip
import re
import subprocess
from pathlib import Path

from services.ingest.domain.landing import CLICK_GROUPS
from tests.parts import require

ROOT = Path("services/ingest/tracker")
MINIFY = Path("tests/e2e/node_clients/minify.mjs")


def test_script_is_what_the_source_makes() -> None:
    line = [require("node", "nodejs"), str(MINIFY), str(ROOT / "tracker.js")]
    made = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)

    assert made.stdout == (ROOT / "t.js").read_text(), "run `make tracker`"


def test_script_is_under_three_kilobytes() -> None:
    assert len(gzip.compress((ROOT / "t.js").read_bytes())) < 3_000


def test_tracker_knows_the_click_ids_that_the_door_knows() -> None:
    listed = re.search(r"/\^\(([a-z_|]+)\)\$/i;", (ROOT / "tracker.js").read_text())

    assert listed is not None
    assert set(listed[1].split("|")) == set(CLICK_GROUPS)
