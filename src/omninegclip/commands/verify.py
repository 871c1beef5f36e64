"""The verb `verify`."""

from omninegclip.commands.options import Json, ModelOptions
from omninegclip.printable import say_facts


def verify(
    model: str, *, against: str | None = None, weights: ModelOptions = ModelOptions(), json_: Json = False
) -> None:
    """Check that a model is what it claims to be, and where it differs from its base.

    Args:
        model: A model that ships, a folder, a weight file, or an id of the Hugging Face hub.
        against: The base model to compare with, named likewise.
    """
    from omninegclip.clip.verify import verify as look
    from omninegclip.progress import show
    from omninegclip.report.verification import verification_tables

    found = look(*weights.named([model] if against is None else [model, against]))
    say_facts(found.as_dict() if json_ else found.summary, json_)
    if not json_:
        show(*verification_tables(found))
    found.refuse_failed()
