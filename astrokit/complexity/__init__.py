"""Complexity: ordinal patterns, permutation entropy and the H-C plane, with error bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import examples as examples
    from .counting import OrdinalCounts as OrdinalCounts
    from .counting import ordinal_counts as ordinal_counts
    from .counting import ordinal_patterns as ordinal_patterns
    from .counting import patterns_of_codes as patterns_of_codes
    from .curves import HCBatch as HCBatch
    from .curves import HCCurve as HCCurve
    from .curves import hc_batch as hc_batch
    from .curves import hc_curve as hc_curve
    from .hcplane import Plane as Plane
    from .hcplane import plane as plane
    from .measures import HC as HC
    from .measures import fisher_information as fisher_information
    from .measures import hc as hc
    from .measures import permutation_entropy as permutation_entropy
    from .measures import renyi_entropy as renyi_entropy
    from .measures import statistical_complexity as statistical_complexity
    from .measures import tsallis_entropy as tsallis_entropy
    from .measures import weighted_entropy as weighted_entropy
    from .noise import autoregressive_noise as autoregressive_noise
    from .noise import coloured_noise as coloured_noise
    from .noise import fractional_brownian_motion as fractional_brownian_motion
    from .noise import fractional_gaussian_noise as fractional_gaussian_noise
    from .noise_reference import NoiseReference as NoiseReference
    from .noise_reference import exact_noise_probabilities as exact_noise_probabilities
    from .noise_reference import noise_reference as noise_reference
    from .plots import plot_curve as plot_curve
    from .plots import plot_plane as plot_plane
    from .series import Jitter as Jitter
    from .series import Tolerance as Tolerance
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "counting": [
                "OrdinalCounts",
                "ordinal_counts",
                "ordinal_patterns",
                "patterns_of_codes",
            ],
            "curves": ["HCBatch", "HCCurve", "hc_batch", "hc_curve"],
            "hcplane": ["Plane", "plane"],
            "measures": [
                "HC",
                "fisher_information",
                "hc",
                "permutation_entropy",
                "renyi_entropy",
                "statistical_complexity",
                "tsallis_entropy",
                "weighted_entropy",
            ],
            "noise": [
                "autoregressive_noise",
                "coloured_noise",
                "fractional_brownian_motion",
                "fractional_gaussian_noise",
            ],
            "noise_reference": [
                "NoiseReference",
                "exact_noise_probabilities",
                "noise_reference",
            ],
            "plots": ["plot_curve", "plot_plane"],
            "series": ["Jitter", "Tolerance"],
        },
        submodules=["examples"],
    )
