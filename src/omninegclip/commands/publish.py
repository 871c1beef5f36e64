"""The verb `publish`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import Flag, Json
from omninegclip.printable import say, say_json


def publish(
    model: Path,
    repository: str,
    /,
    *,
    licence: str,
    base: str | None = None,
    results: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    yes: Flag = False,
    json_: Json = False,
) -> None:
    """Push a fine-tuned model to the Hugging Face hub, with a card that has all its figures.

    Without --yes nothing is pushed: the card and the files are shown.

    Args:
        model: Folder of the model, as `train` writes it.
        repository: On the hub, as owner/model; made if it isn't there.
        licence: Identifier of the hub, such as mit; it follows from the base model and the data.
        base: Hub id of the model that it was fine-tuned from, if its folder doesn't say it.
        results: Folder of results of `omninegclip evaluate`; may be repeated.
        yes: Push.
    """
    from omninegclip.progress import console
    from omninegclip.reproduce.publish import make_publication

    found = make_publication(model, repository, licence=licence, base=base, results=results)
    address = found.push() if yes else None
    if json_:
        say_json(
            {
                "repository": repository,
                "files": [path.name for path in found.files],
                "bytes": found.bytes,
                "figures": found.figures,
                "fingerprint": found.fingerprint,
                "pushed": address,
            }
        )
        return
    if address:
        say(address)
        return
    say(found.card)
    names = ", ".join(path.name for path in found.files)
    console.print(f"With {names}: {found.bytes:,} bytes. Nothing was pushed: add --yes.", soft_wrap=True)
