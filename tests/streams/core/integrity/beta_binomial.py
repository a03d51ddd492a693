"""The beta-binomial distribution by its definition, term by term."""

from math import comb, lgamma

import numpy as np


def chances(answers: int, rate: float, correlation: float) -> np.ndarray:
    """Probability of 0 to ``answers`` hits; ``correlation`` is that of two answers of a day."""
    size = 1 / correlation - 1
    a, b = rate * size, (1 - rate) * size

    def log_beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    return np.array([comb(answers, k) * np.exp(log_beta(k + a, answers - k + b) - log_beta(a, b)) for k in range(answers + 1)])
