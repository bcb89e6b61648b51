"""sweep_drawing.py - the loss sweep as a plot: a panel for each delay, goodput over loss, medians
with lowest and highest. Readable in light and in dark.

SPDX-License-Identifier: ISC
"""
import math

from driver.drawing import line, text

PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, GAP = 300, 260, 70, 90, 40
LOW, HIGH = 0.1, 100.0  # Mbit/s
MARKS = (0.1, 1, 10, 100)
SHIFT = 5  # so that the two do not hide each other
SERIES = (("own", "Loom"), ("peer", "Linux"))

STYLE = """
  svg { font: 13px system-ui, sans-serif; background: #fff }
  text { fill: #222 } .quiet { fill: #666 } .title { font-size: 17px; font-weight: 600 }
  .grid { stroke: #ddd } .own { stroke: #2b8a5a; fill: #2b8a5a } .peer { stroke: #5b7db1; fill: #5b7db1 }
  polyline { fill: none !important; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    svg { background: #16181c } text { fill: #e6e6e6 } .quiet { fill: #9aa0a8 } .grid { stroke: #33373d }
    .own { stroke: #4cbf87; fill: #4cbf87 } .peer { stroke: #7fa3da; fill: #7fa3da }
  }
"""


def y_of(rate):
    inside = min(max(rate, LOW), HIGH)
    return TOP + PANEL_HEIGHT * (1 - math.log(inside / LOW) / math.log(HIGH / LOW))


def values_of(claim, kind):
    return claim["values" if kind == "own" else "peer_values"]


def middle_of(claim, kind):
    return claim["value" if kind == "own" else "peer_value"]


def series(places, kind):
    """The line through the medians, and a whisker at each."""
    shift = -SHIFT if kind == "own" else SHIFT
    points = [(x + shift, y_of(middle_of(claim, kind))) for x, _, claim in places]
    lost = [point for point, (_, cell, _) in zip(points, places) if not cell.reorder_percent]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in lost)
    yield f'<polyline points="{joined}" class="{kind}"/>'
    for (x, y), (_, _, claim) in zip(points, places):
        values = values_of(claim, kind)
        yield line(x, y_of(min(values)), x, y_of(max(values)), kind)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="{kind}"/>'


def panel(left, round_trip_ms, found):
    right, bottom = left + PANEL_WIDTH, TOP + PANEL_HEIGHT
    yield text(left, TOP - 12, f"{round_trip_ms} ms there and back")
    for mark in MARKS:
        yield line(left, y_of(mark), right, y_of(mark), "grid")
        yield text(left - 6, y_of(mark) + 4, f"{mark:g}", "quiet", "end")
    step = PANEL_WIDTH / len(found)
    places = [(left + step * (number + 0.5), cell, claim)
              for number, (cell, claim) in enumerate(found)]
    for x, cell, _ in places:
        name = "late" if cell.reorder_percent else f"{cell.loss_percent:g} %"
        yield text(x, bottom + 18, name, "quiet", "middle")
    for kind, _ in SERIES:
        yield from series(places, kind)


def draw(found):
    round_trips = sorted({cell.round_trip_ms for cell, _ in found})
    width = LEFT + len(round_trips) * (PANEL_WIDTH + GAP) + 20
    height = TOP + PANEL_HEIGHT + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">', "<title>The loss sweep</title>",
        f"<style>{STYLE}</style>", text(20, 28, "Goodput over a bad wire of 100 Mbit/s", "title"),
        text(20, 48, "Mbit/s over frames lost; late: 1 % reordered. Dots: medians; lines: lowest "
             "to highest.", "quiet")]
    for number, (kind, name) in enumerate(SERIES):
        parts.append(f'<circle cx="{width - 180 + 90 * number}" cy="24" r="5" class="{kind}"/>')
        parts.append(text(width - 168 + 90 * number, 28, name))
    for number, round_trip in enumerate(round_trips):
        own = [one for one in found if one[0].round_trip_ms == round_trip]
        parts.extend(panel(LEFT + number * (PANEL_WIDTH + GAP), round_trip, own))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def write(found, path):
    with open(path, "w", encoding="utf-8") as file:
        file.write(draw(found))
