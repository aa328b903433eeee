"""What the paper's text says of its Fig. 9. The curves themselves are not printed as numbers.

Source: SiamDLA Fig. 9 and the text around it, of DLA-SiamCAR.
"""

from __future__ import annotations

#: Fig. 9a: least and largest mean number of positives per target, after 20 epochs of 600,000 pairs.
POSITIVES: tuple[float, float] = (3.0, 4.0)

#: Fig. 9b: the K whose positives are followed over the epochs.
FOLLOWED: tuple[int, ...] = (5, 11, 17, 23)

#: K from and to which the text calls the method insensitive.
INSENSITIVE: tuple[int, int] = (7, 19)

#: Positives per target at the paper's K of 9, "about three" in its conclusion.
CONCLUDED: float = 3.0
