"""The Bradley-Terry model with ties and an advantage of side A: how it is fitted, and how sure it is.

Davidson (1970), "On extending the Bradley-Terry model to accommodate ties", JASA 65; the side as in Davidson and Beaver
(1977), "On extending the Bradley-Terry model to incorporate within-pair order effects", Biometrics 33. With strengths
s on the log scale and z = s_a - s_b + side, the chances of A, B and a tie are as exp(z / 2), exp(-z / 2) and exp(tie).

It is log-linear, so there is one maximum. A weak normal prior around 0 on every parameter keeps it finite where one
variant always wins. Strengths sum to 0.

Ratings of one request are not independent. A standard error is the larger of the model's own, from the observed
information, and the one that is robust to that (the sandwich, clustered by request, with Student's t for few requests).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PRIOR = 3.0
"""The prior's standard deviation in log-odds: a variant may well win 95 of 100 pairs."""

Floats = NDArray[np.float64]

A, B, TIE = 0, 1, 2


class Judged(NamedTuple):
    """One comparison: the variants on the sides, what came of it (``A``, ``B`` or ``TIE``), and its request."""

    a: str
    b: str
    outcome: int
    request: str


class Estimate(NamedTuple):
    """A number on the log scale, with its 95 % interval and the p-value of its being 0."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Fit:
    """A fitted model: ``values`` are the strengths of ``variants``, then the side, then the tie where there are ties.

    ``own`` and ``robust`` are the two covariances of these, ``requests`` the number of clusters.
    """

    variants: tuple[str, ...]
    values: Floats
    own: Floats
    robust: Floats
    requests: int
    log_likelihood: float

    @property
    def has_ties(self) -> bool:
        """Whether a tie was ever said: without one its chance is 0."""
        return len(self.values) > len(self.variants) + 1

    def strength(self, variant: str) -> Estimate:
        """The strength of a variant; 0 is the average."""
        return self._estimate({self.variants.index(variant): 1.0})

    def difference(self, first: str, second: str) -> Estimate:
        """By how much the first is stronger: the log-odds that it is preferred."""
        return self._estimate({self.variants.index(first): 1.0, self.variants.index(second): -1.0})

    def side(self) -> Estimate:
        """By how much side A is favoured, in log-odds."""
        return self._estimate({len(self.variants): 1.0})

    def tie(self) -> Estimate | None:
        """The logarithm of Davidson's ν; None where nobody said tie."""
        return self._estimate({len(self.variants) + 1: 1.0}) if self.has_ties else None

    def _estimate(self, weights: dict[int, float]) -> Estimate:
        from scipy.special import stdtr, stdtrit

        c = np.zeros(len(self.values))
        for index, weight in weights.items():
            c[index] = weight
        value = float(c @ self.values)
        error = sqrt(max(float(c @ self.own @ c), float(c @ self.robust @ c), 0.0))
        freedom = max(self.requests - 1, 1)
        half = float(stdtrit(freedom, 0.975)) * error
        p = 2 * float(stdtr(freedom, -abs(value) / error)) if error > 0 else 1.0
        return Estimate(value, value - half, value + half, p)


def fit(judged: Iterable[Judged], variants: Sequence[str] = (), *, prior: float = PRIOR) -> Fit:
    """Fit the model.

    Args:
        judged: the comparisons.
        variants: those to have a strength, besides those that were compared.
        prior: the standard deviation of the prior; ``inf`` for none, which needs a variant of each kind of outcome.
    """
    from scipy.optimize import minimize

    rows = list(judged)
    names = tuple(sorted({*variants, *(row.a for row in rows), *(row.b for row in rows)}))
    basis = _basis(len(names))
    outcomes = np.array([row.outcome for row in rows], dtype=int)
    design = _design(rows, names, basis)
    ties = bool((outcomes == TIE).any())
    size = design.shape[1] + ties
    precision = np.full(size, 0.0 if np.isinf(prior) else prior**-2)
    cells, counts = np.unique(np.column_stack([design, outcomes]), axis=0, return_counts=True)
    model = _Model(cells[:, :-1], cells[:, -1].astype(int), counts.astype(float), precision, ties)
    if rows:
        found = minimize(model.loss, np.zeros(size), jac=True, hess=model.information, method="trust-exact")
        at = np.asarray(found.x, dtype=float)
    else:
        at = np.zeros(size)
    inverse = np.linalg.inv(model.information(at))
    each = _Model(design, outcomes, np.ones(len(rows)), precision, ties).scores(at)
    groups, index = np.unique([row.request for row in rows], return_inverse=True)
    meat = _meat(each, index, len(groups))
    back = np.zeros((len(names) + size - basis.shape[1], size))
    back[: len(names), : basis.shape[1]] = basis
    back[len(names) :, basis.shape[1] :] = np.eye(size - basis.shape[1])
    likelihood = -float(model.loss(at)[0]) + 0.5 * float(precision @ at**2)
    own, robust = back @ inverse @ back.T, back @ inverse @ meat @ inverse @ back.T
    return Fit(names, back @ at, own, robust, len(groups), likelihood)


