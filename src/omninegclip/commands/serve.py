"""The verb `serve`."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from omninegclip.commands.options import Between, Flag, IndexModelOptions
from omninegclip.errors import OmniNegClipError

KEYS = "OMNINEGCLIP_API_KEYS"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServedOptions:
    """What is served.

    Attributes:
        db: Folder of the index; default: a small index of drawn scenes, made at the first time.
        compare: The base model whose texts the page sets beside the index's own.
        records: Records whose objects_present tell what photos show, beside their images; drawn scenes need
            none.
        report: Folder of an evaluation, as `quickstart` and `leaderboard` write it.
    """

    db: str | None = None
    compare: str | None = None
    records: Path | None = None
    report: Path | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """Who may ask.

    Attributes:
        allow_host: A name by which this server is reached beside --host; may be repeated.
        quiet: Write no line for each request.
    """

    allow_host: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    quiet: Flag = False


def serve(
    *,
    served: ServedOptions = ServedOptions(),
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Between(0, 65535))] = 8000,
    model: str | None = None,
    weights: IndexModelOptions = IndexModelOptions(),
    access: AccessOptions = AccessOptions(),
) -> None:
    """Serve an index of images: an HTTP API, and a page that shows what was understood and why.

    Where the environment variable OMNINEGCLIP_API_KEYS holds keys, between commas, each request needs one.

    Args:
        host: The address to listen on; 0.0.0.0 lets other machines ask.
        port: 0 takes a free one.
        model: Where the model of the index lies now, if it was moved.
    """
    from omninegclip.extras import needed_for
    from omninegclip.progress import console

    with needed_for("serve"):
        from omninegclip.serve.app import EXAMPLES, Setup, make_app
        from omninegclip.serve.guard import Access
        from omninegclip.serve.server import serve as run
    from omninegclip.clip.io.load import is_bare
    from omninegclip.index.loading import name_of
    from omninegclip.index.search import Index
    from omninegclip.serve import demo
    from omninegclip.serve.evaluation import files_of
    from omninegclip.serve.service import Service
    from omninegclip.serve.truth import Truth

    keys = tuple(key.strip() for key in os.environ.get(KEYS, "").split(",") if key.strip())
    if short := [key for key in keys if len(key) < 16]:
        raise OmniNegClipError(f"{KEYS} has a key of {len(short[0])} characters: take 16 or more.")
    db = served.db or demo.demonstration()
    shown = files_of(served.report) if served.report else {}
    index, base = Index.open(db, model=model, **asdict(weights)), served.compare
    if base and is_bare(base):
        base = name_of(index.store.header, base, weights.activation, weights.tokenizer)
    service = Service(index, Truth(served.records), base)
    hosts = (*LOOPBACK, *access.allow_host) if host in LOOPBACK or access.allow_host else ()
    if host not in LOOPBACK and not keys:
        console.print(
            f"Everybody who reaches {host} can search: set {KEYS} to keys that they need.", soft_wrap=True
        )
    setup = Setup(
        name=Path(served.db).name if served.db else "Drawn scenes",
        access=Access(keys, hosts),
        examples=EXAMPLES if served.db else demo.EXAMPLES,
        evaluation=shown,
        quiet=access.quiet,
    )
    run(make_app(service, setup), host, port, setup.limits)
