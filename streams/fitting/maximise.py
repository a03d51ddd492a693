"""Maximum likelihood over positive parameters, without random numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from streams.core.batch import Floats

LEAST, MOST = 1e-6, 1e6
"""Between these all parameters are looked for. Where the likelihood rises on and on, a customer's parameter is in effect the same for all: a limit
that the models have, so the bound is a fit like any other."""
_TOLERANCE = 1e-13
_MOST_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is highest."""

    parameters: tuple[float, ...]
    log_likelihood: float
    converged: bool


LogLikelihood = Callable[[Floats], tuple[float, Floats]]
"""Gives, for parameters, the log-likelihood and its gradient."""


def maximise(log_likelihood: LogLikelihood, weight: float, starts: Sequence[Sequence[float]]) -> Maximum:
    """The best that is found from any of the starts; of equals the first. ``weight`` is the number of customers, by which steps are scaled.

    The search is over logarithms of the parameters.
    """

    def lost(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        return -value / weight, -gradient * parameters / weight

    bounds = [(np.log(LEAST), np.log(MOST))] * len(starts[0])
    options = {"maxiter": _MOST_STEPS, "maxfun": 10 * _MOST_STEPS, "ftol": _TOLERANCE, "gtol": 1e-9, "maxcor": 20}
    found = [minimize(lost, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options) for start in starts]
    best = min(found, key=lambda one: float(one.fun))
    return Maximum(tuple(float(p) for p in np.exp(best.x)), float(-best.fun * weight), bool(best.success))
