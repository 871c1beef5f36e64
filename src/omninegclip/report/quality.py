"""The quality report of negated captions, as lines to read."""

import math

from omninegclip.files import JsonObject
from omninegclip.report.table import DASH

_NO_FIGURE = f"  {DASH}: too few captions for a classifier, or nothing of that kind in them"


def as_text(found: JsonObject) -> str:
    """Return a report as lines to read."""
    lines = [f"{_counted(found['rows'], 'row')} of {_counted(found['captions'], 'caption')}"]
    for kind in ("presence", "absence"):
        part = found[kind]
        lines += ["", f"{kind}-based: {part['made']} made, {part['rejected share']:.1%} of rows rejected"]
        lines += [f"  {count:7d}  {name}" for name, count in part["rules"].items()]
        lines += [f"  {count:7d}  rejected: {reason}" for reason, count in part["rejected"].items()]
        shift = f"{part['words more']:+.1f} words, comma changed in {part['comma']:.1%}"
        lines += [f"  {_counted(part['duplicates'], 'duplicate')}, {shift}"]
        lines += [_cue_line("told from its caption", part["cues"])]
        for rule, samples in part["samples"].items():
            lines += [f"  {rule}:"]
            lines += [f"    {sample['caption']}\n      {sample['negated']}" for sample in samples]
    between = found["presence against absence"]
    lines += ["", _cue_line("presence told from absence", between)]
    nouns = found["nouns"]
    lines.append(
        f"  {_counted(nouns['distinct'], 'noun')} denied as absent, the 20 most frequent in "
        f"{_share(nouns['share of the 20 most frequent'])}; the noun alone tells true from false denials in "
        f"{_share(nouns['noun alone'])}"
    )
    cues = (found["presence"]["cues"], found["absence"]["cues"], between)
    if any(math.isnan(accuracy) for each in cues for accuracy in each.values()):
        lines.append(_NO_FIGURE)
    return "\n".join(lines)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _cue_line(what: str, cues: dict[str, float]) -> str:
    return f"  {what} by " + ", ".join(f"{name} {_share(accuracy)}" for name, accuracy in cues.items())


def _share(accuracy: float) -> str:
    return DASH if math.isnan(accuracy) else f"{accuracy:.1%}"
