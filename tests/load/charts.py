"""Charts as SVG text, without a library: bars of figures, and lines over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, BAR, GAP = 720, 190, 22, 8
SIDE, RIGHT, TOP, BOTTOM = 60, 520, 44, 330
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    '<rect width="100%" height="100%" fill="#fff"/><text x="12" y="24" font-size="15" font-weight="bold">{title}</text>'
)
OURS, THEIRS = "#3949ab", "#b0bec5"
COLOURS = ("#3949ab", "#c62828", "#2e7d32", "#ef6c00", "#6a1b9a", "#00838f", "#5d4037", "#546e7a", "#ad1457")


def bars(
    title: str, figures: Mapping[str, float], *, ours: str, unit: str, spread: Mapping[str, tuple[float, float]]
) -> str:
    """One bar each, the largest first; a thin line from the smallest to the largest run."""
    most = max([*figures.values(), *(high for _, high in spread.values())], default=1) or 1
    scale = (WIDTH - LEFT - 110) / most
    parts = [HEAD.format(width=WIDTH, height=50 + len(figures) * (BAR + GAP), title=escape(title))]
    for row, (name, value) in enumerate(sorted(figures.items(), key=lambda each: -each[1])):
        top = 42 + row * (BAR + GAP)
        middle = top + BAR / 2
        low, high = (LEFT + bound * scale for bound in spread[name])
        colour = OURS if name == ours else THEIRS
        parts += [
            _text(LEFT - 8, middle + 4, name, "end"),
            f'<rect x="{LEFT}" y="{top}" width="{max(1, value * scale):.1f}" height="{BAR}" fill="{colour}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#000" stroke-width="1.5"/>',
            _text(max(LEFT + value * scale, high) + 6, middle + 4, f"{_short(value)} {unit}"),
        ]
    return "\n".join([*parts, "</svg>\n"])


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str) -> str:
    """Lines over two logarithmic axes."""
    frame = _Frame.around([point for points in series.values() for point in points])
    parts = [HEAD.format(width=WIDTH, height=380, title=escape(title)), *frame.grid()]
    for number, (name, points) in enumerate(series.items()):
        colour, y = COLOURS[number % len(COLOURS)], TOP + 12 + number * 20
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<path d="M{RIGHT + 14} {y - 4}h18" stroke="{colour}" stroke-width="3"/>',
            _text(RIGHT + 38, y, name),
        ]
    return "\n".join(
        [*parts, _text((SIDE + RIGHT) / 2, BOTTOM + 40, across, "middle"), _text(12, TOP - 6, up), "</svg>\n"]
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where points are drawn; the bounds are powers of ten."""

    left: float
    right: float
    low: int
    high: int
    ticks: tuple[float, ...]

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> _Frame:
        xs, ys = sorted({x for x, _ in points}), [math.log10(y) for _, y in points]
        low = math.floor(min(ys))
        return cls(math.log10(xs[0]), math.log10(xs[-1]), low, max(math.ceil(max(ys)), low + 1), tuple(xs))

    def x(self, value: float) -> float:
        return SIDE + (math.log10(value) - self.left) / ((self.right - self.left) or 1) * (RIGHT - SIDE)

    def y(self, value: float) -> float:
        return BOTTOM - (math.log10(value) - self.low) / (self.high - self.low) * (BOTTOM - TOP)

    def grid(self) -> list[str]:
        powers = [10.0**power for power in range(self.low, self.high + 1)]
        rules = [f'<path d="M{SIDE} {self.y(power):.1f}H{RIGHT}" stroke="#ddd"/>' for power in powers]
        heights = [_text(SIDE - 6, self.y(power) + 4, f"{power:g}", "end") for power in powers]
        return [*rules, *heights, *(_text(self.x(tick), BOTTOM + 20, _short(tick), "middle") for tick in self.ticks)]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
