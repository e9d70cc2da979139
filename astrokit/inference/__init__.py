"""The shared backend: parameters, priors, problems, fits, posteriors, comparison, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .calibration import Calibration as Calibration
    from .calibration import calibrate as calibrate
    from .comparison import Comparison as Comparison
    from .comparison import compare as compare
    from .comparison import likelihood_ratio_test as likelihood_ratio_test
    from .coverage import FitCoverage as FitCoverage
    from .coverage import fit_coverage as fit_coverage
    from .diagnostics import Verdict as Verdict
    from .draws import Moves as Moves
    from .evidence import Evidence as Evidence
    from .evidence import evidence as evidence
    from .fit_result import Fit as Fit
    from .goodness import goodness_of_fit as goodness_of_fit
    from .kernels import compiled_likelihood as compiled_likelihood
    from .options import SamplerOptions as SamplerOptions
    from .parameters import Parameter as Parameter
    from .parameters import Parameters as Parameters
    from .posterior import Posterior as Posterior
    from .priors import HalfNormal as HalfNormal
    from .priors import LogNormal as LogNormal
    from .priors import LogUniform as LogUniform
    from .priors import Normal as Normal
    from .priors import Prior as Prior
    from .priors import TruncatedNormal as TruncatedNormal
    from .priors import Uniform as Uniform
    from .problem import CompiledLikelihood as CompiledLikelihood
    from .problem import Problem as Problem
    from .problems import CurveProblem as CurveProblem
    from .problems import FunctionProblem as FunctionProblem
    from .problems import PoissonProblem as PoissonProblem
    from .significance import SimulatedTest as SimulatedTest
    from .storage import load as load

else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "calibration": ["Calibration", "calibrate"],
            "comparison": ["Comparison", "compare", "likelihood_ratio_test"],
            "diagnostics": ["Verdict"],
            "draws": ["Moves"],
            "coverage": ["FitCoverage", "fit_coverage"],
            "evidence": ["Evidence", "evidence"],
            "fit_result": ["Fit"],
            "goodness": ["goodness_of_fit"],
            "kernels": ["compiled_likelihood"],
            "options": ["SamplerOptions"],
            "parameters": ["Parameter", "Parameters"],
            "posterior": ["Posterior"],
            "priors": [
                "HalfNormal",
                "LogNormal",
                "LogUniform",
                "Normal",
                "Prior",
                "TruncatedNormal",
                "Uniform",
            ],
            "problem": ["CompiledLikelihood", "Problem"],
            "problems": ["CurveProblem", "FunctionProblem", "PoissonProblem"],
            "significance": ["SimulatedTest"],
            "storage": ["load"],
        },
    )
