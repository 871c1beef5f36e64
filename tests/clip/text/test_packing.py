"""Packed captions against the same captions padded to the full context in the plain transformers model."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

from omninegclip.clip.families.registry import family_of
from omninegclip.clip.text.packing import PackedTexts, encode_packed, pack
from omninegclip.clip.text.padding import PaddedTexts
from omninegclip.errors import OmniNegClipError

BOS, EOT, CONTEXT = 97, 98, 24
Groups = list[list[list[int]]]


def tiny_clip(layers: int = 4, eos_token_id: int = EOT, attention: str = "sdpa") -> CLIPModel:
    torch.manual_seed(0)
    text = {
        "vocab_size": 99,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": BOS,
        "eos_token_id": eos_token_id,
    }
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = CLIPConfig(
        text_config=text, vision_config=vision | {"image_size": 8, "patch_size": 8}, projection_dim=16
    )
    config._attn_implementation = attention
    model = CLIPModel(config).eval()
    with torch.no_grad():  # the usual small initial weights would hide what attention does
        for name, parameter in model.text_model.named_parameters():
            parameter.mul_(8 if "embedding" in name else 2)
    return model


def text(*words: int) -> list[int]:
    return [BOS, *words, EOT]


def padded(model: CLIPModel, groups: Groups) -> Tensor:
    rows = [tokens + [EOT] * (CONTEXT - len(tokens)) for group in groups for tokens in group]
    return F.normalize(model.get_text_features(input_ids=torch.tensor(rows)).pooler_output, dim=-1)


def fuzz(seed: int) -> Groups:
    """Captions over few words, so that beginnings are shared within and across groups."""
    generator = np.random.default_rng(seed)
    groups = []
    for _ in range(generator.integers(1, 13)):
        caption = generator.integers(0, 5, generator.integers(1, CONTEXT - 1)).tolist()
        group = [text(*caption)]
        for _ in range(generator.integers(0, 4)):
            shared = caption[: generator.integers(0, len(caption) + 1)]
            other = generator.integers(0, 5, generator.integers(0, 9)).tolist()
            group.append(text(*(shared + other)[: CONTEXT - 2]))
        groups.append(group)
    return groups


CASES: dict[str, Groups] = {
    "shared beginnings": [[text(1, 2, 3), text(1, 2, 4, 5)], [text(1, 6), text(1, 6, 7, 8)]],
    "one ends where the other goes on": [[[BOS, 1, 2], [BOS, 1, 2, 3, EOT], [BOS, 1, 2, EOT]]],
    "duplicates": [[text(1, 2), text(1, 2)], [text(1, 2)], [text(3)]],
    "single tokens": [[[EOT]], [[BOS]], [[5], [EOT]]],
    "nothing in common": [[[1, EOT], [2, EOT], [3, 1, EOT]]],
    "a row full to the brim": [[text(*range(CONTEXT - 2))], [text(*range(3, CONTEXT + 1))], [text(1)]],
    "a group too large for a row": [[text(*[k] * (CONTEXT - 5)) for k in range(4)] + [text(1, 1)]],
    "an empty group among others": [[text(1)], [], [text(2)]],
} | {f"fuzz {seed}": fuzz(seed) for seed in range(20)}


Prefix = tuple[int, ...]


def first_fit(trees: list[set[Prefix]], width: int) -> list[list[int]]:
    """Put each tree into the first row with room for what the row lacks, token by token."""
    rows: list[list[int]] = []
    for number, tree in enumerate(trees):
        for row in rows:
            if len(tree.union(*(trees[other] for other in row))) <= width:
                row.append(number)
                break
        else:
            rows.append([number])
    return rows


def pack_naively(groups: Groups, context: int) -> PackedTexts:
    """Pack as `pack` does, with sets of prefixes."""
    texts = [tuple(tokens) for group in groups for tokens in group]
    seen = list(dict.fromkeys(tokens[: k + 1] for tokens in texts for k in range(len(tokens))))
    trees: list[tuple[set[Prefix], list[int]]] = []
    start = 0
    for group in groups:
        trees.append((set(), []))
        for index in range(start, start + len(group)):
            prefixes = {texts[index][: k + 1] for k in range(len(texts[index]))}
            if len(trees[-1][0] | prefixes) > context:
                trees.append((set(), []))
            trees[-1][0].update(prefixes)
            trees[-1][1].append(index)
        start += len(group)
    trees = sorted((tree for tree in trees if tree[1]), key=lambda tree: -len(tree[0]))
    nodes = [tree[0] for tree in trees]
    rows = first_fit(nodes, context)
    mean = -(-sum(len(set().union(*(nodes[n] for n in row))) for row in rows) // len(rows))
    for width in range(max(mean, len(nodes[0])), context):
        if len(levelled := first_fit(nodes, width)) <= len(rows):
            rows = levelled
            break
    held = [sorted(set().union(*(nodes[n] for n in row)), key=seen.index) for row in rows]
    width = max(map(len, held))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    positions, mask = torch.zeros_like(ids), torch.eye(width, dtype=torch.bool).repeat(len(rows), 1, 1, 1)
    end = torch.zeros(len(texts), 2, dtype=torch.long)
    for number, (row, prefixes_of_row) in enumerate(zip(rows, held, strict=True)):
        for column, prefix in enumerate(prefixes_of_row):
            ids[number, column], positions[number, column] = prefix[-1], len(prefix) - 1
            for k in range(len(prefix)):
                mask[number, 0, column, prefixes_of_row.index(prefix[: k + 1])] = True
        for index in (index for n in row for index in trees[n][1]):
            end[index] = torch.tensor([number, prefixes_of_row.index(texts[index])])
    return PackedTexts(ids, positions, mask, end, len(texts) * context)


@pytest.mark.parametrize("groups", CASES.values(), ids=CASES.keys())
def test_arrays_pack_as_sets_do(groups: Groups) -> None:
    packed, naive = pack(groups, CONTEXT), pack_naively(groups, CONTEXT)
    for mine, expected in zip(packed[:4], naive[:4], strict=True):
        assert mine.dtype == expected.dtype
        assert torch.equal(mine, expected)
    assert packed.tokens_padded == naive.tokens_padded


@pytest.mark.parametrize("seed", range(60))
def test_random_groups_are_packed_as_sets_pack_them(seed: int) -> None:
    """Texts of 1 to c tokens over few words, groups of any size, also empty and larger than a row."""
    random = np.random.default_rng(seed)
    context, words = int(random.integers(3, 30)), int(random.integers(1, 7))
    groups = [
        [random.integers(0, words, random.integers(1, context + 1)).tolist() for _ in range(size)]
        for size in [1, *random.integers(0, 5, random.integers(0, 30))]
    ]
    for mine, expected in zip(pack(groups, context), pack_naively(groups, context), strict=True):
        assert torch.equal(torch.as_tensor(mine), torch.as_tensor(expected))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("groups", CASES.values(), ids=CASES.keys())
def test_features_equal_those_of_padding_to_the_context(groups: Groups, attention: str) -> None:
    model = tiny_clip(attention=attention)
    with torch.no_grad():
        expected = alone(model, groups)
        torch.testing.assert_close(encode_packed(model, pack(groups, CONTEXT)), expected, rtol=0, atol=1e-6)


def alone(model: CLIPModel, groups: Groups) -> Tensor:
    """Encode each text by itself, pooled at its last token even where that is no end-of-text token."""
    features = []
    for tokens in (tokens for group in groups for tokens in group):
        row = torch.tensor([tokens + [EOT] * (CONTEXT - len(tokens))])
        features.append(model.text_model(row).last_hidden_state[0, len(tokens) - 1])
    return F.normalize(model.text_projection(torch.stack(features)), dim=-1)


@pytest.mark.parametrize("eos_token_id", [EOT, 2])
def test_pools_where_transformers_pools(eos_token_id: int) -> None:
    model = tiny_clip(
        eos_token_id=eos_token_id
    )  # 2 stands in old configurations: pooled at the largest token id
    with torch.no_grad():
        packed = encode_packed(model, pack(fuzz(0), CONTEXT))
        torch.testing.assert_close(packed, padded(model, fuzz(0)), rtol=0, atol=1e-6)


def everything(model: CLIPModel) -> None:
    model.text_model.requires_grad_(True)


def front(model: CLIPModel) -> None:
    model.text_model.encoder.layers[2:].requires_grad_(False)


def back_only(model: CLIPModel) -> None:
    model.text_model.embeddings.requires_grad_(False)
    model.text_model.encoder.layers[:2].requires_grad_(False)


@pytest.mark.parametrize("policy", [everything, front, back_only])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_those_of_padding(policy: Callable[[CLIPModel], None], seed: int) -> None:
    def gradients(encode: Callable[[CLIPModel], Tensor]) -> dict[str, Tensor]:
        model = tiny_clip()
        policy(model)
        features = encode(model)
        torch.manual_seed(1)
        F.cross_entropy(9 * features @ torch.randn(16, 5), torch.arange(len(features)) % 5).backward()
        return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}

    groups = fuzz(seed)
    expected = gradients(lambda model: padded(model, groups))
    actual = gradients(lambda model: encode_packed(model, pack(groups, CONTEXT)))
    assert actual.keys() == expected.keys()
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    for name, gradient in expected.items():  # a key's bias has no gradient but rounding, hence the atol
        torch.testing.assert_close(actual[name], gradient, rtol=1e-4, atol=1e-6 * largest)


def test_layers_before_the_first_trained_one_keep_no_graph() -> None:
    model = tiny_clip()
    back_only(model)
    seen: list[bool] = []
    for layer in model.text_model.encoder.layers:
        layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output.requires_grad))
    encode_packed(model, pack(fuzz(0), CONTEXT))
    assert seen == [False, False, True]  # the last one is computed at the ends of the texts alone


@pytest.mark.parametrize("seed", range(20))
def test_a_row_holds_each_distinct_beginning_once(seed: int) -> None:
    groups = fuzz(seed)
    packed = pack(groups, CONTEXT)
    texts = [tokens for group in groups for tokens in group]
    rows: dict[int, set[tuple[int, ...]]] = {}
    for tokens, (row, column) in zip(texts, packed.end.tolist(), strict=True):
        attended = packed.mask[row, 0, column].nonzero().flatten()
        assert packed.ids[row, attended].tolist() == tokens
        assert packed.positions[row, attended].tolist() == list(range(len(tokens)))
        rows.setdefault(row, set()).update(tuple(tokens[: k + 1]) for k in range(len(tokens)))
    assert max(len(prefixes) for prefixes in rows.values()) == packed.ids.shape[1] <= CONTEXT
    assert packed.tokens_packed == len(rows) * packed.ids.shape[1]
    assert packed.tokens_padded == len(texts) * CONTEXT


def test_a_caption_and_its_negated_form_fill_one_row() -> None:
    packed = pack([[text(1, 2, 3), text(1, 2, 9, 3)]], CONTEXT)
    assert packed.ids.tolist() == [[BOS, 1, 2, 3, EOT, 9, 3, EOT]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 4, 3, 4, 5]]
    assert packed.end.tolist() == [[0, 4], [0, 7]]
    assert packed.mask[0, 0, 7].tolist() == [True, True, True, False, False, True, True, True]


def test_rows_are_levelled() -> None:
    groups = [[[k, k]] for k in range(9)]  # 18 tokens: rows of 16 + 2 would compute 32
    assert pack(groups, 16).ids.shape == (2, 10)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], "no text to pack"),
        ([[text(1)], [[]]], "Text 1 has 0 tokens, but must have 1 to 24"),
        ([[text(1), text(*range(CONTEXT - 1))]], "Text 1 has 25 tokens, but must have 1 to 24"),
    ],
)
def test_refuses_what_it_cannot_pack(groups: Sequence[Sequence[Sequence[int]]], message: str) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        pack(groups, CONTEXT)


def test_towers_that_are_not_causal_take_no_packed_texts() -> None:
    tower = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    siglip = SiglipModel(
        SiglipConfig(text_config=tower | {"vocab_size": 9}, vision_config=tower | {"image_size": 16})
    )
    assert isinstance(family_of(siglip).lay_out([[[1, 2]]], CONTEXT, 0), PaddedTexts)
    with pytest.raises(TypeError, match="SiglipFamily are padded, not packed"):
        family_of(siglip).encode(pack([[[1, 2]]], CONTEXT))
    family_of(tiny_clip()).prepare_training()


def test_refuses_attention_without_masks() -> None:
    model = tiny_clip()
    model.text_model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(OmniNegClipError, match="this model has flash_attention_2"):
        family_of(model).prepare_training()
