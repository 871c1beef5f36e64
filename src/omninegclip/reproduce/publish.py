"""A model of ours to the hub: its files, and a card with every figure that was measured of it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, HfApi
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from omninegclip.captions.english import words
from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io import hub
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.metadata import read_metadata
from omninegclip.clip.io.shipped import SHIPPED
from omninegclip.clip.io.untrusted import in_one_line
from omninegclip.environment import versions
from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.results import BenchmarkResult, load_all
from omninegclip.report.card import ModelCard
from omninegclip.report.table import FigureRow

CARD = "README.md"
# Licences by names that SPDX doesn't list.
OF_THE_HUB = words(
    "other unknown cc gpl lgpl lgpl-lr bsd gfdl c-uda odbl odc-by pddl openrail openrail++ "
    "creativeml-openrail-m bigcode-openrail-m bigscience-openrail-m bigscience-bloom-rail-1.0 "
    "deepfloyd-if-license apple-amlr apple-ascl gemma llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 "
    "fair-noncommercial-research-license intel-research h-research open-mdw openmdw-1.0"
)
HIDDEN = "."  # begins the names of files that stay here


class Publication(NamedTuple):
    """What would be pushed.

    Attributes:
        repository: on the hub, as owner/model.
        files: of the model; the card is written anew.
        card: the model card.
        fingerprint: of the model.
        figures: how many there are in the card.
    """

    repository: str
    files: Sequence[Path]
    card: str
    fingerprint: str
    figures: int

    @property
    def bytes(self) -> int:
        """Return the size of the files."""
        return sum(path.stat().st_size for path in self.files)

    def push(self) -> str:
        """Push everything in one commit, to a repository that is made if it isn't there; return its address.

        Raises OmniNegClipError when the hub refuses or can't be reached.
        """
        api = HfApi()
        operations = [CommitOperationAdd(path.name, path) for path in self.files]
        operations.append(CommitOperationAdd(CARD, self.card.encode()))
        message = f"omninegclip publish, fingerprint {self.fingerprint}"
        try:
            api.create_repo(self.repository, exist_ok=True)
            return str(api.create_commit(self.repository, operations, commit_message=message).commit_url)
        except Exception as error:  # the client raises errors of several HTTP libraries
            raise OmniNegClipError(
                f"Can't push to {self.repository} ({in_one_line(error)}): log in with `hf auth login`, and "
                "check that the repository is yours."
            ) from error


def make_publication(
    model: Path, repository: str, *, licence: str, base: str | None, results: Sequence[Path]
) -> Publication:
    """Return what publishing a saved model would push.

    Args:
        model: its folder, as `train` and `convert` write it.
        repository: as owner/model.
        licence: the hub's identifier, such as mit.
        base: hub id of the model that it was fine-tuned from; None for what the folder says.
        results: folders of `evaluate`'s results; those of other models are left out.

    Raises:
        OmniNegClipError: the folder is no such model or is damaged, a name or the licence is none, or the
            results hold no figure of this model.
    """
    if not hub.looks_like_id(repository):
        raise OmniNegClipError(f"{repository} is no repository of the hub: write owner/model.")
    if not _is_licence(licence):
        raise OmniNegClipError(
            f"--licence {licence}: write an identifier of the hub, such as mit, apache-2.0 or other."
        )
    if base is not None and not hub.looks_like_id(base):
        raise OmniNegClipError(f"--base {base}: write the id of a model on the hub, as owner/model.")
    facts = read_metadata(model) if model.is_dir() else {}
    if "fingerprint" not in facts:
        raise OmniNegClipError(
            f"{model} is no folder that `train` or `convert` wrote: only what has a fingerprint is published."
        )
    base = _base(model, facts.get("base", ""), base, repository)
    encoder = load_clip(model)
    rows = _rows(results, encoder.fingerprint)
    if results and not rows:
        raise OmniNegClipError(
            f"{', '.join(map(str, results))} holds no figure of {model} (fingerprint {encoder.fingerprint}): "
            "evaluate it first, or leave out --results."
        )
    card = _card(encoder, repository, licence, base, rows)
    files = [path for path in sorted(model.iterdir()) if path.is_file() and path.name[0] != HIDDEN]
    kept = [path for path in files if path.name != CARD]
    return Publication(repository, kept, card, encoder.fingerprint, len(rows))


def _is_licence(name: str) -> bool:
    """Tell whether the hub knows a licence: SPDX's in small letters, and some that SPDX hasn't."""
    if name in OF_THE_HUB:
        return True
    if not re.fullmatch(r"(?!licenseref-)[a-z0-9.+-]+", name):
        return False
    with suppress(InvalidLicenseExpression):
        return bool(canonicalize_license_expression(name))
    return False


def _base(model: Path, known: str, given: str | None, repository: str) -> str | None:
    """Return the hub id of the base model, None where neither the folder nor the user tells one."""
    stated = known if hub.looks_like_id(known) and not Path(known).exists() else None
    if given == repository:
        raise OmniNegClipError(f"--base {given} is the repository itself: name the model it was made from.")
    if given and (stated or known in SHIPPED) and given != known:
        raise OmniNegClipError(f"--base {given}: {model} says that it was made from {known}; leave it out.")
    return given or stated


def _card(
    encoder: ClipEncoder, repository: str, licence: str, base: str | None, rows: Sequence[FigureRow]
) -> str:
    return ModelCard(
        name=repository.partition("/")[2],
        place=repository,
        summary=f"A CLIP fine-tuned for negation by omninegclip{f', from {base}' if base else ''}.",
        licence=licence,
        base_model=base,
        rows=rows,
        columns=(repository,),
        measured_on="Benchmarks of `omninegclip evaluate`, each with its protocol. Blind: the best rule that "
        "reads the texts alone."
        if rows
        else "Nothing was measured: run `omninegclip evaluate`.",
        metadata={
            "fingerprint": encoder.fingerprint,
            "activation": encoder.activation,
            "base model": base or "not stated",
            "omninegclip": versions()["omninegclip"],
        },
        limits=[
            "A high figure on NegBench's choices shows little: a rule without the image has 98.6 % of COCO's."
        ],
        attribution=f"Base model: {base or 'not stated'}. Method: arXiv 2603.29258.",
        library=encoder.family.library,
    ).markdown()


def _rows(folders: Sequence[Path], fingerprint: str) -> list[FigureRow]:
    """Return the figures of the model with this fingerprint."""
    found = (
        [each for each in load_all(folders) if each.model["fingerprint"] == fingerprint] if folders else []
    )
    rows = [
        _row(result, measure, figure)
        for result in found
        for measure, figure in result.measures.items()
        if figure in result.figures
    ]
    return sorted(rows, key=lambda row: (row.metric, row.group))


def _row(result: BenchmarkResult, measure: str, figure: str) -> FigureRow:
    lowest_wins = figure.startswith("exclusion")
    blind = result.figures[figure]["blind"].values()
    how = result.settings.get("score")
    said = f"{result.benchmark}, {result.protocol}{f', scored by the {how}' if how else ''}"
    best = (min if lowest_wins else max)(blind, default=None)
    values = (result.estimate(figure),)
    return FigureRow(f"{measure}: {figure}", said, values, best, None, higher_is_better=not lowest_wins)
