"""The verb `blend`."""

from pathlib import Path

from omninegclip.commands.options import Json, Share, WeightOptions
from omninegclip.printable import say_facts


def blend(
    start: str,
    end: str,
    destination: Path,
    *,
    alpha: Share = 0.5,
    weights: WeightOptions = WeightOptions(),
    json_: Json = False,
) -> None:
    """Write (1 - alpha) * start + alpha * end, which reduces forgetting (WiSE-FT).

    Args:
        start: Usually the pretrained model.
        end: Usually the fine-tuned one.
        destination: New folder.
        alpha: Share of `end`, from 0 to 1.
    """
    from omninegclip.clip.blend import blend as blend_models
    from omninegclip.clip.io.load import load_clip
    from omninegclip.clip.io.save import save_clip
    from omninegclip.report.card import derived_card

    first, second = map(load_clip, weights.named([start, end]))
    blended = blend_models(first, second, alpha)
    metadata = {"blended with": end, "alpha": f"{alpha:g}", "activation": blended.activation}
    made = f"is a blend (WiSE-FT, alpha {alpha:g}) of {end} with"
    card = derived_card(destination, start, made, metadata, blended.family.library)
    save_clip(destination, blended, base=start, extra={"blended_with": end, "alpha": alpha}, card=card)
    say_facts({"destination": str(destination), "fingerprint": blended.fingerprint}, json_)
