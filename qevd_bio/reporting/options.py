"""What can be chosen about the report and the plots; each default lives here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

PLOT_SUFFIXES = (".pdf", ".svg", ".png")


@dataclass(frozen=True)
class ReportOptions:
    """How much the page shows.

    frames      pictures of each segment, 0 for none
    size_mb     what the pictures of all segments together may take; a picture is compressed until it fits
    band_deg    half width of the band around the reference, about the error of angles from one camera
    clips       a short film of each exercise's gravest fault, embedded
    clips_mb    what all of these together may take; one that does not fit is left out
    """

    frames: int = 8
    size_mb: float = 14.0
    band_deg: float = 10.0
    clips: bool = False
    clips_mb: float = 8.0


@dataclass(frozen=True)
class AgainstOptions:
    """How extracted angles are compared with a truth.

    offset      seconds from the video's time to the truth's; None: found by correlation
    replicates, level, seed  of the bootstrap over clips
    """

    offset: float | None = None
    replicates: int = 1000
    level: float = 0.95
    seed: int = 0
