"""How many threads the linear algebra of the fit takes. Standard library only: it must be set before numpy loads."""

from __future__ import annotations

import os

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def single_blas_thread() -> None:
    """Have BLAS libraries that are loaded from now on, here or in worker processes, use one thread.

    The fit multiplies many small matrices: a second thread makes it slower and takes its core from the pose
    model. Results do not depend on it. What the user has set stays.
    """
    for name in BLAS_THREADS:
        os.environ.setdefault(name, "1")
