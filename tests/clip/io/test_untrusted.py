"""Model folders that anyone may have made: each wrong value, file and link ends in one sentence."""

import json
import os
import pickle
import resource
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_dual import TINY

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.load import load_clip
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.io.weights import read_weights
from omninegclip.commands.convert import convert
from omninegclip.errors import OmniNegClipError

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 10**30, 1.5, -0.5, "abc", "", [], [["a"]], {}, {"a": {"b": 1}}, "\ud800",
)  # fmt: skip


def paths(values: object, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of nested objects, as the way to it."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield (*place, key)
            yield from paths(value, (*place, key))


def changed(values: dict[str, Any], way: tuple[str, ...], value: object) -> str:
    copy = json.loads(json.dumps(values))
    part = copy
    for key in way[:-1]:
        part = part[key]
    if value is paths:  # stands for a key that is missing
        del part[way[-1]]
    else:
        part[way[-1]] = value
    return json.dumps(copy)


def sentence_of(folder: Path) -> str | None:
    """What is said of a folder that can't be loaded; None when it can. Any other error goes through."""
    try:
        load_clip(folder).embed_text(["a b"])
    except OmniNegClipError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def folder_of(family: str, folders: Path, request: pytest.FixtureRequest) -> Path:
    if not (folders / family).exists():
        clip = request.getfixturevalue("encoder")
        layouts = {"clip": "hf", "open_clip": "open_clip"}
        encoder = clip if family in layouts else TINY[family](layers=1)
        save_clip(folders / family, encoder, base="random", layout=layouts.get(family))
    return folders / family


FILES = {
    "config.json": "clip",
    "omninegclip.json": "clip",
    "preprocessor_config.json": "clip",
    "tokenizer_config.json": "clip",
    "open_clip_config.json": "open_clip",
    "dual_encoder.json": "own",
}


@pytest.mark.parametrize("file", FILES)
def test_every_key_of_every_file_may_be_wrong(
    file: str, folders: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every key gets one of the wrong values, each another than the key before it."""
    folder = tmp_path / "m"
    shutil.copytree(folder_of(FILES[file], folders, request), folder)
    values = json.loads((folder / file).read_text())
    candidates = (*WRONG, paths)
    for number, way in enumerate(paths(values)):
        value = candidates[(number * 7 + 3) % len(candidates)]
        (folder / file).write_text(changed(values, way, value))
        assert "\n" not in (sentence_of(folder) or "")
    (folder / file).write_text(json.dumps(values))
    assert sentence_of(folder) is None


@pytest.fixture
def folder(encoder: ClipEncoder, tmp_path: Path) -> Path:
    save_clip(tmp_path / "m", encoder, base="random")
    return tmp_path / "m"


def rewrite(path: Path, *way: str, value: object) -> None:
    values = json.loads(path.read_text())
    path.write_text(changed(values, way, value))


@pytest.mark.parametrize("part", [(), ("text_config",), ("vision_config",)])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attn_implementation", "owner/kernels@branch"),
        ("_attn_implementation", "owner/kernels@branch"),
        ("_attn_implementation_internal", "owner/kernels@branch"),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}),
        ("auto_map", {"AutoModel": "evil.Evil"}),
        ("torch_dtype", "float16"),
        ("output_attentions", True),
    ],
)
def test_only_known_keys_reach_the_library(
    part: tuple[str, ...], key: str, value: object, folder: Path
) -> None:
    rewrite(folder / "config.json", *part, key, value=value)
    config = load_clip(folder).model.config
    for each in (config, config.text_config, config.vision_config):
        assert each._attn_implementation == "sdpa"
        assert key == "_attn_implementation_internal" or getattr(each, key, None) != value
        assert not hasattr(each, "quantization_config")


@pytest.mark.parametrize("family", ["siglip", "vision-text"])
def test_nor_in_another_family(family: str, tmp_path: Path) -> None:
    save_clip(tmp_path / "m", TINY[family](layers=1), base="random")
    for part in ((), ("text_config",), ("vision_config",)):
        rewrite(tmp_path / "m/config.json", *part, "attn_implementation", value="owner/kernels")
        rewrite(tmp_path / "m/config.json", *part, "quantization_config", value={"quant_method": "gptq"})
    config = load_clip(tmp_path / "m").model.config
    assert {config.text_config._attn_implementation, config.vision_config._attn_implementation} == {"sdpa"}


def test_an_image_tower_of_any_type_is_not_built(tmp_path: Path) -> None:
    save_clip(tmp_path / "m", TINY["vision-text"](layers=1), base="random")
    rewrite(tmp_path / "m/config.json", "vision_config", "model_type", value="timm_wrapper")
    with pytest.raises(OmniNegClipError, match="image tower is a 'timm_wrapper'"):
        load_clip(tmp_path / "m")


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("text_config", "num_hidden_layers"), 10**9),
        (("text_config", "num_hidden_layers"), 10**6),
        (("text_config", "hidden_size"), 10**6),
        (("text_config", "max_position_embeddings"), 10**7),
        (("vision_config", "patch_size"), 0),
        (("vision_config", "image_size"), 10**6),
        (("projection_dim",), 10**7),
    ],
)
def test_no_memory_is_taken_for_a_claim(
    way: tuple[str, ...], value: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(folder / "config.json", *way, value=value)
    monkeypatch.setattr("transformers.CLIPModel.from_pretrained", None)  # where the memory would be taken
    with pytest.raises(
        OmniNegClipError, match=r"config\.json|architecture that it claims|takes 1000000 pixels"
    ):
        load_clip(folder)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def deflate(path: Path, size: int, *, script: bool) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if script:
            archive.writestr("m/code/x.py", "")
        archive.writestr("m/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("m/data/0", bytes(size))


@pytest.mark.parametrize("script", [True, False])
def test_a_compressed_archive_is_not_unpacked(script: bool, tmp_path: Path) -> None:
    deflate(tmp_path / "m.pt", 60 << 20, script=script)
    before = peak()
    with pytest.raises(OmniNegClipError, match="is compressed and would unpack to 62,9"):
        read_weights(tmp_path / "m.pt")
    assert peak() - before < 40 << 20


def test_one_number_that_is_seen_a_billion_times_is_refused(tmp_path: Path) -> None:
    state = {"visual.conv1.weight": torch.zeros(1).expand(10**9)}
    torch.save(state, tmp_path / "m.pt")
    with pytest.raises(OmniNegClipError, match="claims weights of 4,000,000,000 bytes"):
        read_weights(tmp_path / "m.pt")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "omninegclip.json"])
def test_a_pipe_is_no_file(name: str, folder: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(OmniNegClipError, match="is not a regular file"):
        load_clip(folder)


def test_absurd_sizes_and_nesting_are_refused(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(OmniNegClipError, match="it is no JSON file"):
        load_clip(folder)
    os.truncate(folder / "config.json", 1 << 40)  # a hole: takes no room
    with pytest.raises(OmniNegClipError, match="it has 1,099,511,627,776 bytes"):
        load_clip(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "README.md"])
def test_a_link_out_of_the_folder_is_not_followed(name: str, folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("card")
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(OmniNegClipError, match="is a link out of its folder"):
        convert(str(folder), tmp_path / "new", to="hf")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("shared", [False, True])
def test_a_snapshot_of_the_hubs_cache_is_links_to_blobs(folder: Path, tmp_path: Path, shared: bool) -> None:
    repository = tmp_path / "hub/models--a--b"
    snapshot = repository / "snapshots/0123"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    (tmp_path / "hub/blobs").mkdir()
    for number, file in enumerate(folder.iterdir()):
        blob = repository / f"blobs/{number}"
        file.rename(tmp_path / f"hub/blobs/{number}" if shared else blob)
        if shared:
            blob.symlink_to(f"../../blobs/{number}")
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    assert load_clip(snapshot).dim == 32


def test_shards_are_files_of_the_folder(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    halves = [dict(list(weights.items())[half::2]) for half in (0, 1)]
    for number, half in enumerate(halves):
        save_file(half, folder / f"model-{number}.safetensors", metadata={"format": "pt"})
    places = {key: f"model-{number}.safetensors" for number, half in enumerate(halves) for key in half}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert load_clip(folder).dim == 32
    for outside in ("../outside.safetensors", str(tmp_path / "outside.safetensors"), "..", None, 3):
        index.write_text(json.dumps({"weight_map": places | {"logit_scale": outside}}))
        with pytest.raises(OmniNegClipError, match="is not the name of a weight file beside it"):
            load_clip(folder)


def test_a_flipped_bit_is_found(folder: Path) -> None:
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-5] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(OmniNegClipError, match="are not those that were saved: its fingerprint is"):
        load_clip(folder)
    assert load_clip(folder, checked=False).dim == 32


def _archive(path: Path, root: str, content: bytes, **others: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{root}/data.pkl", content)
        for name, text in others.items():
            archive.writestr(f"{root}/{name.replace('__', '/')}", text)
    return path


def test_a_large_number_in_a_memo_takes_no_memory(tmp_path: Path) -> None:
    content = b"\x80\x02}r" + struct.pack("<I", 1 << 31) + b"."
    path = _archive(tmp_path / "memo.pt", "m", content, version=b"3", code__module=b"")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OmniNegClipError, match="truncated or not a weight file"):
        read_weights(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB; C's table is 32 GiB


def test_modules_that_share_modules_are_walked_once(tmp_path: Path) -> None:
    """Forty modules, each of which has the one before it twice: two to the fortieth paths."""
    content = b"\x80\x02c__torch__\nM\n)\x81q\x00"
    for number in range(1, 40):
        before = b"h" + bytes([number - 1])
        parts = b"X\x01\x00\x00\x00a" + before + b"X\x01\x00\x00\x00b" + before
        content += b"c__torch__\nM\n)\x81q" + bytes([number]) + b"}(" + parts + b"ub"
    path = _archive(tmp_path / "shared.pt", "m", content + b".", version=b"3", code__module=b"")
    with pytest.raises(OmniNegClipError, match="holds no CLIP with a vision transformer"):
        read_weights(path)


def test_a_bytearray_is_not_made(tmp_path: Path) -> None:
    size = struct.pack("<q", 2 * 10**9)
    content = b"\x80\x02}X\x01\x00\x00\x00acbuiltins\nbytearray\n\x8a\x08" + size + b"\x85Rs."
    path = _archive(tmp_path / "bytes.pt", "archive", content, version=b"3\n", byteorder=b"little")
    with pytest.raises(OmniNegClipError, match="holds a bytearray"):
        read_weights(path)
