"""The quality report of negated captions, as lines to read."""

from omninegclip.files import JsonObject


def as_text(found: JsonObject) -> str:
    """Return a report as lines to read."""
    lines = [f"{found['rows']} rows of {found['captions']} captions"]
    for kind in ("presence", "absence"):
        part = found[kind]
        lines += ["", f"{kind}-based: {part['made']} made, {part['rejected share']:.1%} of rows rejected"]
        lines += [f"  {count:7d}  {name}" for name, count in part["rules"].items()]
        lines += [f"  {count:7d}  rejected: {reason}" for reason, count in part["rejected"].items()]
        shift = f"{part['words more']:+.1f} words, comma changed in {part['comma']:.1%}"
        lines += [f"  {part['duplicates']} duplicates, {shift}"]
        lines += [_cue_line("told from its caption", part["cues"])]
        lines += [f"  {sample['caption']}\n    {sample['negated']}" for sample in part["samples"]]
    return "\n".join([*lines, "", _cue_line("presence told from absence", found["presence against absence"])])


def _cue_line(what: str, cues: dict[str, float]) -> str:
    return f"  {what} by " + ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in cues.items())
