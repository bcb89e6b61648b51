"""drawing.py - the claims as bars, in an SVG that is readable in light and in dark.

Every bar is a ratio, on a logarithmic scale from one tenth to ten, with a line at 1: to the peer,
where there is one, else to the target. All are turned so that right of the line is better: a ratio
of which less is better is drawn as its inverse, and the text beside tells the figure as it is.

SPDX-License-Identifier: ISC
"""
import math
from xml.sax.saxutils import escape

from driver.report import quantity

WIDTH, LEFT, RIGHT, ROW, TOP, BAR = 1090, 400, 320, 28, 96, 14
SCALE_LOW, SCALE_HIGH = 0.1, 10.0
MARKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
LEGEND = (("met", "target met"), ("missed", "target not met"), ("told", "without a target"))

STYLE = """
  svg { font: 13px system-ui, sans-serif; background: #fff }
  text { fill: #222 } .quiet { fill: #666 } .title { font-size: 17px; font-weight: 600 }
  .grid { stroke: #ddd } .one { stroke: #444; stroke-width: 1.5 } .spread { stroke: #222 }
  .met { fill: #2b8a5a } .missed { fill: #c2413a } .told { fill: #5b7db1 }
  @media (prefers-color-scheme: dark) {
    svg { background: #16181c } text { fill: #e6e6e6 } .quiet { fill: #9aa0a8 }
    .grid { stroke: #33373d } .one { stroke: #bbb } .spread { stroke: #e6e6e6 }
    .met { fill: #4cbf87 } .missed { fill: #ee6a62 } .told { fill: #7fa3da }
  }
"""


def less_is_better(claim):
    return claim.get("better") == "less"


def ratios_of(claim):
    """(ratio, low, high) with more being better, or None for a claim that has nothing to be
    compared with."""
    if "ratio" in claim:
        found = claim["ratio"], claim["ratio_low"], claim["ratio_high"]
    elif claim["target"] is not None and claim["target"]["bound"] > 0:
        bound = claim["target"]["bound"]
        found = tuple(claim.get(key, claim["value"]) / bound
                      for key in ("value", "value_low", "value_high"))
    else:
        return None
    if less_is_better(claim):
        ratio, low, high = (1 / value if value > 0 else math.inf for value in found)
        return ratio, high, low
    return found


def x_of(ratio):
    inside = min(max(ratio, SCALE_LOW), SCALE_HIGH)
    share = math.log(inside / SCALE_LOW) / math.log(SCALE_HIGH / SCALE_LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f'{escape(words)}</text>')


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def grid(bottom):
    for mark in MARKS:
        yield line(x_of(mark), TOP - 12, x_of(mark), bottom, "one" if mark == 1 else "grid")
        yield text(x_of(mark), TOP - 18, f"{mark:g}", "quiet", "middle")


def legend(y):
    x = WIDTH - 400
    for kind, words in LEGEND:
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" class="{kind}"/>'
        yield text(x + 18, y, words, "quiet")
        x += 132


def ratio_words(ratio):
    return f"{ratio:.2f}" if ratio < 100 else "100+"


def figure_words(claim):
    own = quantity(claim["value"], claim["unit"])
    if "peer_value" in claim:
        return f"{own}; {claim['peer']} {quantity(claim['peer_value'], claim['unit'])}"
    if claim["target"] is not None:
        return f"{own}; {claim['target']['sense']} " + quantity(claim["target"]["bound"],
                                                                claim["unit"])
    return own


def bar(claim, ratios, top):
    ratio, low, high = ratios
    kind = {True: "met", False: "missed", None: "told"}[claim["met"]]
    begin, end = sorted((x_of(1), x_of(ratio)))
    middle = top + ROW / 2
    yield text(LEFT - 10, middle + 4, claim["words"], "", "end")
    yield (f'<rect x="{begin:.1f}" y="{middle - BAR / 2:.1f}" width="{max(end - begin, 1):.1f}" '
           f'height="{BAR}" class="{kind}"/>')
    if low != high:
        yield line(x_of(low), middle, x_of(high), middle, "spread")
        for x in (x_of(low), x_of(high)):
            yield line(x, middle - 4, x, middle + 4, "spread")
    yield text(WIDTH - RIGHT + 14, middle + 4, ratio_words(ratio))
    yield text(WIDTH - RIGHT + 58, middle + 4, figure_words(claim), "quiet")


def draw(results):
    rows = [(claim, ratios) for claim in results.claims
            if (ratios := ratios_of(claim)) is not None]
    bottom = TOP + ROW * len(rows)
    height = bottom + 44
    about = results.machine
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">',
        "<title>Loom's benchmark</title>", f"<style>{STYLE}</style>",
        text(20, 28, "Loom beside its peers and its targets", "title"),
        text(20, 48, "Right of 1 is better. Bars: median; whiskers: lowest and highest.", "quiet"),
        *legend(28),
        *grid(bottom),
    ]
    for number, (claim, ratios) in enumerate(rows):
        parts.extend(bar(claim, ratios, TOP + number * ROW))
    parts.append(text(20, bottom + 28, f"{about['processor']}, {about['kernel']}; "
                      f"{results.method}; peer: {results.peer['version']}", "quiet"))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def write(results, path):
    with open(path, "w", encoding="utf-8") as file:
        file.write(draw(results))
