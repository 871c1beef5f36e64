"""What is fetched and from where: the table `sources.yaml`, with a user's mirrors over it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, cast

from omninegclip import plain_yaml
from omninegclip.errors import OmniNegClipError
from omninegclip.training.objective import suggestion


class FileSource(NamedTuple):
    """A public file.

    Attributes:
        name: what the user calls it, as in `--skip`.
        what: what it holds.
        url: its address.
        licence: as its publisher states it.
        read: where address, size and checksum were read.
        sha256: in hexadecimal digits; empty where nobody published it.
        git: the id that git gives the content, where that is known instead.
        bytes: its size; 0 where it is not known.
        put: where it lies below the data folder; empty for an archive.
        unpack: the beginning of a member's name -> where what begins so goes, below the data folder.
        needs: the source without which this one is useless; empty for none.
    """

    name: str
    what: str
    url: str
    licence: str
    read: str
    sha256: str = ""
    git: str = ""
    bytes: int = 0
    put: str = ""
    unpack: Mapping[str, str] = {}
    needs: str = ""

    @property
    def pinned(self) -> bool:
        """Whether its content is known before it is fetched."""
        return bool(self.sha256 or self.git)


class ManualSource(NamedTuple):
    """Files that a person has to fetch: the page, and where each goes below the data folder."""

    name: str
    what: str
    page: str
    files: Mapping[str, str]
    licence: str
    read: str


class AbsentSource(NamedTuple):
    """What can't be had, and why."""

    name: str
    why: str


class Backbone(NamedTuple):
    """A pretrained model on the hub; an empty revision is the newest, which is recorded when fetched."""

    name: str
    backbone: str
    dim: int
    parameters: int
    licence: str
    read: str
    revision: str = ""
    trains: bool = True

    @property
    def bytes(self) -> int:
        """Return the size of its weights in float32."""
        return 4 * self.parameters


class ReleasedModel(NamedTuple):
    """A checkpoint of the field: `file` (a pattern) in a repository of the hub, or `put` there by hand."""

    name: str
    what: str
    base: str
    licence: str
    read: str
    hub: str = ""
    file: str = ""
    page: str = ""
    put: str = ""


class SourceTable(NamedTuple):
    """All sources, in the order in which they are fetched."""

    files: tuple[FileSource, ...]
    manual: tuple[ManualSource, ...]
    absent: tuple[AbsentSource, ...]
    backbones: tuple[Backbone, ...]
    released: tuple[ReleasedModel, ...]

    def backbone(self, name: str) -> Backbone:
        """Return the backbone called `name`; raises OmniNegClipError when there is none."""
        known = {each.name: each for each in self.backbones}
        if name not in known:
            raise OmniNegClipError(
                f"--model {name}: there is no such backbone{suggestion(name, list(known))}; "
                f"there are {', '.join(known)}."
            )
        return known[name]

    def without(self, skipped: Sequence[str]) -> "SourceTable":
        """Return the table without the named files, and without what is useless then.

        Raises OmniNegClipError for a name that no file has.
        """
        known = [each.name for each in self.files]
        for name in skipped:
            if name not in known:
                raise OmniNegClipError(
                    f"--skip {name}: there is no such file{suggestion(name, known)}; there are "
                    f"{', '.join(known)}."
                )
        left = tuple(each for each in self.files if not {each.name, each.needs} & set(skipped))
        return self._replace(files=left)

    def mirrored(self, path: Path) -> "SourceTable":
        """Return the table with the addresses, checksums and sizes of a mirror file over the public ones.

        The file is YAML, as in `coco-val2017: {url: http://here/val2017.zip}`; a checksum or a size is needed
        where the mirror's file is another one.

        Raises OmniNegClipError for a file of another form, or a name that no source has.
        """
        mirrors = plain_yaml.read(path, f"The mirror file {path}")
        if not isinstance(mirrors, dict):
            raise OmniNegClipError(f"The mirror file {path} must hold names of sources, each with its url.")
        known = {each.name: each for each in self.files}
        for name, values in mirrors.items():
            if name not in known:
                raise OmniNegClipError(
                    f"The mirror file {path} names {name!r}, which is no source"
                    f"{suggestion(name, list(known))}."
                )
            known[name] = _mirrored(known[name], values, path)
        return self._replace(files=tuple(known.values()))


@cache
def load_sources() -> SourceTable:
    """Return the table that ships."""
    table = cast(
        dict[str, list[dict[str, object]]],
        plain_yaml.parse((files(__package__) / "sources.yaml").read_text("utf-8"), "sources.yaml"),
    )
    return SourceTable(
        tuple(FileSource(**entry) for entry in table["files"]),  # type: ignore[arg-type]
        tuple(ManualSource(**entry) for entry in table["manual"]),  # type: ignore[arg-type]
        tuple(AbsentSource(**entry) for entry in table["absent"]),  # type: ignore[arg-type]
        tuple(Backbone(**entry) for entry in table["backbones"]),  # type: ignore[arg-type]
        tuple(ReleasedModel(**entry) for entry in table["released"]),  # type: ignore[arg-type]
    )


def _mirrored(source: FileSource, values: object, path: Path) -> FileSource:
    kinds = {"url": str, "sha256": str, "bytes": int}
    said = values if isinstance(values, dict) else {}
    fits = "url" in said and set(said) <= set(kinds)
    if not fits or not all(type(value) is kinds[key] for key, value in said.items()):
        raise OmniNegClipError(
            f"The mirror file {path}: {source.name} needs a url, and may have sha256 and bytes."
        )
    if not str(said["url"]).startswith(("http://", "https://")):
        raise OmniNegClipError(
            f"The mirror file {path}: the url of {source.name} must begin with http:// or https://."
        )
    if not re.fullmatch("[0-9a-f]{64}", str(said.get("sha256", "0" * 64))):
        raise OmniNegClipError(
            f"The mirror file {path}: the sha256 of {source.name} must be 64 hexadecimal digits, lower case."
        )
    if int(said.get("bytes", 0)) < 0:
        raise OmniNegClipError(f"The mirror file {path}: the bytes of {source.name} must not be below 0.")
    if "sha256" in said:  # another file: what is known of the public one says nothing of it
        source = source._replace(git="", bytes=0)
    return source._replace(**said)
