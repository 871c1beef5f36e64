import pytest

pytest.importorskip("spacy", reason="the negate extra is not installed")
