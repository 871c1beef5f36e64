"""Tiny data in the shape of the real public files, and tiny CLIPs of the real classes in every layout."""

import csv
import hashlib
import io
import json
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from stand_in_hub import StandInHub
from tiny_clip import tiny_tokenizer
from tiny_dual import tiny_siglip
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.io.layouts import to_openai
from omninegclip.clip.io.save import save_clip
from omninegclip.clip.transform import ImageTransform

THINGS = ["dog", "cat", "car", "bus", "chair", "cup", "horse", "bird", "bench", "bottle"]
PLACES = ["on the street", "in a park", "near a table", "in a field"]
TRAIN, VAL = 64, 8
WIDTH_TEXT, WIDTH_IMAGE = 64, 128  # heads are 64 wide, which is how bare weights tell them


def put_public_files(hub: StandInHub, mirror: Path) -> None:
    """Put everything but CC-Neg on the stand-in, and write the mirror file that leads there."""
    files = {
        "coco-val2017": _zip({f"val2017/{_number(n)}.jpg": _photo(n) for n in range(VAL)}),
        "coco-train2014": _zip({f"train2014/{_train(n)}": _photo(100 + n) for n in range(TRAIN)}),
        "coco-val2014": _zip({f"val2014/COCO_val2014_{_number(n)}.jpg": _photo(300 + n) for n in range(VAL)}),
        "coco-annotations2017": _zip({"annotations/captions_val2017.json": _coco(VAL, _val)}),
        "coco-annotations2014": _zip(
            {
                "annotations/captions_train2014.json": _coco(TRAIN, _train),
                "annotations/instances_train2014.json": _boxes(),
            }
        ),
        "voc2007-test": _tar(
            {f"VOCdevkit/VOC2007/JPEGImages/{n:06}.jpg": _photo(400 + n) for n in range(VAL)}
        ),
        "visual7w-images": _zip({f"images/v7w_{n}.jpg": _photo(500 + n) for n in range(VAL)}),
        "negbench-coco-choices": _choices("data/coco/images/val2017/", _val),
        "negbench-voc2007-choices": _choices(
            "data/voc2007/VOCdevkit/VOC2007/JPEGImages/", lambda n: f"{n:06}.jpg"
        ),
        "negbench-coco-retrieval": _retrieval(negated=False),
        "negbench-coco-negated-retrieval": _retrieval(negated=True),
        "negbench-msrvtt-choices": _choices("", lambda n: f"video{n}.mp4"),
        "negrefcocog": _crops(),
        "negationclip-captions": _coco(TRAIN, _train, updated=True),
        "valse-existence": _existence(),
        **{f"pope-{kind}": _pope() for kind in ("adversarial", "popular", "random")},
        **{f"sugarcrepe-{kind}": _sugarcrepe() for kind in SUGARCREPE},
    }
    entries = {}
    for name, content in files.items():
        hub.files[name] = content
        digest = hashlib.sha256(content).hexdigest()
        entries[name] = {"url": hub.url(name), "sha256": digest, "bytes": len(content)}
    del entries["visual7w-images"]["sha256"], entries["visual7w-images"]["bytes"]  # as of the real one
    mirror.write_text(yaml.safe_dump(entries))


SUGARCREPE = ("add-att", "add-obj", "replace-att", "replace-obj", "replace-rel", "swap-att", "swap-obj")


def put_models(hub: StandInHub, by_hand: Path) -> None:
    """Put three backbones and a released checkpoint on the hub, and lay the others where a person would."""
    with tempfile.TemporaryDirectory() as folder:
        for seed, (name, weights) in enumerate(
            {
                "openai/clip-vit-base-patch32": "pytorch_model.bin",
                "openai/clip-vit-large-patch14": "model.safetensors",
            }.items()
        ):
            hub.repositories[name] = _repository(Path(folder) / str(seed), _clip(seed), weights)
        hub.repositories["google/siglip-base-patch16-224"] = _siglip(Path(folder) / "siglip")
    negationclip = io.BytesIO()
    torch.save(to_openai(_clip(7).state_dict()), negationclip)
    hub.repositories["jerryray/negationclip"] = {
        "README.md": b"card",
        "negationclip_ViT-B32.pth": negationclip.getvalue(),
    }
    by_hand.mkdir(parents=True)
    state = to_openai(_clip(8).state_dict())
    torch.save({"model": state, "optimizer": {}, "logs": {"loss": [1.0]}}, by_hand / "conclip_vit_b32.pt")
    state = {f"module.{key}": value for key, value in to_openai(_clip(9).state_dict()).items()}
    mixed = {"epoch": 1, "name": "run", "state_dict": state, "optimizer": {}, "loss": np.float64(0.5)}
    torch.save(mixed, by_hand / "clip_negfull.pt")


def put_ccneg(data: Path, rows: int = 40_008) -> None:
    """Lay CC-Neg where a person would: its last 40,000 rows are for evaluation."""
    images = data / "ccneg_images" / "cc3m_subset_images_extracted_final"
    images.mkdir(parents=True)
    for number in range(8):
        (images / f"{number}.jpg").write_bytes(_photo(600 + number))
    paths = [
        f"/workspace/datasets/cc3m/ccneg_images/cc3m_subset_images_extracted_final/{n % 8}.jpg"
        for n in range(rows)
    ]
    annotations = [
        {
            "json": {"caption": f"a {_thing(n)} {_place(n)}"},
            "sop_data": {"negative-prompt": f"a {_thing(n)}, but not {_place(n)}"},
        }
        for n in range(rows)
    ]
    torch.save({"image_paths": paths, "annotations": annotations}, data / "ccneg_preprocessed.pt")


