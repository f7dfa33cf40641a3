# SPDX-License-Identifier: Apache-2.0
"""pace: work that is spread evenly over a time. A busy machine takes longer for the same work."""

import time

TICK_S = 0.02


def ticks(seconds, per_second):
    """Yields how much is to be done now, until seconds * per_second is done. What is late is made
    up for, but not all at once."""
    total, done, start = int(seconds * per_second), 0, time.monotonic()
    at_once = int(per_second * TICK_S * 4) + 1
    while done < total:
        begun_s = time.monotonic() - start
        count = min(int(begun_s * per_second), total) - done
        if count:
            count = min(count, at_once)
            yield count
            done += count
        time.sleep(max(0.0, TICK_S - (time.monotonic() - start - begun_s)))
