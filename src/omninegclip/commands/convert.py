"""The verb `convert`."""

from pathlib import Path
from typing import Literal

from omninegclip.commands.options import Json, WeightOptions
from omninegclip.printable import say_facts


def convert(
    source: str,
    destination: Path,
    *,
    to: Literal["hf", "openai", "open_clip"],
    weights: WeightOptions = WeightOptions(),
    json_: Json = False,
) -> None:
    """Write a model in another layout, and check that it gives the same embeddings.

    Args:
        source: A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
        destination: New folder.
        to: The layout.
    """
    from omninegclip.clip.io.load import load_clip, read_card
    from omninegclip.clip.io.save import save_clip
    from omninegclip.files import refuse_occupied
    from omninegclip.report.card import derived_card

    refuse_occupied(destination)
    card = read_card(source)  # its figures are still true
    encoder = load_clip(source, activation=weights.activation, tokenizer=weights.tokenizer)
    if card is None:
        metadata = {"layout": to, "activation": encoder.activation}
        library = encoder.family.library if to == "hf" else "omninegclip"  # transformers reads hf alone
        card = derived_card(destination, source, "was converted from", metadata, library)
    cosine = save_clip(destination, encoder, base=source, layout=to, card=card)
    facts = {"destination": str(destination), "layout": to, "lowest_cosine": cosine}
    say_facts(facts | {"activation": encoder.activation}, json_)
