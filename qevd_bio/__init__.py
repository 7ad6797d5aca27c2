"""qevd-bio: biomechanically grounded fitness coaching from video."""

from qevd_bio.store.version import __version__

__all__ = ["__version__"]
