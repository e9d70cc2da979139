"""Bursts: energy functions of repeating sources, breaks that can be believed, power-law tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .break_result import BreakResult as BreakResult
    from .break_result import Mode as Mode
    from .breaks import find_break as find_break
    from .common import CommonBreak as CommonBreak
    from .common import common_break as common_break
    from .completeness import CompletenessCurve as CompletenessCurve
    from .completeness import LogisticCompleteness as LogisticCompleteness
    from .energy import EnergyConvention as EnergyConvention
    from .energy import luminosity_distance as luminosity_distance
    from .goodness import ks_distance as ks_distance
    from .joint import JointEnergyProblem as JointEnergyProblem
    from .leastsq import LeastSquaresFit as LeastSquaresFit
    from .leastsq import fit_binned as fit_binned
    from .leastsq import fit_cumulative as fit_cumulative
    from .magnitudes import b_value as b_value
    from .magnitudes import b_value_of_index as b_value_of_index
    from .magnitudes import energy_to_magnitude as energy_to_magnitude
    from .magnitudes import find_magnitude_break as find_magnitude_break
    from .magnitudes import index_of_b_value as index_of_b_value
    from .magnitudes import magnitude_to_energy as magnitude_to_energy
    from .magnitudes import simulate_magnitudes as simulate_magnitudes
    from .models import BentPowerLaw as BentPowerLaw
    from .models import BrokenPowerLaw as BrokenPowerLaw
    from .models import CutoffPowerLaw as CutoffPowerLaw
    from .models import EnergyModel as EnergyModel
    from .models import LogNormal as LogNormal
    from .models import LogNormalPlusCauchy as LogNormalPlusCauchy
    from .models import PowerLaw as PowerLaw
    from .models import SmoothlyBrokenPowerLaw as SmoothlyBrokenPowerLaw
    from .models import StretchedExponential as StretchedExponential
    from .models import ThresholdedPowerLaw as ThresholdedPowerLaw
    from .plots import compare_samples as compare_samples
    from .plots import plot_break_profile as plot_break_profile
    from .plots import plot_common_break as plot_common_break
    from .plots import plot_energies as plot_energies
    from .plots import plot_energy_against_time as plot_energy_against_time
    from .plots import plot_energy_function as plot_energy_function
    from .plots import plot_tail as plot_tail
    from .plots import plot_waiting_times as plot_waiting_times
    from .problem import Energies as Energies
    from .problem import EnergyProblem as EnergyProblem
    from .readers import read_bursts as read_bursts
    from .sample import BurstSample as BurstSample
    from .sessions import Session as Session
    from .sessions import event_rate as event_rate
    from .sessions import merge_sub_bursts as merge_sub_bursts
    from .sessions import split_sessions as split_sessions
    from .tail import PowerLawTail as PowerLawTail
    from .tail import TailErrors as TailErrors
    from .tail_problem import DiscreteTailProblem as DiscreteTailProblem
    from .vuong import VuongTest as VuongTest
    from .vuong import vuong as vuong
    from .waiting import WaitingTimeProblem as WaitingTimeProblem
    from .waiting import WeibullRateProblem as WeibullRateProblem
    from .waiting import waiting_times as waiting_times
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "break_result": ["BreakResult", "Mode"],
            "breaks": ["find_break"],
            "common": ["CommonBreak", "common_break"],
            "completeness": ["CompletenessCurve", "LogisticCompleteness"],
            "energy": ["EnergyConvention", "luminosity_distance"],
            "goodness": ["ks_distance"],
            "joint": ["JointEnergyProblem"],
            "leastsq": ["LeastSquaresFit", "fit_binned", "fit_cumulative"],
            "magnitudes": [
                "b_value",
                "b_value_of_index",
                "energy_to_magnitude",
                "find_magnitude_break",
                "index_of_b_value",
                "magnitude_to_energy",
                "simulate_magnitudes",
            ],
            "models": [
                "BentPowerLaw",
                "BrokenPowerLaw",
                "CutoffPowerLaw",
                "EnergyModel",
                "LogNormal",
                "LogNormalPlusCauchy",
                "PowerLaw",
                "SmoothlyBrokenPowerLaw",
                "StretchedExponential",
                "ThresholdedPowerLaw",
            ],
            "plots": [
                "compare_samples",
                "plot_break_profile",
                "plot_common_break",
                "plot_energies",
                "plot_energy_against_time",
                "plot_energy_function",
                "plot_tail",
                "plot_waiting_times",
            ],
            "problem": ["Energies", "EnergyProblem"],
            "readers": ["read_bursts"],
            "sample": ["BurstSample"],
            "sessions": ["Session", "event_rate", "merge_sub_bursts", "split_sessions"],
            "tail": ["PowerLawTail", "TailErrors"],
            "tail_problem": ["DiscreteTailProblem"],
            "vuong": ["VuongTest", "vuong"],
            "waiting": ["WaitingTimeProblem", "WeibullRateProblem", "waiting_times"],
        },
    )
