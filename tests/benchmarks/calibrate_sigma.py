"""Makes refs/pose/sigma.csv: how large an angle's error is, from the fit's posterior and what else is known of a frame.

On clips of known angles (drawn ones in FOLDER, see bench_views.py, and ones of the landmark-level simulator, half the
weight each) the scale of a Student distribution of the errors is fitted, log-linear in `sigma.features`, degree of
freedom by degree of freedom; then it is scaled so that 71 % of the errors lie within one sigma.
Usage: python tests/benchmarks/calibrate_sigma.py --keep FOLDER [--fit combined] [--seed 1] [--simulated 92]
The rows of other kinds of fit stay as they are.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_views import MIN_CONFIDENCE, Seen, drawn, sensed
from scipy.optimize import minimize

from qevd_bio.anatomy.dofs import DOF_NAMES, read_rows
from qevd_bio.pose.fit.observed import observed_dofs
from qevd_bio.pose.fit.options import FitOptions
from qevd_bio.pose.fit.sigma import FEATURES, GROUPS, group_of
from qevd_bio.pose.options import ExtractOptions
from qevd_bio.store.atomic import atomic_path

FREEDOM = 5.0
# Coefficients are held near these, each with its spread: half of the posterior's word is taken, the rest is nothing.
CENTRE, SPREAD = np.array([0.0, 0.5, 0, 0, 0, 0, 0, 0]), np.array([9.0, 0.3, 0.8, 0.4, 0.5, 0.5, 0.3, 0.5])
INDEPENDENT_S = 1.0
WITHIN = 0.71  # share of errors within one sigma: a little over 0.68, since their tails are heavier than the normal's


def rows_of(
    clips: Sequence[Seen], share: float, options: FitOptions
) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(group, features (N, F), errors (N,), weights (N,)) of every clip and degree of freedom; weights add up to the
    number of independent looks times `share`."""
    rows = []
    for clip in clips:
        fit = clip.fit(options)
        kept = np.flatnonzero(np.isfinite(fit.raw).all(1) & (fit.confidence >= MIN_CONFIDENCE))[::3]
        if not len(kept):
            continue
        error = np.angle(np.exp(1j * (fit.raw[kept] - clip.angles[kept])))
        looks = share * float(clip.time_s[-1] - clip.time_s[0]) / INDEPENDENT_S / len(kept)
        # what is not observed is predicted too, but need not be predicted as well
        weight = looks * np.where(fit.observed[kept] | ~fit.observed.any(0), 1.0, 0.3)
        rows += [(group_of(k), fit.features[kept, k], error[:, k], weight[:, k]) for k in range(len(DOF_NAMES))]
    return rows


def unseen() -> set[str]:
    """Groups of the degrees of freedom that are never observed: their error is the spread of what people do."""
    bent = np.full((2, len(DOF_NAMES)), np.deg2rad(40.0))
    seen = observed_dofs(bent, np.ones((2, 8, 2)), np.ones((2, 5)), 0.5).any(0)
    return {group_of(k) for k in np.flatnonzero(~seen)}


def scale_of(features: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficients (F,) of the log of the errors' scale."""
    square = np.maximum(errors**2, np.deg2rad(0.3) ** 2)

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        log = features @ beta
        ratio = square * np.exp(-2.0 * log) / FREEDOM
        value = (weights * (log + 0.5 * (FREEDOM + 1.0) * np.log1p(ratio))).sum()
        slope = features.T @ (weights * (1.0 - (FREEDOM + 1.0) * ratio / (1.0 + ratio)))
        off = (beta - CENTRE) / SPREAD
        return float(value + 0.5 * off @ off), slope + off / SPREAD

    start = CENTRE.copy()
    start[0] = np.log(np.median(np.abs(errors)) + 1e-3) - np.average(features[:, 1:] @ CENTRE[1:], weights=weights)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x)


def quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--fit", choices=("geometric", "combined"), default=ExtractOptions().fit)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--simulated", type=int, default=92)
    parser.add_argument("--out", type=Path, default=Path("refs/pose/sigma.csv"))
    args = parser.parse_args()
    options, seen = FitOptions(kind=args.fit), list(drawn(args.keep, args.seed))
    rows = rows_of(seen, 1.0, options)
    if args.simulated:
        rows += rows_of(list(sensed(args.seed, args.simulated)), len(seen) / args.simulated, options)
    others = [row for row in read_rows(args.out) if row["fit"] != args.fit] if args.out.is_file() else []
    with atomic_path(args.out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fit", "dof", *FEATURES])
        writer.writerows([row[name] for name in ("fit", "dof", *FEATURES)] for row in others)
        for group in GROUPS:
            own = [row for row in rows if row[0] == group]
            features, errors, weights = (np.concatenate([row[i] for row in own]) for i in (1, 2, 3))
            spread = np.sqrt(np.average(errors**2, weights=weights))
            if group in unseen():
                beta = np.array([np.log(spread), *([0.0] * (len(FEATURES) - 1))])
            else:
                beta = scale_of(features, errors, weights)
                beta[0] += np.log(quantile(np.abs(errors) * np.exp(-features @ beta), weights, WITHIN))
            sigma = np.median(np.exp(features @ beta))
            print(f"{group:20} RMSE {np.rad2deg(spread):5.1f}  median sigma {np.rad2deg(sigma):5.1f}  {beta.round(2)}")
            writer.writerow([args.fit, group, *(f"{value:.4f}" for value in beta)])


if __name__ == "__main__":
    main()
