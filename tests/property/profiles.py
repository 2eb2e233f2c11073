"""How many examples the property tests try: ``TRAGT_EXAMPLES=20`` tries twenty times as many as the suite does."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("TRAGT_EXAMPLES", "1"))  # noqa: TID251 - asked by the person who runs the tests
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(count: int) -> settings:
    """Settings for ``count`` examples in the suite; a failure prints the blob that repeats it."""
    return settings(max_examples=count * TIMES, deadline=None, print_blob=True, suppress_health_check=SLOW)