def _clip(seed: int) -> CLIPModel:
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    tower = {"num_hidden_layers": 2, "hidden_act": "quick_gelu", "projection_dim": 32}
    text = tower | {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH_TEXT,
        "intermediate_size": 4 * WIDTH_TEXT,
        "num_attention_heads": WIDTH_TEXT // 64,
        "max_position_embeddings": 77,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = tower | {
        "hidden_size": WIDTH_IMAGE,
        "intermediate_size": 4 * WIDTH_IMAGE,
        "num_attention_heads": WIDTH_IMAGE // 64,
        "image_size": 32,
        "patch_size": 16,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)).eval()


def _repository(folder: Path, model: CLIPModel, weights: str) -> dict[str, bytes]:
    """Return a repository as its owner would have made it: without anything of ours."""
    encoder = ClipEncoder(model, tiny_tokenizer(), ImageTransform(32))
    save_clip(folder, encoder, base="random weights")
    for name in ("omninegclip.json", "README.md"):
        (folder / name).unlink(missing_ok=True)
    if weights == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / weights)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _siglip(folder: Path) -> dict[str, bytes]:
    save_clip(folder, tiny_siglip(), base="random weights")
    for name in ("omninegclip.json", "README.md"):
        (folder / name).unlink(missing_ok=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).resize((80, 60)).save(content, "JPEG")
    return content.getvalue()


def _thing(n: int) -> str:
    return THINGS[n % len(THINGS)]


def _place(n: int) -> str:
    return PLACES[n % len(PLACES)]


def _number(n: int) -> str:
    return f"{n + 1:012}"


def _val(n: int) -> str:
    return f"{_number(n)}.jpg"


def _train(n: int) -> str:
    return f"COCO_train2014_{_number(n)}.jpg"


def _coco(count: int, name, *, updated: bool = False) -> bytes:
    annotations = []
    for n in range(2 * count):
        caption = f"A {_thing(n // 2)} and a {_thing(n // 2 + n % 2 + 1)} {_place(n)}."
        row = {"id": n, "image_id": n // 2, "caption": caption}
        if updated:
            row["updated_caption"] = f"{caption.rstrip('.')}, but no {_thing(n + 5)}."
        annotations.append(row)
    images = [{"id": n, "file_name": name(n)} for n in range(count)]
    return json.dumps({"images": images, "annotations": annotations}).encode()


def _boxes() -> bytes:
    categories = [{"id": n, "name": name} for n, name in enumerate(THINGS)]
    annotations = [
        {"id": n, "image_id": n // 2, "category_id": (n // 2 + n % 2) % len(THINGS), "bbox": [1, 1, 9, 9]}
        for n in range(2 * TRAIN)
    ]
    images = [{"id": n, "file_name": _train(n)} for n in range(TRAIN)]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


def _choices(folder: str, name) -> bytes:
    rows = [
        [
            folder + name(n),
            0,
            f"This image features a {_thing(n)}, but no {_thing(n + 1)} is present.",
            f"A {_thing(n + 1)} is present in this image, but there is no {_thing(n)}.",
            f"This image features a {_thing(n + 1)}",
            f"This image does not feature a {_thing(n)}.",
            "hybrid",
        ]
        for n in range(VAL)
    ]
    captions = [f"caption_{number}" for number in range(4)]
    return _csv(["image_path", "correct_answer", *captions, "correct_answer_template"], rows)


def _retrieval(*, negated: bool) -> bytes:
    tail = ", but there is no {}" if negated else ""
    rows = [
        [
            str([_thing(n)]),
            str([_thing(n + 3)]),
            f"data/coco/images/val2017/{_val(n)}",
            n,
            str([f"A {_thing(n)} {_place(k)}{tail.format(_thing(n + 3))}." for k in range(5)]),
        ]
        for n in range(VAL)
    ]
    return _csv(["positive_objects", "negative_objects", "filepath", "image_id", "captions"], rows)


def _crops() -> bytes:
    rows = [
        {
            "image": _train(n),
            "phrase": f"a {_thing(n)} without a {_thing(n + 1)}",
            "ref_bbox": [0, 0, 40.5, 60],
            "bbox_list": [[0, 0, 40.5, 60], [40, 0, 40, 60]],
        }
        for n in range(VAL)
    ]
    return json.dumps(rows).encode()


def _existence() -> bytes:
    rows = {
        f"existence_visual7w_{n}": {
            "dataset": "visual7w",
            "image_file": f"v7w_{n}.jpg",
            "caption": f"There are no {_thing(n)}s in the picture.",
            "foil": f"There are {_thing(n)}s in the picture.",
            "mturk": {"foil": 0, "caption": 3 - n % 3, "other": 0},
        }
        for n in range(VAL)
    }
    return json.dumps(rows).encode()


def _pope() -> bytes:
    lines = [
        {
            "question_id": n,
            "image": f"COCO_val2014_{_number(n % VAL)}.jpg",
            "text": f"Is there a {_thing(n % 2)} in the image?",
            "label": "yes" if n % 4 < 2 else "no",
        }
        for n in range(4 * VAL)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


def _sugarcrepe() -> bytes:
    rows = {
        str(n): {
            "filename": _val(n),
            "caption": f"A {_thing(n)} {_place(n)}.",
            "negative_caption": f"A {_thing(n + 1)} {_place(n)}.",
        }
        for n in range(VAL)
    }
    return json.dumps(rows).encode()


def _csv(header: list[str], rows: list[list[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([header, *rows])
    return text.getvalue().encode()


def _zip(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member)
    return content.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, member in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(member)
            archive.addfile(info, io.BytesIO(member))
    return content.getvalue()
