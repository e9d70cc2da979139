"""Complexity: ordinal patterns, permutation entropy and the H-C plane, with error bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import examples as examples
    from .bootstrap import Bootstrap as Bootstrap
    from .bootstrap import block_bootstrap as block_bootstrap
    from .counting import OrdinalCounts as OrdinalCounts
    from .counting import ordinal_counts as ordinal_counts
    from .counting import ordinal_patterns as ordinal_patterns
    from .counting import patterns_of_codes as patterns_of_codes
    from .curves import HCBatch as HCBatch
    from .curves import HCCurve as HCCurve
    from .curves import hc_batch as hc_batch
    from .curves import hc_curve as hc_curve
    from .forbidden import MissingPatterns as MissingPatterns
    from .forbidden import missing_patterns as missing_patterns
    from .hcplane import Plane as Plane
    from .hcplane import plane as plane
    from .images import ImageHC as ImageHC
    from .images import image_counts as image_counts
    from .images import image_hc as image_hc
    from .measures import HC as HC
    from .measures import fisher_information as fisher_information
    from .measures import hc as hc
    from .measures import permutation_entropy as permutation_entropy
    from .measures import renyi_entropy as renyi_entropy
    from .measures import statistical_complexity as statistical_complexity
    from .measures import tsallis_entropy as tsallis_entropy
    from .measures import weighted_entropy as weighted_entropy
    from .networks import OrdinalNetwork as OrdinalNetwork
    from .networks import ordinal_network as ordinal_network
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
    from .slope import SpectralSlopeProblem as SpectralSlopeProblem
    from .slope import coloured_noise_test as coloured_noise_test
    from .surrogates import SurrogateTest as SurrogateTest
    from .surrogates import brownian_surrogate as brownian_surrogate
    from .surrogates import hurst_exponent as hurst_exponent
    from .surrogates import iaaft_surrogate as iaaft_surrogate
    from .surrogates import phase_surrogate as phase_surrogate
    from .surrogates import shuffled_surrogate as shuffled_surrogate
    from .surrogates import surrogate_test as surrogate_test
    from .surrogates import white_noise_test as white_noise_test
    from .timescales import ChaosScan as ChaosScan
    from .timescales import SamplingScheme as SamplingScheme
    from .timescales import chaos_scan as chaos_scan
    from .timescales import natural_time_scale as natural_time_scale
    from .timescales import sampling_scheme as sampling_scheme
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "bootstrap": ["Bootstrap", "block_bootstrap"],
            "counting": [
                "OrdinalCounts",
                "ordinal_counts",
                "ordinal_patterns",
                "patterns_of_codes",
            ],
            "curves": ["HCBatch", "HCCurve", "hc_batch", "hc_curve"],
            "forbidden": ["MissingPatterns", "missing_patterns"],
            "hcplane": ["Plane", "plane"],
            "images": ["ImageHC", "image_counts", "image_hc"],
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
            "networks": ["OrdinalNetwork", "ordinal_network"],
            "noise": [
                "autoregressive_noise",
                "coloured_noise",
                "fractional_brownian_motion",
                "fractional_gaussian_noise",
            ],
            "noise_reference": ["NoiseReference", "exact_noise_probabilities", "noise_reference"],
            "plots": ["plot_curve", "plot_plane"],
            "series": ["Jitter", "Tolerance"],
            "slope": ["SpectralSlopeProblem", "coloured_noise_test"],
            "surrogates": [
                "SurrogateTest",
                "brownian_surrogate",
                "hurst_exponent",
                "iaaft_surrogate",
                "phase_surrogate",
                "shuffled_surrogate",
                "surrogate_test",
                "white_noise_test",
            ],
            "timescales": [
                "ChaosScan",
                "SamplingScheme",
                "chaos_scan",
                "natural_time_scale",
                "sampling_scheme",
            ],
        },
        submodules=["examples"],
    )
