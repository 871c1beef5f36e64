import pickle
import zipfile

import pytest
import torch

from omninegclip.data.readers import ccneg
from omninegclip.data.record import read_records, write_records
from omninegclip.errors import OmniNegClipError


def annotation(caption, negated, nested=True):
    inner = {"json": {"caption": caption}} if nested else {"caption": caption}
    return inner | {"sop_data": {"negative-prompt": negated}}


@pytest.fixture
def pickled(tmp_path):
    path = tmp_path / "ccneg_preprocessed.pt"
    data = {
        "image_paths": [f"{ccneg.PREFIX}a/{number}.jpg" for number in range(3)],
        "annotations": [
            annotation("a cat, asleep", "a cat, not asleep"),
            annotation("a dog", "no dog, a lawn", nested=False),
            annotation("a bus", "not a bus"),
        ],
    }
    torch.save(data, path)
    return path


def test_the_last_rows_are_for_evaluation(pickled):
    items = list(ccneg.read(pickled, last=2))
    assert [item.options for item in items] == [("a dog", "no dog a lawn"), ("a bus", "not a bus")]
    assert [item.image.path for item in items] == ["a/1.jpg", "a/2.jpg"]
    assert {item.answer for item in items} == {0}


@pytest.mark.parametrize(
    ("commas", "options"),
    [
        ("both", ("a cat asleep", "a cat not asleep")),
        ("negated", ("a cat, asleep", "a cat not asleep")),
        ("none", ("a cat, asleep", "a cat, not asleep")),
    ],
)
def test_commas_are_stripped_as_asked(pickled, commas, options):
    assert next(ccneg.read(pickled, last=None, strip_commas=commas)).options == options


def test_the_parquet_reads_like_the_pickle(pickled, tmp_path):
    parquet = tmp_path / "ccneg.parquet"
    assert ccneg.convert(pickled, parquet) == 3
    assert list(ccneg.read(parquet)) == list(ccneg.read(pickled))
    assert [row["presence_negated"] for row in read_records(parquet)][1] == "no dog, a lawn"


def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path):
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return marker.mkdir, ()

    path = tmp_path / "evil.pt"
    with path.open("wb") as file:
        pickle.dump({"image_paths": [Evil()], "annotations": []}, file)
    with pytest.raises(OmniNegClipError, match="a pickle of plain lists, dicts and texts is needed"):
        list(ccneg.read(path))
    assert not marker.exists()


def test_uneven_lists_are_refused(tmp_path):
    path = tmp_path / "uneven.pt"
    torch.save({"image_paths": ["a.jpg"], "annotations": []}, path)
    with pytest.raises(OmniNegClipError, match="1 images but 0 annotations"):
        list(ccneg.read(path))


def test_a_compressed_file_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)
    with pytest.raises(OmniNegClipError, match="is compressed and would unpack to 10,000,000 bytes"):
        list(ccneg.read(path))


@pytest.mark.parametrize(
    "annotation", [3, None, {"json": "a cat"}, {"json": {"caption": "a"}, "sop_data": []}]
)
def test_an_annotation_of_another_shape_is_named(tmp_path, annotation):
    torch.save({"image_paths": ["a.jpg"], "annotations": [annotation]}, tmp_path / "a.pt")
    with pytest.raises(OmniNegClipError, match="nnotation 0 of"):
        list(ccneg.read(tmp_path / "a.pt"))


def test_a_record_without_negated_caption_is_named(tmp_path):
    row = {
        "image": "a",
        "image_id": "7",
        "caption": "a cat",
        "presence_negated": None,
        "absence_negated": None,
    }
    write_records(tmp_path / "a.parquet", [row])
    with pytest.raises(OmniNegClipError, match="'presence_negated' of record 7 of"):
        list(ccneg.read(tmp_path / "a.parquet"))
