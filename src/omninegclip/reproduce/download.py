"""Public files to WORK/data: resumed where they were cut off, checked, unpacked, and never fetched twice."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get

from omninegclip.clip.io import hub
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.errors import OmniNegClipError
from omninegclip.files import PARTIAL, hash_file, read_intact, write_sealed
from omninegclip.progress import console
from omninegclip.reproduce.sources import Backbone, FileSource, ManualSource, ReleasedModel
from omninegclip.reproduce.unpack import unpack

DATA, SEALS, DOWNLOADS, HUB, MODELS = "data", "sources", "downloads", "hub", "models"  # folders of WORK
GONE, BEYOND = (404, 410), 416  # HTTP: there is no such file; it has no bytes behind these
PAGE = (b"<!doctype html", b"<html")  # begins what a proxy or a login sends in place of a file


class SourceGoneError(OmniNegClipError):
    """A public file is not there any more, so that the rest has to do without."""


def is_there(source: FileSource, work: Path) -> bool:
    """Tell whether a file was fetched, and is the one that the table means."""
    seal = read_intact(_seal(work, source.name))
    places = filter(None, [source.put, *source.unpack.values()])
    return (
        seal is not None
        and seal["sha256"] == (source.sha256 or seal["sha256"])
        and all((work / DATA / place).exists() for place in places)
    )


def is_put(source: ManualSource, work: Path) -> bool:
    """Tell whether a person has laid all the files where they belong."""
    return all((work / DATA / place).exists() for place in source.files)


def fetch(source: FileSource, work: Path) -> None:
    """Fetch a file, unless that was done, and unpack it; a partial file of an earlier call is completed.

    Raises:
        SourceGoneError: it is not there any more.
        OmniNegClipError: it can't be fetched now, is not the file that is known, or the disk is full.
    """
    if is_there(source, work):
        return
    partial = work / DOWNLOADS / f"{source.name}{PARTIAL}"
    with _writing(source.name):
        partial.parent.mkdir(parents=True, exist_ok=True)
        if partial.is_symlink():
            partial.unlink()  # what it leads to is not ours to append to
        _download(source, partial)
        digest, size = _checked(source, partial), partial.stat().st_size
        if source.unpack:
            _unpack(source, partial, work / DATA)
        else:
            place = work / DATA / source.put
            place.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(place)
    known = read_intact(_seal(work, source.name))
    if known and not source.pinned and known["sha256"] != digest:
        console.print(f"{source.name} is another file than when it was last fetched from {known['url']}.")
    facts = {"url": source.url, "sha256": digest, "bytes": size, "pinned": source.pinned}
    write_sealed(_seal(work, source.name), facts)
    partial.unlink(missing_ok=True)


def fetch_backbone(backbone: Backbone, work: Path) -> Path:
    """Return the folder of a pretrained model, fetched and checked once.

    Raises OmniNegClipError when it can't be fetched, or arrives damaged.
    """
    return _kept(
        backbone.name,
        work,
        lambda: hub.download(backbone.name, backbone.revision or None, work / HUB),
    )


def fetch_released(model: ReleasedModel, work: Path) -> Path | None:
    """Return the checkpoint of a released model; None where a person has to put it and has not.

    Raises OmniNegClipError when the hub hasn't got it, or it arrives damaged.
    """
    if not model.hub:
        place = work / MODELS / model.put
        return place if place.exists() else None
    return _kept(model.name, work, lambda: hub.download_one(model.hub, model.file, work / HUB))


def require_space(needed: int, work: Path) -> None:
    """Raise OmniNegClipError when fewer than `needed` bytes are free in the folder."""
    free = shutil.disk_usage(work).free
    if free < needed:
        raise OmniNegClipError(
            f"{work} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed to fetch and unpack: "
            "name another folder with --work, or leave files out with --skip."
        )


def _kept(name: str, work: Path, download: Callable[[], Path]) -> Path:
    """Return what was fetched from the hub before, or fetch it, compare its hashes and remember it."""
    seal = _seal(work, name.replace("/", "--"))
    known = read_intact(seal)
    place = work / str(known["place"]) if known else None
    if place and place.exists():
        return place
    place = download()
    folder = place if place.is_dir() else place.parent
    hashes = hub.refuse_damaged(folder)
    facts = {"revision": folder.name, "place": str(place.relative_to(work)), "sha256": hashes}
    write_sealed(seal, facts)
    return place


def _seal(work: Path, name: str) -> Path:
    return work / SEALS / f"{name}.json"


def _download(source: FileSource, partial: Path) -> None:
    """Append what is missing of a file; its server is asked again when it breaks off or wants us to wait."""
    with partial.open("ab") as file:
        begun = file.tell()
        if source.bytes:
            require_space(source.bytes - begun, partial.parent)
        try:
            http_get(
                source.url,
                file,
                resume_size=begun,
                expected_size=source.bytes or None,
                displayed_filename=source.name,
            )
        except HfHubHTTPError as error:
            _say(source, error, begun)
        except Exception as error:  # also of the client's HTTP library
            if getattr(error, "errno", None):  # of this machine, as a full disk is
                raise
            file.flush()
            _refuse_page(source, partial)
            raise OmniNegClipError(
                f"{source.name} can't be fetched from {source.url} ({in_one_line(error)}): the same command "
                f"goes on after the {file.tell():,} bytes that are there."
            ) from error


def _say(source: FileSource, error: HfHubHTTPError, begun: int) -> None:
    """Raise what an answer of the server means, but nothing where the file is there to its end already."""
    status = error.response.status_code
    if status == BEYOND and begun:
        return
    if status in GONE:
        raise SourceGoneError(
            f"{source.name} is not at {source.url} (HTTP {status}): name another address in a --mirror file, "
            f"or leave it out with --skip {source.name}."
        ) from error
    why = "asks to wait" if status == 429 else "refused"
    raise OmniNegClipError(
        f"The server of {source.name}, {source.url}, {why} (HTTP {status}): try again later; what was "
        "fetched is kept."
    ) from error


def _checked(source: FileSource, partial: Path) -> str:
    """Return the SHA-256 of a file; one that is not what is known of it is removed, and an error."""
    _refuse_page(source, partial)
    digest = hash_file(partial)
    wrong = source.sha256 and digest != source.sha256
    if wrong or (source.git and hub.git_id(partial) != source.git):
        partial.unlink()
        raise OmniNegClipError(
            f"{source.name} from {source.url} is not the file that is known: its SHA-256 is {digest}, and "
            f"{source.sha256 or 'its id in git ' + source.git} is expected. It was removed; the same command "
            "fetches it again."
        )
    return digest


def _refuse_page(source: FileSource, partial: Path) -> None:
    """Remove a web page that came in place of a file, none of which is one; that is an error."""
    with partial.open("rb") as file:
        beginning = file.read(100).lstrip().lower()
    if beginning.startswith(PAGE):
        partial.unlink()
        raise OmniNegClipError(
            f"What came from {source.url} is a web page and not {source.name}: a proxy or a login may stand "
            "in between. It was removed; try again from another network, or name another address in a "
            "--mirror file."
        )


def _unpack(source: FileSource, archive: Path, data: Path) -> None:
    """Unpack an archive; one that can't be read is removed, unless it is known to be the right one."""
    try:
        unpack(archive, source.unpack, data, source.name)
    except OmniNegClipError as error:
        if source.pinned:
            raise
        archive.unlink()
        raise OmniNegClipError(f"{error} It was removed; the same command fetches it again.") from error


@contextmanager
def _writing(name: str) -> Iterator[None]:
    """Turn a full disk into a sentence; what was fetched is kept, and a next call goes on from it."""
    try:
        yield
    except OSError as error:
        raise OmniNegClipError(
            f"Can't write {error.filename or name}: {error.strerror or error}. What was fetched is kept; the "
            "same command goes on."
        ) from error
