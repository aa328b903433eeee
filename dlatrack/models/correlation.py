"""How template and search features meet."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def depthwise_correlation(search: Tensor, template: Tensor) -> Tensor:
    """Slide each channel of a template over the same channel of its search region.

    The whole batch is one grouped convolution with B * C groups.

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), no larger than `search`.

    Returns:
        (B, C, H - h + 1, W - w + 1) sums of products.

    Raises:
        ValueError: when batch or channels differ, or the template is the larger one.

    Source: SiamRPN++ (Li et al. 2019) Sec. 3.4, depth-wise cross correlation.
    """
    batch, channels = search.shape[:2]
    if template.shape[:2] != search.shape[:2] or not all(
        small <= large for small, large in zip(template.shape[2:], search.shape[2:], strict=True)
    ):
        raise ValueError(
            f"template {tuple(template.shape)} must match search {tuple(search.shape)} in batch and channels "
            "and be no larger"
        )
    kernels = template.reshape(batch * channels, 1, *template.shape[2:])
    planes = search.reshape(1, batch * channels, *search.shape[2:])
    response = F.conv2d(planes, kernels, groups=batch * channels)
    return response.reshape(batch, channels, *response.shape[2:])
