"""How many threads the linear algebra of the fit takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def single_blas_thread() -> None:
    """Have BLAS libraries that are loaded from now on, here or in worker processes, use one thread.

    The fit multiplies many small matrices: a second thread makes it slower and takes its core from the pose
    model. What the user has set stays.
    """
    for name in BLAS_THREADS:
        os.environ.setdefault(name, "1")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for the BLAS libraries that are loaded already, while the context lasts.

    A library with several threads cuts a product into pieces by how many of them are free at that moment, and pieces of
    other sizes take other kernels, which round differently: equal input would not always give equal bytes.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
