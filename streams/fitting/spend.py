"""Gamma-Gamma (Fader and Hardie 2013, brucehardie.com/notes/025): what a purchase day is worth varies around a mean of the customer's own.

Means are spread over customers with shape ``p`` within a customer, and shape ``q`` and scale ``gamma`` between them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from streams.core.batch import Floats
from streams.fitting.maximise import Maximum, maximise


@dataclass(frozen=True, slots=True)
class SpendModel:
    """The fitted distribution of means."""

    p: float
    q: float
    gamma: float

    @property
    def has_mean(self) -> bool:
        """Whether the mean over customers is finite; where it is not, nothing can be expected of a customer."""
        return self.q > 1

    def expected_value(self, frequency: Floats, mean_value: Floats) -> Floats:
        """Mean worth of a customer's coming purchase days, drawn towards that of all the more, the fewer there were; needs ``has_mean``."""
        return np.asarray(self.p * (self.gamma + frequency * mean_value) / (self.p * frequency + self.q - 1))


def fit_spend(frequency: Floats, mean_value: Floats) -> Maximum:
    """Maximum likelihood of p, q and gamma, in this order, from customers with frequency and mean above 0."""
    unit = float(np.mean(mean_value))
    x, z = frequency, mean_value / unit
    total_log = np.log(x * z)

    def log_likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters.tolist()
        shape = p * x + q
        scale = np.log(gamma + x * z)
        value = gammaln(shape) - gammaln(p * x) - gammaln(q) + q * np.log(gamma) + p * x * total_log - np.log(z) - shape * scale
        gradient = (
            x * (digamma(shape) - digamma(p * x) + total_log - scale),
            digamma(shape) - digamma(q) + np.log(gamma) - scale,
            q / gamma - shape / (gamma + x * z),
        )
        return float(np.sum(value)), np.array([np.sum(part) for part in gradient])

    found = maximise(log_likelihood, float(len(x)), [(2.0, 2.0, 1.0), (6.0, 4.0, 0.5)])
    p, q, gamma = found.parameters
    # The density of a mean in money is that of the mean in units, over the unit.
    return Maximum((p, q, gamma * unit), found.log_likelihood - len(x) * float(np.log(unit)), found.converged)
