"""Charts as SVG paths, drawn here: nothing runs in the browser, and no style is inline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobqueue.queue.v1 import job_pb2

MINUTES = 60
BAR, STEP, HEIGHT = 2, 3, 28


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Completed and failed jobs by minute, failed ones on top. Paths are in a box of `width` by `height`."""

    width: int
    height: int
    completed_path: str
    failed_path: str
    completed: int
    failed: int

    @property
    def words(self) -> str:
        """The same for people who do not see it."""
        return f"last hour: {self.completed:,} completed, {self.failed:,} failed"


def sparkline(minutes: Iterable[job_pb2.QueueMinute]) -> Sparkline:
    """The last hour of a queue, the newest minute at the right."""
    kept = list(minutes)[-MINUTES:]
    done, failed = [minute.completed for minute in kept], [minute.failed for minute in kept]
    most = max([a + b for a, b in zip(done, failed, strict=True)], default=0)
    done_heights = [_height(value, most) for value in done]
    failed_heights = [_height(value, most) for value in failed]
    first = MINUTES - len(kept)
    return Sparkline(
        width=MINUTES * STEP,
        height=HEIGHT,
        completed_path=_bars(first, done_heights, [0] * len(kept)),
        failed_path=_bars(first, failed_heights, done_heights),
        completed=sum(done),
        failed=sum(failed),
    )


def _height(value: int, most: int) -> int:
    return max(2, round(value / most * (HEIGHT - 2))) if value and most else 0


def _bars(first: int, heights: Sequence[int], below: Sequence[int]) -> str:
    return "".join(
        f"M{(first + place) * STEP} {max(0, HEIGHT - low - height)}h{BAR}v{height}h-{BAR}z"
        for place, (height, low) in enumerate(zip(heights, below, strict=True))
        if height
    )
