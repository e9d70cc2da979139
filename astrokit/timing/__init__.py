"""Timing: how strongly a source varies, and on which time scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import measures as measures
    from .amplitude import peak_to_peak_amplitude as peak_to_peak_amplitude
    from .amplitude import variability_amplitude as variability_amplitude
    from .approximation import Approximation as Approximation
    from .characterize import Characterization as Characterization
    from .characterize import Characterizations as Characterizations
    from .characterize import characterize as characterize
    from .correlation import CorrelationFunction as CorrelationFunction
    from .correlation import autocorrelation as autocorrelation
    from .correlation import discrete_correlation as discrete_correlation
    from .correlation_significance import CorrelationSignificance as CorrelationSignificance
    from .correlation_significance import correlation_significance as correlation_significance
    from .cross import CrossSpectrum as CrossSpectrum
    from .cross_plots import plot_cross_spectrum as plot_cross_spectrum
    from .debiased import DebiasedPSDProblem as DebiasedPSDProblem
    from .epoch import sum_of_bands as sum_of_bands
    from .epoch_plots import plot_spectrum as plot_spectrum
    from .flux_models import FluxModel as FluxModel
    from .flux_models import LogNormalFlux as LogNormalFlux
    from .flux_models import NormalFlux as NormalFlux
    from .flux_problem import FluxDistributionProblem as FluxDistributionProblem
    from .flux_simulation import FluxSimulation as FluxSimulation
    from .flux_simulation import emmanoulopoulos as emmanoulopoulos
    from .flux_verdict import FluxDistribution as FluxDistribution
    from .flux_verdict import flux_distribution as flux_distribution
    from .gaussian import GaussianPSDProblem as GaussianPSDProblem
    from .hardness import HardnessCorrelation as HardnessCorrelation
    from .hardness import HardnessCurve as HardnessCurve
    from .hardness import bayesian_hardness_ratio as bayesian_hardness_ratio
    from .hardness import hardness_flux_correlation as hardness_flux_correlation
    from .hardness import hardness_ratio as hardness_ratio
    from .lag import LagResult as LagResult
    from .lag import interpolated_correlation as interpolated_correlation
    from .lag import time_lag as time_lag
    from .lines import LineSearch as LineSearch
    from .lines import line_rms as line_rms
    from .lines import line_search as line_search
    from .lomb_scargle import LombScargle as LombScargle
    from .lomb_scargle import RedNoiseTest as RedNoiseTest
    from .lomb_scargle import lomb_scargle as lomb_scargle
    from .models import BendingPowerLaw as BendingPowerLaw
    from .models import Constant as Constant
    from .models import Lorentzian as Lorentzian
    from .models import PowerLaw as PowerLaw
    from .models import PSDModel as PSDModel
    from .periodogram import Periodogram as Periodogram
    from .plots import plot_fit as plot_fit
    from .plots import plot_periodogram as plot_periodogram
    from .process_models import CARMA21 as CARMA21
    from .process_models import DampedRandomWalk as DampedRandomWalk
    from .process_models import Oscillator as Oscillator
    from .psd import PSDProblem as PSDProblem
    from .psresp import psresp as psresp
    from .psresp_result import PsrespResult as PsrespResult
    from .rms_flux import RmsFluxRelation as RmsFluxRelation
    from .rms_flux import rms_flux_relation as rms_flux_relation
    from .segments import Segments as Segments
    from .segments import averaged_periodogram as averaged_periodogram
    from .simulate import simulate_lightcurve as simulate_lightcurve
    from .simulate import simulate_rates as simulate_rates
    from .simulate import timmer_koenig as timmer_koenig
    from .statistics import largest_ratio as largest_ratio
    from .statistics import loglog_slope as loglog_slope
    from .statistics import summed_square_error as summed_square_error
    from .structure_function import StructureFunction as StructureFunction
    from .structure_function import structure_function as structure_function
    from .tapers import DPSS as DPSS
    from .tapers import Hann as Hann
    from .tapers import Sine as Sine
    from .tapers import Taper as Taper
    from .timescales import MinimumTimescale as MinimumTimescale
    from .timescales import TimescaleScatter as TimescaleScatter
    from .timescales import minimum_timescale as minimum_timescale
    from .timescales import minimum_timescale_scatter as minimum_timescale_scatter
    from .timescales import region_size as region_size
    from .variability import VariabilityScatter as VariabilityScatter
    from .variability import excess_variance as excess_variance
    from .variability import fractional_variability as fractional_variability
    from .variability import fractional_variability_scatter as fractional_variability_scatter
    from .variability import normalized_excess_variance as normalized_excess_variance
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "flux_simulation": ["FluxSimulation", "emmanoulopoulos"],
            "flux_models": ["FluxModel", "LogNormalFlux", "NormalFlux"],
            "flux_problem": ["FluxDistributionProblem"],
            "flux_verdict": ["FluxDistribution", "flux_distribution"],
            "rms_flux": ["RmsFluxRelation", "rms_flux_relation"],
            "epoch": ["sum_of_bands"],
            "characterize": ["Characterization", "Characterizations", "characterize"],
            "epoch_plots": ["plot_spectrum"],
            "gaussian": ["GaussianPSDProblem"],
            "approximation": ["Approximation"],
            "amplitude": ["peak_to_peak_amplitude", "variability_amplitude"],
            "timescales": [
                "MinimumTimescale",
                "TimescaleScatter",
                "minimum_timescale",
                "minimum_timescale_scatter",
                "region_size",
            ],
            "hardness": [
                "HardnessCorrelation",
                "HardnessCurve",
                "bayesian_hardness_ratio",
                "hardness_flux_correlation",
                "hardness_ratio",
            ],
            "cross": ["CrossSpectrum"],
            "cross_plots": ["plot_cross_spectrum"],
            "segments": ["Segments", "averaged_periodogram"],
            "lines": ["LineSearch", "line_rms", "line_search"],
            "lomb_scargle": ["LombScargle", "RedNoiseTest", "lomb_scargle"],
            "debiased": ["DebiasedPSDProblem"],
            "tapers": ["DPSS", "Hann", "Sine", "Taper"],
            "models": ["BendingPowerLaw", "Constant", "Lorentzian", "PSDModel", "PowerLaw"],
            "periodogram": ["Periodogram"],
            "plots": ["plot_fit", "plot_periodogram"],
            "process_models": ["CARMA21", "DampedRandomWalk", "Oscillator"],
            "psd": ["PSDProblem"],
            "correlation": ["CorrelationFunction", "autocorrelation", "discrete_correlation"],
            "correlation_significance": ["CorrelationSignificance", "correlation_significance"],
            "lag": ["LagResult", "interpolated_correlation", "time_lag"],
            "structure_function": ["StructureFunction", "structure_function"],
            "psresp": ["psresp"],
            "psresp_result": ["PsrespResult"],
            "simulate": ["simulate_lightcurve", "simulate_rates", "timmer_koenig"],
            "statistics": ["largest_ratio", "loglog_slope", "summed_square_error"],
            "variability": [
                "VariabilityScatter",
                "excess_variance",
                "fractional_variability",
                "fractional_variability_scatter",
                "normalized_excess_variance",
            ],
        },
        submodules=["measures"],
    )
