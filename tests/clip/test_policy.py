import re

import pytest
import torch
from tiny_dual import TINY, tiny_own
from transformers import CLIPConfig, CLIPModel

from omninegclip.clip.families.registry import family_of
from omninegclip.clip.policy import TEXT_EXTRAS, Part, apply_policy, parameter_groups
from omninegclip.errors import OmniNegClipError
from omninegclip.objectives import presence


def small_clip(text_depth: int = 4, image_depth: int = 3) -> CLIPModel:
    """Build a random CLIP of a few thousand parameters."""
    tower = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 2}
    text = {**tower, "num_hidden_layers": text_depth, "vocab_size": 32, "eos_token_id": 31}
    image = {**tower, "num_hidden_layers": image_depth, "image_size": 8, "patch_size": 4}
    torch.manual_seed(0)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=image, projection_dim=6))


def trained_names(model: CLIPModel) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.fixture(scope="module")
def vit_b_32() -> CLIPModel:
    """The geometry of ViT-B/32, which is the default of transformers, without its memory."""
    with torch.device("meta"):
        return CLIPModel(CLIPConfig())


def test_the_paper_trains_these_parameters_of_vit_b_32(vit_b_32: CLIPModel) -> None:
    table = apply_policy(vit_b_32)
    assert (table.trained, table.total) == (44_513_793, 151_277_313)
    assert {part.name: part.parameters for part in table.parts if part.trains} == {
        "logit_scale": 1,
        "text_model.embeddings.token_embedding": 25_296_896,
        "text_model.embeddings.position_embedding": 39_424,
        "text_model.encoder.layers.0-5": 6 * 3_152_384,
        "text_model.final_layer_norm": 1_024,
        "text_projection": 262_144,
    }
    assert table.trained == sum(p.numel() for p in vit_b_32.parameters() if p.requires_grad)


def test_the_table_reads_as_the_policy() -> None:
    table = apply_policy(small_clip(), text="0,2,3", text_extras=["projection"])
    layer = 4 * (8 * 8 + 8) + 2 * 8 * 16 + 16 + 8 + 4 * 8
    assert [part for part in table.parts if part.name.startswith("text")] == [
        Part("text_model.embeddings.token_embedding", 32 * 8, trains=False),
        Part("text_model.embeddings.position_embedding", 77 * 8, trains=False),
        Part("text_model.encoder.layers.0", layer, trains=True),
        Part("text_model.encoder.layers.1", layer, trains=False),
        Part("text_model.encoder.layers.2-3", 2 * layer, trains=True),
        Part("text_model.final_layer_norm", 2 * 8, trains=False),
        Part("text_projection", 8 * 6, trains=True),
    ]
    assert ("text_model.encoder.layers.2-3", "trains", f"{2 * layer:,}") in table.rows()
    *lines, last = str(table).splitlines()
    assert len({len(line) for line in lines}) == 1, "columns are aligned"
    assert re.search(rf"^text_projection +trains +{8 * 6}$", str(table), re.MULTILINE)
    assert last == f"{3 * layer + 8 * 6:,} of {table.total:,} parameters train"


@pytest.mark.parametrize("depth", [1, 2, 3, 12, 24])
def test_front_trains_the_first_half_at_any_depth(depth: int) -> None:
    model = small_clip(text_depth=depth)
    table = apply_policy(model, text_extras=())
    layers = {name.split(".")[3] for name in trained_names(model)}
    assert layers == {str(layer) for layer in range((depth + 1) // 2)}
    assert sum(part.parameters for part in table.parts) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("extra", TEXT_EXTRAS)
def test_an_extra_trains_its_module_alone(extra: str) -> None:
    model = small_clip()
    apply_policy(model, text="none", text_extras=[extra])
    module = TEXT_EXTRAS[extra]
    assert trained_names(model)
    assert all(name == module or name.startswith(f"{module}.") for name in trained_names(model))


def test_the_last_policy_counts_and_may_be_applied_twice() -> None:
    model = small_clip()
    first = apply_policy(model)
    names = trained_names(model)
    apply_policy(model, text="back", text_extras=(), image="whole")
    assert trained_names(model) != names
    assert apply_policy(model) == apply_policy(model) == first
    assert trained_names(model) == names


def test_layer_1_is_not_layer_10() -> None:
    model = small_clip(text_depth=12)
    apply_policy(model, text=[1], text_extras=())
    assert {name.split(".")[3] for name in trained_names(model)} == {"1"}


def test_the_image_tower_trains_when_asked() -> None:
    model = small_clip()
    apply_policy(model, text="none", text_extras=(), image="last-1")
    assert {name.rpartition("layers.")[2][0] for name in trained_names(model)} == {"2"}
    assert all(name.startswith("vision_model.encoder.layers.") for name in trained_names(model))
    apply_policy(model, text="none", text_extras=(), image="whole")
    expected = {name for name, _ in model.named_parameters() if name.startswith(("vision_model.", "visual_"))}
    assert trained_names(model) == expected


@pytest.mark.parametrize("decay_all", [True, False])
def test_training_leaves_every_byte_of_what_is_frozen(decay_all: bool) -> None:
    model = small_clip()
    apply_policy(model)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.2, decay_all=decay_all), lr=0.01)
    tokens = torch.cat([torch.arange(24).reshape(6, 4), torch.full((6, 1), 31)], dim=1)
    for _ in range(3):
        images = model.get_image_features(torch.randn(3, 3, 8, 8)).pooler_output
        texts = model.get_text_features(tokens).pooler_output
        units = torch.nn.functional.normalize(torch.cat([images, texts]), dim=1)
        presence(*units.split(3), model.logit_scale.exp())["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    changed = {
        name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])
    }
    assert changed == trained_names(model)
    assert not any(name.startswith(("vision_model", "visual_projection")) for name in changed)


