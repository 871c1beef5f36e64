"""The verb `export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.errors import OmniNegClipError
from omninegclip.printable import say


def export(
    *,
    db: Annotated[str, Parameter(help="Folder of the index.")],
    to: Annotated[Path, Parameter(help="New .parquet file.")],
) -> None:
    """Write an index with its vectors to a Parquet file."""
    from omninegclip.files import refuse_existing
    from omninegclip.index.store import open_store
    from omninegclip.index.transfer import export as write

    if to.suffix != ".parquet":
        raise OmniNegClipError(f"--to {to} must name a new file that ends on .parquet.")
    refuse_existing(to)
    say(f"{write(open_store(db), to):,} images in {to}")