def chances(z: float, tie: float | None = None) -> tuple[float, float, float]:
    """The chances that A is preferred, that B is, and of a tie, at a difference of ``z`` in log-odds."""
    row = np.array([[z]])
    model = _Model(row, np.array([A]), np.ones(1), np.zeros(1), tie is not None)
    a, b, even = model.chances(np.array([1.0] if tie is None else [1.0, tie]))[0]
    return float(a), float(b), float(even)


def gain(found: Fit, first: str, second: str) -> float:
    """What one rating more of two variants tells: the information about their difference that it is expected to add.

    In nats: half the logarithm of 1 + information of the answer x variance of the difference so far.
    """
    tie = found.tie()
    a, b, _ = chances(found.difference(first, second).value, None if tie is None else tie.value)
    information = (a + b - (a - b) ** 2) / 4
    x, y = found.variants.index(first), found.variants.index(second)
    variance = found.own[x, x] + found.own[y, y] - 2 * found.own[x, y]
    return float(0.5 * np.log1p(information * variance))


@dataclass(frozen=True)
class _Model:
    """The likelihood of outcomes; of ``design`` one row is one kind of comparison, that came ``counts`` times."""

    design: Floats
    outcomes: NDArray[np.int_]
    counts: Floats
    precision: Floats
    ties: bool

    def chances(self, at: Floats) -> Floats:
        """Shape (rows, 3): A, B, tie."""
        from scipy.special import softmax

        half = self.design @ at[: self.design.shape[1]] / 2
        tie = np.full_like(half, at[-1] if self.ties else -np.inf)
        return np.asarray(softmax(np.column_stack([half, -half, tie]), axis=1))

    def loss(self, at: Floats) -> tuple[float, Floats]:
        """The negative logarithm of likelihood x prior, and its gradient."""
        p = self.chances(at)[np.arange(len(self.outcomes)), self.outcomes]
        value = -float(self.counts @ np.log(np.maximum(p, 1e-300))) + 0.5 * float(self.precision @ at**2)
        return value, -self.counts @ self.scores(at) + self.precision * at

    def scores(self, at: Floats) -> Floats:
        """The gradient of each row's log-likelihood, shape (rows, parameters)."""
        off = np.eye(3)[self.outcomes] - self.chances(at)
        scores = self.design * ((off[:, A] - off[:, B]) / 2)[:, None]
        return np.column_stack([scores, off[:, TIE]]) if self.ties else scores

    def information(self, at: Floats) -> Floats:
        """The Hessian of the loss."""
        a, b, tie = self.chances(at).T
        spread = self.counts * (a + b - (a - b) ** 2) / 4
        found = (self.design * spread[:, None]).T @ self.design
        if self.ties:
            cross = self.design.T @ (self.counts * -(a - b) * tie / 2)
            corner = float(self.counts @ (tie * (1 - tie)))
            found = np.block([[found, cross[:, None]], [cross[None, :], np.array([[corner]])]])
        return np.asarray(found + np.diag(self.precision))


def _basis(count: int) -> Floats:
    """Columns that span what sums to 0, orthonormal: shape (count, count - 1)."""
    helmert = np.tril(np.ones((count, count)), -1)[:, : max(count - 1, 0)] * -1.0
    for column in range(count - 1):
        helmert[column, column] = count - 1 - column
    return np.asarray(helmert / np.maximum(np.linalg.norm(helmert, axis=0), 1e-300))


def _design(rows: Sequence[Judged], names: Sequence[str], basis: Floats) -> Floats:
    place = {name: index for index, name in enumerate(names)}
    a, b = [place[row.a] for row in rows], [place[row.b] for row in rows]
    return np.column_stack([basis[a] - basis[b], np.ones(len(rows))])


def _meat(scores: Floats, index: NDArray[np.int_], groups: int) -> Floats:
    """The covariance of the summed scores of requests; 0 where there is but one request."""
    sums = np.zeros((groups, scores.shape[1]))
    np.add.at(sums, index, scores)
    return np.asarray(sums.T @ sums * (groups / (groups - 1))) if groups > 1 else np.zeros((scores.shape[1],) * 2)