def test_the_paper_decays_every_trained_tensor() -> None:
    model = small_clip()
    apply_policy(model)
    (group,) = parameter_groups(model, 0.2, decay_all=True)
    assert group["weight_decay"] == 0.2
    expected = {id(p) for p in model.parameters() if p.requires_grad}
    assert {id(p) for p in group["params"]} == expected
    assert len(group["params"]) == len(expected)


def test_otherwise_only_matrices_decay() -> None:
    model = small_clip(text_depth=1)
    apply_policy(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, spared = parameter_groups(model, 0.2, decay_all=False)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.2, 0.0)
    layer = "text_model.encoder.layers.0"
    linear = [f"{layer}.self_attn.{x}_proj" for x in ("q", "k", "v", "out")] + [
        f"{layer}.mlp.fc1",
        f"{layer}.mlp.fc2",
    ]
    matrices = {f"{name}.weight" for name in linear} | {"text_projection.weight"}
    assert {names[id(p)] for p in decayed["params"]} == matrices
    assert {names[id(p)] for p in spared["params"]} == trained_names(model) - matrices
    assert len(decayed["params"]) + len(spared["params"]) == len(trained_names(model))


def test_a_group_without_tensors_is_left_out() -> None:
    model = small_clip()
    apply_policy(model, text="none", text_extras=["logit_scale"])
    assert parameter_groups(model, 0.2, decay_all=False) == [
        {"params": [model.logit_scale], "weight_decay": 0.0}
    ]


def test_nothing_to_train_is_an_error() -> None:
    model = small_clip()
    assert apply_policy(model, text="none", text_extras=()).trained == 0
    with pytest.raises(OmniNegClipError, match="no part of the model trains"):
        parameter_groups(model, 0.2, decay_all=True)


def test_a_refused_policy_leaves_the_model_alone() -> None:
    model = small_clip()
    apply_policy(model, text="back")
    names = trained_names(model)
    with pytest.raises(
        OmniNegClipError, match=r"unknown text extra .logitscale. \(did you mean .logit_scale.\?\)"
    ):
        apply_policy(model, text_extras=["logitscale"])
    with pytest.raises(OmniNegClipError, match="image layer group 'last-4' does not fit a tower of 3"):
        apply_policy(model, image="last-4")
    with pytest.raises(OmniNegClipError, match="text layer group 'first-5' does not fit a tower of 4"):
        apply_policy(model, text="first-5")
    assert trained_names(model) == names


@pytest.mark.parametrize(
    ("group", "layers"),
    [("front", {0, 1, 2}), ("middle", {2, 3}), ("back", {4, 5}), ("whole", set(range(6))), ("none", set())],
)
def test_layer_groups_of_a_bert_with_six_blocks(group: str, layers: set[int]) -> None:
    model = tiny_own().model
    apply_policy(model, text=group, text_extras=())
    names = trained_names(model)
    assert {int(name.removeprefix("text_model.encoder.layer.").partition(".")[0]) for name in names} == layers
    assert len(names) == 16 * len(layers)


@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("extra", TEXT_EXTRAS)
def test_every_family_has_every_extra(family: str, extra: str) -> None:
    model = TINY[family]().model
    table = apply_policy(model, text="none", text_extras=[extra])
    module = family_of(model).text_extras[extra]
    assert trained_names(model)
    assert all(name == module or name.startswith(f"{module}.") for name in trained_names(model))
    assert table.total == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("family", TINY)
def test_the_image_side_of_every_family_is_told_apart(family: str) -> None:
    model = TINY[family]().model
    apply_policy(model, text="none", text_extras=(), image="whole")
    side = {name for name, _ in model.named_parameters() if name.startswith(("vision_model.", "visual_"))}
    assert trained_names(model) == side
    apply_policy(model, text="none", text_extras=(), image="first-1")
    assert trained_names(model)
    assert {name.rpartition(".0.")[0].rpartition(".")[2] for name in trained_names(model)} <= {
        "layers",
        "_blocks",
    }
    assert all(name.startswith("vision_model.") and ".0." in name for name in trained_names(model))


def test_the_last_norm_of_a_post_norm_tower_is_its_final_norm() -> None:
    encoder = tiny_own()
    table = apply_policy(encoder.model, text="front", text_extras=["final_norm"])
    trained = [part for part in table.parts if part.trains]
    assert [part.name for part in trained] == ["text_model.encoder.layer.0-2", "text_model.encoder.layer.5"]
    assert trained[1].parameters == 2 * 32


def test_a_model_of_no_known_family_is_refused() -> None:
    with pytest.raises(OmniNegClipError, match="A Linear is not a dual encoder that is known here"):
        apply_policy(torch.nn.Linear(2, 2))
