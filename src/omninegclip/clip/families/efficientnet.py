"""Image towers that are no vision transformer: pixels in, one vector of pooled features out."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from omninegclip.errors import OmniNegClipError
from omninegclip.extras import needed_for


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite without its classifier: the mean of the last feature map over its places.

    Source: Tan and Le, "EfficientNet", ICML 2019, arXiv 1905.11946; the Lite family has ReLU6 and no
    squeeze-and-excitation.
    """

    width = 1280

    def __init__(self, number: int) -> None:
        """Build EfficientNet-Lite `number` with random weights.

        Raises:
            OmniNegClipError: the package that has the architecture is not installed.
        """
        super().__init__()
        with needed_for("The image tower of this model"):
            from efficientnet_lite_pytorch import EfficientNet
        self.net: Any = EfficientNet.from_name(f"efficientnet-lite{number}")
        self.net._fc = nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features [n, 1280] of images [n, 3, size, size]."""
        return torch.as_tensor(self.net.extract_features(pixels).mean(dim=(2, 3)))


# The name in a saved model -> its image tower with random weights; `width` is the size of its features.
IMAGE_TOWERS: dict[str, Callable[[], Any]] = {"efficientnet-lite2": lambda: EfficientNetLite(2)}


def build_image_tower(name: str) -> Any:
    """Return the image tower of that name with random weights.

    Raises:
        OmniNegClipError: there is none of that name, or its package is not installed.
    """
    if not isinstance(name, str) or name not in IMAGE_TOWERS:
        raise OmniNegClipError(f"There is no image tower {name!r}: known are {', '.join(IMAGE_TOWERS)}.")
    return IMAGE_TOWERS[name]()
