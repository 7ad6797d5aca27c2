"""`python -m qevd_bio`."""

import sys
from importlib.util import find_spec
from pathlib import Path

# From a clone's root the folder `qevd_bio` hides an installed package; `cli`, `refs` and `prompts` lie beside it there.
if find_spec("qevd_bio.cli") is None:
    sys.modules["qevd_bio"].__path__.append(str(Path(__file__).resolve().parents[1]))

from qevd_bio.cli.app import main

if __name__ == "__main__":
    main()
