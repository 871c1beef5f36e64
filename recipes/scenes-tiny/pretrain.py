"""Pretrain scenes-tiny, the small CLIP that ships with omninegclip, from scratch on the picture world.

Command:   python recipes/scenes-tiny/pretrain.py --work runs/scenes-tiny
Cost:      see the model card beside the weights; about an hour and a half on 2 cores, 4 GB of disk
Result:    runs/scenes-tiny/checkpoint.pt; then python recipes/scenes-tiny/export.py writes the model folder,
           measures it and says so in its card: src/omninegclip/scenes/weights/scenes-tiny/README.md
Smoke:     add --scenes 512 --steps 20 --batch 32 (a minute)

The same command continues a stopped run from its last checkpoint. A plain CLIP loss on affirmative
captions; for the first part of the steps half of the image patches are left out (FLIP, Li et al., CVPR 2023,
arXiv 2212.00794), and the very first steps see images of one or two objects only: both save time alone.
"""

import argparse
import json
import math
import multiprocessing
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from tokenizer import train_tokenizer
from torch.nn.utils.rnn import pad_sequence
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from omninegclip.files import atomic_file, atomic_folder, hold
from omninegclip.memory import keep_freed_memory
from omninegclip.objectives.contrastive import symmetric
from omninegclip.progress import progress, track
from omninegclip.scenes.grammar import affirmative, mention
from omninegclip.scenes.negation import PHRASINGS, affirmed_part, negate
from omninegclip.scenes.render import render
from omninegclip.scenes.scene import SIZE, Scene, plausible_kind, rng, sample_scene

SPLIT = "pretraining"
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
PEAK_RATE, WARM_UP, WEIGHT_DECAY = 1e-3, 150, 0.1
FEW_OBJECTS_UNTIL, MASKED_UNTIL, KEPT_PATCHES = 0.12, 0.8, 32
TEXT_CHUNK = 32


def scene_of(seed: int, index: int) -> tuple[Scene, Random]:
    """Return the scene with its generator, which goes on to draw the background."""
    random = rng(SPLIT, seed, index)
    return sample_scene(random), random


def pixels_of(task: tuple[int, int]) -> np.ndarray:
    """Render one scene as [96, 96, 3] uint8."""
    scene, random = scene_of(*task)
    return np.asarray(render(scene, random))


def render_all(work: Path, seed: int, count: int) -> np.ndarray:
    """Render every scene once into a memory-mapped file [n, 96, 96, 3] uint8."""
    path = work / f"pixels-{seed}-{count}.npy"
    if not path.exists():
        shape = (count, SIZE, SIZE, 3)
        with atomic_file(path) as partial, multiprocessing.Pool(2) as pool:
            pixels = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
            tasks = ((seed, index) for index in range(count))
            rendered = pool.imap(pixels_of, tasks, chunksize=256)
            for index, image in enumerate(track(rendered, "Rendering", count)):
                pixels[index] = image
            pixels.flush()
    return np.load(path, mmap_mode="r")


def load_tokenizer(work: Path) -> CLIPTokenizer:
    """Train the tokenizer once, on affirmative and negated captions so that every word is a token."""
    folder = work / "tokenizer"
    if not folder.exists():
        with atomic_folder(folder) as partial:
            train_tokenizer(sentences()).save_pretrained(partial)
    return CLIPTokenizer.from_pretrained(folder)


def sentences(count: int = 40_000) -> list[str]:
    """Write sentences of the picture world for the tokenizer."""
    written = []
    for index in range(count):
        random = rng("tokenizer", index)
        scene = sample_scene(random)
        written.append(affirmative(random, scene).text)
        affirmed = affirmed_part(random, scene, mention(random, scene))
        denied = plausible_kind(random, scene.place, scene.kinds)
        written.append(negate(random, affirmed, denied, random.choice(PHRASINGS)).text)
    return written


