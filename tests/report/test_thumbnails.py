import io
from base64 import b64decode

import pytest
from PIL import Image

from omninegclip.errors import OmniNegClipError
from omninegclip.report.thumbnails import Thumbnail


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_data_uri_holds_the_very_bytes(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "tomato").save(buffer, kind)
    media_type, data = Thumbnail(buffer.getvalue(), True, "a red square", 0.3).uri.split(";base64,")
    assert media_type == f"data:image/{kind}"
    assert b64decode(data) == buffer.getvalue()


def test_other_bytes_are_refused() -> None:
    with pytest.raises(OmniNegClipError, match='"a drawing" is neither PNG nor JPEG'):
        Thumbnail(b"<svg onload=alert(1)>", True, "a drawing", 0.3).uri  # noqa: B018
