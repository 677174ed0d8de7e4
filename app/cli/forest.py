"""Forest plots: one row an estimate, its interval as a line, drawn once and written as SVG or PNG.

Both come from one list of shapes, so that they cannot differ. SVG needs nothing; PNG needs Pillow, which draws lines
and text and is a fortieth of a plotting library. An interval that leaves the axis is refused by construction: the axis
is made from the rows.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from app.errors import InvalidInput, SetupError

WIDTH, ROW, TOP, BOTTOM, SIDE = 900, 30, 58, 52, 20
LABEL_SHARE, FIGURE_SHARE = 0.34, 0.2
INK, MUTED, ACCENT, GRID = "#1c2530", "#66717e", "#1f5fa8", "#d9dee4"
SCALE = 2
"""PNG pixels a unit of the drawing: sharp on paper and on fine screens."""


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate; ``strong`` marks the one to quote. Values in the unit of the axis."""

    label: str
    estimate: float
    lo: float
    hi: float
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``anchor`` is start, middle or end."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 13.0
    anchor: str = "start"


Shape = Line | Box | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a white ground."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str


def draw(title: str, axis: str, rows: Sequence[Row], reference: float | None) -> Drawing:
    """Draw the rows against an axis with a line at ``reference``.

    Raises
    ------
    InvalidInput
        Without a row.
    """
    if not rows:
        raise InvalidInput("There is no interval to plot.")
    left, right = SIDE + WIDTH * LABEL_SHARE, WIDTH - SIDE - WIDTH * FIGURE_SHARE
    marks = ticks([value for row in rows for value in (row.lo, row.hi)] + ([] if reference is None else [reference]))
    low, high = marks[0], marks[-1]
    bottom = TOP + ROW * len(rows)

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    told = textwrap.wrap(_flat(title), 112, max_lines=2, placeholder=" …")
    shapes: list[Shape] = [Words(SIDE, 20 + 19 * place, line, INK, 14.5) for place, line in enumerate(told)]
    for tick in marks:
        shapes.append(Line(across(tick), TOP, across(tick), bottom, GRID))
        shapes.append(Words(across(tick), bottom + 18, written(tick), MUTED, 12.0, "middle"))
    shapes.append(Words((left + right) / 2.0, bottom + 38, axis, MUTED, 12.0, "middle"))
    if reference is not None:
        shapes.append(Line(across(reference), TOP - 4, across(reference), bottom, INK, 1.5))
    for place, row in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        colour, half = (ACCENT, 5.0) if row.strong else (INK, 3.5)
        shapes += [
            Words(SIDE, y + 4.5, _cut(row.label, 42), colour if row.strong else INK),
            Line(across(row.lo), y, across(row.hi), y, colour, 2.5 if row.strong else 1.5),
            Line(across(row.lo), y - half, across(row.lo), y + half, colour, 1.5),
            Line(across(row.hi), y - half, across(row.hi), y + half, colour, 1.5),
            Box(across(row.estimate) - half, y - half, 2 * half, 2 * half, colour),
            Words(WIDTH - SIDE, y + 4.5, _figures(row), colour if row.strong else MUTED, 12.0, "end"),
        ]
    return Drawing(WIDTH, bottom + BOTTOM, tuple(shapes), title)


def write(drawing: Drawing, path: Path) -> None:
    """Write the drawing; the ending of the name says as what.

    Raises
    ------
    InvalidInput
        For another ending than .svg and .png.
    SetupError
        For a PNG without Pillow.
    """
    kind = path.suffix.lower()
    if kind == ".svg":
        path.write_text(svg(drawing), encoding="utf-8")
    elif kind == ".png":
        path.write_bytes(png(drawing))
    else:
        raise InvalidInput(f"A plot is written as .svg or .png, and {path.name} ends in neither.")


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG document."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width:g}" height="{drawing.height:g}" '
        f'viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" font-family="Helvetica, Arial, sans-serif">',
        f"<title>{escape(drawing.title)}</title>",
        f'<rect width="{drawing.width:g}" height="{drawing.height:g}" fill="#ffffff"/>',
    ]
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            lines.append(
                f'<line x1="{shape.x1:.2f}" y1="{shape.y1:.2f}" x2="{shape.x2:.2f}" y2="{shape.y2:.2f}" '
                f'stroke="{shape.colour}" stroke-width="{shape.width:g}"/>'
            )
        elif isinstance(shape, Box):
            lines.append(
                f'<rect x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" height="{shape.height:.2f}" '
                f'fill="{shape.colour}"/>'
            )
        else:
            lines.append(
                f'<text x="{shape.x:.2f}" y="{shape.y:.2f}" font-size="{shape.size:g}" fill="{shape.colour}" '
                f'text-anchor="{shape.anchor}">{escape(shape.text)}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


def png(drawing: Drawing) -> bytes:
    """The drawing as a PNG image.

    Raises
    ------
    SetupError
        Without Pillow.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise SetupError("A PNG needs Pillow: pip install 'presend[plot]'. An .svg needs nothing.") from error
    import io

    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    image = Image.new("RGB", (round(drawing.width * SCALE), round(drawing.height * SCALE)), "#ffffff")
    pen = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        if isinstance(shape, Line):
            ends = [value * SCALE for value in (shape.x1, shape.y1, shape.x2, shape.y2)]
            pen.line(ends, fill=shape.colour, width=max(1, round(shape.width * SCALE)))
        elif isinstance(shape, Box):
            x, y = shape.x * SCALE, shape.y * SCALE
            pen.rectangle((x, y, x + shape.width * SCALE, y + shape.height * SCALE), fill=shape.colour)
        else:
            font = ImageFont.load_default(shape.size * SCALE)
            at = (shape.x * SCALE, shape.y * SCALE)
            pen.text(at, shape.text, fill=shape.colour, font=font, anchor=anchors[shape.anchor])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def ticks(values: Sequence[float]) -> list[float]:
    """Round numbers that hold all values between the first and the last, four to nine of them."""
    low, high = min(values), max(values)
    span = high - low if high > low else max(abs(high), 1.0) * 0.1
    rough = span / 5.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1.0, 2.0, 5.0, 10.0) if power * nice >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = first - 1, last + 1
    return [place * step for place in range(first, last + 1)]


def written(value: float) -> str:
    """A value of an axis in at most six digits."""
    text = f"{value:.6g}"
    return "0" if text == "-0" else text


def _figures(row: Row) -> str:
    digits = 1 if max(abs(row.lo), abs(row.hi)) >= 10.0 else 2
    return f"{row.estimate:.{digits}f} [{row.lo:.{digits}f}, {row.hi:.{digits}f}]"


def _cut(text: str, most: int) -> str:
    flat = _flat(text)
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _flat(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
