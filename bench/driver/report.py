"""report.py - results as a person reads them in a terminal.

SPDX-License-Identifier: ISC
"""
FACTORS = {"bytes": ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")),
           "ns": ((1e9, "s"), (1e6, "ms"), (1e3, "us"))}


def quantity(value, unit):
    """A number with a unit that fits its size."""
    for factor, name in FACTORS.get(unit, ()):
        if abs(value) >= factor:
            return f"{value / factor:.1f} {name}"
    digits = 0 if abs(value) >= 1000 or float(value).is_integer() else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def target_words(claim):
    target = claim["target"]
    if target is None:
        return ""
    bound = (f"{target['bound']:.2f} times" if target["of"] == "ratio"
             else quantity(target["bound"], claim["unit"]))
    return f"{target['sense']} {bound}: {'met' if claim['met'] else 'NOT met'}"


def spread_words(claim):
    if "ratio" in claim:
        return f"ratio {claim['ratio']:.2f} ({claim['ratio_low']:.2f} to {claim['ratio_high']:.2f})"
    if "value_low" in claim and claim["value_low"] != claim["value_high"]:
        return (f"({quantity(claim['value_low'], claim['unit'])} to "
                f"{quantity(claim['value_high'], claim['unit'])})")
    return ""


def claim_lines(claim):
    own = quantity(claim["value"], claim["unit"])
    beside = ""
    if "peer_value" in claim:
        beside = f"{claim['peer']} {quantity(claim['peer_value'], claim['unit'])}"
    parts = [f"  {claim['words']:<54} {own:>12}  {beside:<22}", spread_words(claim),
             target_words(claim)]
    yield "  ".join(part for part in parts if part.strip()).rstrip()
    if claim["note"]:
        yield f"      {claim['note']}"


def summary(results):
    met = sum(claim["met"] is True for claim in results.claims)
    not_met = sum(claim["met"] is False for claim in results.claims)
    told = sum(claim["met"] is None for claim in results.claims)
    line = f"{met} met, {not_met} NOT met, {told} without a target"
    if results.skipped:
        line += f", {len(results.skipped)} skipped"
    if results.failed:
        line += f", {len(results.failed)} failed"
    return line
