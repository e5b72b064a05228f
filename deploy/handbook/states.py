"""The states of a job and what leads from one to another, and the drawing of it: `python -m handbook.states`.

tests/engine/test_states.py tries every event in every state of the real engine and compares.
"""

from __future__ import annotations

from dataclasses import dataclass

from handbook.links import DOCS
from queue_engine.domain.job import JobState

WAITING, ACTIVE, DELAYED, COMPLETED, FAILED = (
    JobState.WAITING,
    JobState.ACTIVE,
    JobState.DELAYED,
    JobState.COMPLETED,
    JobState.FAILED,
)
DRAWING = DOCS / "states.svg"
TRANSITIONS: dict[tuple[JobState, str], JobState] = {
    (WAITING, "taken"): ACTIVE,
    (WAITING, "put off"): DELAYED,
    (WAITING, "cancelled"): FAILED,
    (DELAYED, "due"): WAITING,
    (DELAYED, "run now"): WAITING,
    (DELAYED, "cancelled"): FAILED,
    (ACTIVE, "returned"): COMPLETED,
    (ACTIVE, "attempt failed"): DELAYED,
    (ACTIVE, "deferred"): DELAYED,
    (ACTIVE, "given back"): WAITING,
    (ACTIVE, "lease lost"): WAITING,
    (ACTIVE, "third lease lost"): FAILED,
    (ACTIVE, "last attempt failed"): FAILED,
    (ACTIVE, "interrupted by a cancel"): FAILED,
    (FAILED, "retried"): WAITING,
}
WIDTH, HEIGHT = 1000, 420
BOX_WIDTH, BOX_HEIGHT = 130, 44
PLACES = {WAITING: (230, 130), ACTIVE: (560, 130), COMPLETED: (860, 130), DELAYED: (230, 340), FAILED: (860, 340)}


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line through points, and where its label begins; the label's lines are the events of that transition."""

    source: JobState | None
    target: JobState
    points: str
    label: tuple[int, int]


ARROWS = (
    Arrow(None, WAITING, "60,130 163,130", (60, 120)),
    Arrow(None, DELAYED, "60,340 163,340", (60, 330)),
    Arrow(WAITING, ACTIVE, "296,120 493,120", (370, 112)),
    Arrow(ACTIVE, WAITING, "494,140 297,140", (400, 158)),
    Arrow(WAITING, DELAYED, "200,152 200,316", (140, 240)),
    Arrow(DELAYED, WAITING, "245,318 245,154", (252, 215)),
    Arrow(ACTIVE, COMPLETED, "626,130 793,130", (680, 122)),
    Arrow(ACTIVE, DELAYED, "540,152 290,316", (392, 268)),
    Arrow(ACTIVE, FAILED, "590,152 820,316", (755, 220)),
    Arrow(WAITING, FAILED, "290,154 792,326", (560, 264)),
    Arrow(DELAYED, FAILED, "296,345 793,345", (500, 362)),
    Arrow(FAILED, WAITING, "926,340 970,340 970,40 230,40 230,106", (560, 32)),
)
STYLE = """text { font: 14px system-ui, sans-serif; fill: #1f2933; }
.event { font-size: 13px; paint-order: stroke; stroke: #fff; stroke-width: 5px; }
rect.state { fill: #eef2ff; stroke: #3f51b5; } polyline { fill: none; stroke: #52606d; marker-end: url(#head); }"""

HEAD = """<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#52606d"/></marker></defs>"""


def drawing() -> str:
    """The diagram as SVG; raises LookupError when an arrow has no events or a transition no arrow."""
    drawn = {(arrow.source, arrow.target) for arrow in ARROWS}
    if missing := {(source, target) for (source, _), target in TRANSITIONS.items()} - drawn:
        raise LookupError(f"no arrow is drawn for {missing}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>The states of a job and what leads from one to another</title>",
        f"<style>{STYLE}</style>",
        HEAD,
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
        *(f'<polyline points="{arrow.points}"/>' for arrow in ARROWS),
        *(_label(arrow) for arrow in ARROWS),
        *(_box(state, *place) for state, place in PLACES.items()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _label(arrow: Arrow) -> str:
    x, y = arrow.label
    lines = _events(arrow)
    spans = "".join(f'<tspan x="{x}" dy="{16 * bool(row)}">{line}</tspan>' for row, line in enumerate(lines))
    return f'<text class="event" x="{x}" y="{y}">{spans}</text>'


def _events(arrow: Arrow) -> list[str]:
    if arrow.source is None:
        return ["enqueued"] if arrow.target is WAITING else ["due later"]
    events = [
        event for (source, event), target in TRANSITIONS.items() if (source, target) == (arrow.source, arrow.target)
    ]
    if not events:
        raise LookupError(f"nothing leads from {arrow.source} to {arrow.target}")
    return events


def _box(state: JobState, x: int, y: int) -> str:
    left, top = x - BOX_WIDTH // 2, y - BOX_HEIGHT // 2
    return (
        f'<rect class="state" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="600">{state.value}</text>'
    )


if __name__ == "__main__":
    DRAWING.write_text(drawing())
