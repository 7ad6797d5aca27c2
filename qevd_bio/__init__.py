"""qevd-bio: biomechanically grounded fitness coaching from video."""

__version__ = "0.1.0"
