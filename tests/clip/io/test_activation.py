import pytest

from omninegclip.clip.io.activation import decide_activation
from omninegclip.errors import OmniNegClipError


def test_who_says_nothing_does_not_count() -> None:
    assert decide_activation("m", {"config.json": None, "--activation": "gelu"}) == "gelu"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"config.json": None}, "m does not say its activation"),
        (
            {"config.json": "gelu", "--activation": "quick_gelu"},
            "config.json says gelu, --activation says quick_gelu",
        ),
        ({"--activation": "relu"}, "activation 'relu': CLIPs have quick_gelu or gelu"),
    ],
)
def test_it_is_never_guessed(sources: dict[str, str | None], message: str) -> None:
    with pytest.raises(OmniNegClipError, match=message):
        decide_activation("m", sources)
