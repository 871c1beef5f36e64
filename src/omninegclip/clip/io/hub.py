"""A model id of the Hugging Face hub to a folder on this machine."""

import errno
import hashlib
import re
from pathlib import Path

from huggingface_hub import snapshot_download

from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.errors import OmniNegClipError
from omninegclip.files import hash_file

ID = re.compile(r"[\w.-]+/[\w.-]+")
SMALL = ["*.json", "*.txt", "spiece.model"]
WEIGHTS = (
    "model*.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model*.bin",
)  # the first that is there


def looks_like_id(name: str) -> bool:
    """Tell whether `name` has the form owner/model."""
    return ID.fullmatch(name) is not None


def download(name: str, revision: str | None = None, cache: Path | None = None) -> Path:
    """Return the folder with the files of a hub model, from the cache when there is no network.

    Args:
        name: as owner/model.
        revision: a commit; None for the newest.
        cache: folder of downloads; None for that of the hub's own client.

    Raises:
        OmniNegClipError: there is no such model, no network and no cached copy, or no weights in it.
    """
    for weights in WEIGHTS:
        folder = _snapshot(name, [*SMALL, weights], revision, cache)
        if any(folder.glob(weights)):
            return folder
    raise OmniNegClipError(f"The hub model {name} has no weights in a format that PyTorch reads.")


def download_one(name: str, pattern: str, cache: Path) -> Path:
    """Return the one file of a hub repository whose name fits `pattern`, such as *B32*.pth.

    Raises:
        OmniNegClipError: as `download` does, or when no file fits, or several do.
    """
    folder = _snapshot(name, [pattern], None, cache)
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise OmniNegClipError(
            f"One file like {pattern} is needed in the hub's {name}, and there is {listed}."
        )
    return found[0]


def refuse_damaged(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a snapshot, after comparing it with what the hub says of it.

    In the hub's cache a file has its hash for a name: SHA-256 where it is large, else its id in git.

    Raises OmniNegClipError when one is not that, which is removed.
    """
    hashes = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        blob = path.resolve()
        hashes[path.name] = hash_file(blob)
        said = blob.name
        if re.fullmatch("[0-9a-f]{64}", said) and hashes[path.name] != said:
            _refuse(path, blob)
        if re.fullmatch("[0-9a-f]{40}", said) and git_id(blob) != said:
            _refuse(path, blob)
    return hashes


def git_id(path: Path) -> str:
    """Return the id that git gives to a file with this content; raises OSError when it can't be read."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _snapshot(name: str, patterns: list[str], revision: str | None, cache: Path | None) -> Path:
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, cache_dir=cache))
    except Exception as error:  # the client raises errors of several HTTP libraries
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OmniNegClipError(f"Can't write {cache or name}: {error.strerror}.") from error
        raise OmniNegClipError(
            f"{name} is not a local file or folder, and can't be downloaded from the Hugging Face hub: "
            f"check the name and the network, or give a local folder ({in_one_line(error)})."
        ) from error


def _refuse(path: Path, blob: Path) -> None:
    path.unlink()
    blob.unlink(missing_ok=True)
    raise OmniNegClipError(
        f"{path.name} did not arrive as the hub has it, and was removed: the same command fetches it again."
    )
