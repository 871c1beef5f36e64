"""Which sentences are known to be false of which images."""

from torch import Tensor


def false_pairs(affirms: Tensor, negates: Tensor, present: Tensor, absent: Tensor) -> Tensor:
    """Tell which sentences are false of which images, by the objects that both are known to name.

        F_tp = [ negates_t and present_p share an object ]  or  [ affirms_t and absent_p share one ]

    A pair that is not known to be false need not be true: the image may hold what nobody wrote down, and the
    sentence may say more than which objects there are. `omni_plus` leaves such pairs out.

    Args:
        affirms: [T, V] booleans: sentence t says that object v is there.
        negates: [T, V] booleans: sentence t says that object v is not there.
        present: [P, V] booleans: image p is known to hold object v.
        absent: [P, V] booleans: image p is known not to hold it.

    Returns:
        [T, P] booleans.

    Raises:
        ValueError: The shapes don't fit together.
    """
    if affirms.shape != negates.shape or present.shape != absent.shape:
        raise ValueError(
            f"affirms and negates must be alike, and present and absent, not {list(affirms.shape)} and "
            f"{list(negates.shape)}, {list(present.shape)} and {list(absent.shape)}"
        )
    if affirms.ndim != 2 or present.ndim != 2 or affirms.shape[1] != present.shape[1]:
        raise ValueError(
            f"sentences [T, V] and images [P, V] must name the same objects, not {list(affirms.shape)} "
            f"and {list(present.shape)}"
        )
    return ((negates.float() @ present.float().T) + (affirms.float() @ absent.float().T)) > 0