def build_model(tokenizer: CLIPTokenizer) -> CLIPModel:
    """Build the untrained model: 6 image layers, 12 text layers, width 128."""
    width = {"hidden_size": 128, "intermediate_size": 512, "num_attention_heads": 4, "hidden_act": "gelu"}
    text = {
        **width,
        "num_hidden_layers": 12,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": tokenizer.model_max_length,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {**width, "num_hidden_layers": 6, "image_size": SIZE, "patch_size": 12}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128))


def image_features(model: CLIPModel, pixels: torch.Tensor, kept: int | None) -> torch.Tensor:
    """Return image features [B, d]; with `kept`, of that many random patches of each image."""
    tower = model.vision_model
    hidden = tower.embeddings(pixels)
    if kept:
        order = torch.rand(hidden.shape[0], hidden.shape[1] - 1).argsort(dim=1)[:, :kept] + 1
        order = torch.cat([torch.zeros(len(order), 1, dtype=order.dtype), order], dim=1)
        hidden = hidden.gather(1, order[:, :, None].expand(-1, -1, hidden.shape[2]))
    hidden = tower.encoder(inputs_embeds=tower.pre_layrnorm(hidden), attention_mask=None).last_hidden_state
    return F.normalize(model.visual_projection(tower.post_layernorm(hidden[:, 0])), dim=-1)


def text_features(model: CLIPModel, tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Return text features [B, d]; texts of like length go together, so that little is padded."""
    ids = tokenizer(texts, truncation=True).input_ids
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    parts = []
    for start in range(0, len(order), TEXT_CHUNK):
        chunk = [torch.tensor(ids[row]) for row in order[start : start + TEXT_CHUNK]]
        padded = pad_sequence(chunk, batch_first=True, padding_value=tokenizer.eos_token_id)
        parts.append(model.get_text_features(input_ids=padded).pooler_output)
    features = torch.cat(parts)[torch.tensor(order).argsort()]
    return F.normalize(features, dim=-1)


def learning_rate(step: int, steps: int) -> float:
    """Warm up linearly, then fall to zero along half a cosine."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / max(1, steps - WARM_UP)))


def parameter_groups(model: CLIPModel) -> list[dict[str, object]]:
    """Decay matrices only."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    return [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]


def pretrain(options: argparse.Namespace) -> CLIPModel:
    """Train to the last step, from the last checkpoint if there is one."""
    work: Path = options.work
    tokenizer = load_tokenizer(work)
    pixels = render_all(work, options.seed, options.scenes)
    scenes = [scene_of(options.seed, index)[0] for index in range(options.scenes)]
    few = np.array([index for index, scene in enumerate(scenes) if len(scene.items) <= 2])
    torch.manual_seed(options.seed)
    model = build_model(tokenizer)
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=PEAK_RATE, betas=(0.9, 0.98))
    checkpoint, first = work / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    with progress() as bar:
        task = bar.add_task("Pretraining", total=options.steps, completed=first, note="")
        for step in range(first, options.steps):
            started = time.perf_counter()
            done = step / options.steps
            # Everything random about a step follows from its number, so a resumed run goes the same way.
            torch.manual_seed(options.seed * 1_000_003 + step)
            generator = np.random.default_rng([options.seed, step])
            pool = few if done < FEW_OBJECTS_UNTIL else options.scenes
            rows = np.sort(generator.choice(pool, options.batch, replace=False))
            random = rng("captions", options.seed, step)
            texts = [affirmative(random, scenes[row]).text for row in rows]
            batch = torch.from_numpy((pixels[rows].astype(np.float32) / 255 - MEAN) / STD).permute(0, 3, 1, 2)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, options.steps)
            images = image_features(model, batch, KEPT_PATCHES if done < MASKED_UNTIL else None)
            captions = text_features(model, tokenizer, texts)
            loss = symmetric(images, captions, model.logit_scale.exp())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, math.log(100))
                hits = ((images @ captions.T).argmax(1) == torch.arange(len(rows))).float().mean().item()
            seconds = time.perf_counter() - started
            line = {
                "step": step,
                "loss": loss.item(),
                "hits": hits,
                "pairs_per_second": options.batch / seconds,
            }
            with (work / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            bar.update(task, advance=1, note=f"loss {line['loss']:.3f}  hits {hits:.2f}")
            if (step + 1) % 50 == 0 or step + 1 == options.steps:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
                with atomic_file(checkpoint) as partial:
                    torch.save(state, partial)
    return model


def main() -> None:
    """Read the options, pretrain, export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=80_000)
    parser.add_argument("--steps", type=int, default=1_300)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    with hold(options.work):
        pretrain(options)


if __name__ == "__main__":
    main()
