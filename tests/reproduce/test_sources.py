"""The table of sources, and a user's mirrors over it."""

import hashlib
import re
from pathlib import Path

import pytest

from omninegclip.errors import OmniNegClipError
from omninegclip.evaluation.suite import load_suite
from omninegclip.reproduce.records import BOXES, CAPTIONS, NEGATIONCLIP
from omninegclip.reproduce.sources import load_sources

TABLE = load_sources()
SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_every_source_says_where_it_is_from_and_under_which_licence():
    for each in TABLE.files:
        assert each.url.startswith(("http://", "https://")), each.name
        assert each.licence, each.name
        assert each.read, each.name
        assert bool(each.put) != bool(each.unpack), each.name
        assert re.fullmatch(r"([0-9a-f]{64})?", each.sha256), each.name
        assert re.fullmatch(r"([0-9a-f]{40})?", each.git), each.name
    for each in (*TABLE.manual, *TABLE.backbones, *TABLE.released):
        assert each.licence, each.name
        assert each.read, each.name
    names = [each.name for part in TABLE for each in part]
    assert len(names) == len(set(names))


def test_all_but_one_file_have_a_checksum_that_somebody_published():
    assert [each.name for each in TABLE.files if not each.pinned] == ["visual7w-images"]


def test_every_file_lies_where_a_suite_or_the_records_look_for_it():
    benchmarks = [each for suite in ("negation", "retrieval") for each in load_suite(suite)]
    read = [CAPTIONS, BOXES, NEGATIONCLIP, *(file for each in benchmarks for file in each.files)]
    folders = {folder for each in benchmarks for folder in each.images}
    for each in TABLE.files:
        for place in filter(None, [each.put, *each.unpack.values()]):
            files = [pattern for pattern in read if Path(place).match(pattern)]
            inside = [folder for folder in folders if folder == place.rstrip("/")]
            assert files or inside, f"nothing reads {place}"


@pytest.mark.parametrize("name", ["negrefcocog", "pope-random", "sugarcrepe-add-obj"])
def test_checksums_are_those_of_the_real_files(name):
    (source,) = [each for each in TABLE.files if each.name == name]
    path = SHARED / source.put
    if not path.exists():
        pytest.skip("the real files, ../shared/data, are not here")
    content = path.read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (source.sha256, source.bytes)


def test_backbones_are_those_of_the_issue_and_released_ones_start_from_them():
    kinds = {each.backbone for each in TABLE.backbones}
    assert kinds == {"ViT-B/32", "ViT-B/16", "ViT-L/14", "ViT-L/14@336", "SigLIP B/16"}
    assert [each.name for each in TABLE.backbones if not each.trains] == ["google/siglip-base-patch16-224"]
    for each in TABLE.released:
        assert TABLE.backbone(each.base)
        assert bool(each.hub and each.file) != bool(each.page and each.put), each.name


def test_what_needs_a_skipped_file_is_skipped_too():
    left = {each.name for each in TABLE.without(["coco-val2014"]).files}
    assert {each.name for each in TABLE.files} - left == {
        "coco-val2014", "pope-adversarial", "pope-popular", "pope-random",
    }  # fmt: skip


def test_a_mirror_changes_the_address_and_keeps_the_checksum(tmp_path):
    mirror = tmp_path / "mirror.yaml"
    mirror.write_text("coco-val2017: {url: 'http://here/val2017.zip'}\n")
    before, after = (
        next(each for each in table.files if each.name == "coco-val2017")
        for table in (TABLE, TABLE.mirrored(mirror))
    )
    assert after == before._replace(url="http://here/val2017.zip")


def test_a_mirror_of_another_file_says_its_checksum_and_forgets_the_size(tmp_path):
    mirror = tmp_path / "mirror.yaml"
    mirror.write_text(f"negationclip-captions: {{url: 'http://here/c.json', sha256: {'a' * 64}}}\n")
    (after,) = [each for each in TABLE.mirrored(mirror).files if each.name == "negationclip-captions"]
    assert (after.sha256, after.git, after.bytes) == ("a" * 64, "", 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coco-val2071: {url: 'http://here'}\n", "did you mean 'coco-val2017'"),
        ("coco-val2017: {sha256: a}\n", "needs a url"),
        ("coco-val2017: {url: 1}\n", "needs a url"),
        ("coco-val2017: {url: 'http://here', licence: mine}\n", "needs a url"),
        ("coco-val2017: {url: ''}\n", "http"),
        ("coco-val2017: {url: 'file:///etc/passwd'}\n", "http"),
        ("coco-val2017: {url: 'http://here', sha256: zz}\n", "64 hexadecimal digits"),
        ("coco-val2017: {url: 'http://here', bytes: -5}\n", "bytes"),
        ("- coco-val2017\n", "must hold names of sources"),
    ],
)
def test_a_wrong_mirror_file_is_one_sentence(tmp_path, text, said):
    mirror = tmp_path / "mirror.yaml"
    mirror.write_text(text)
    with pytest.raises(OmniNegClipError, match=said):
        TABLE.mirrored(mirror)


def test_unknown_names_are_told_with_the_nearest_known_one():
    with pytest.raises(OmniNegClipError, match="did you mean 'voc2007-test'"):
        TABLE.without(["voc2007-tets"])
    with pytest.raises(OmniNegClipError, match="did you mean 'openai/clip-vit-base-patch32'"):
        TABLE.backbone("openai/clip-vit-base-patch23")
