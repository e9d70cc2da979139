"""Spectra: from counts in channels to power laws, breaks and lines.

What this room does not do: it extracts no spectra from events, makes no responses, and is no
library of plasma models. It reads what mission software writes and fits models to it by folding
them through the response.

Where to look
-------------
Data: `spectrum` (the class), `bands`, `groups`, `grouping` and `regroup` (selection and groups),
`channels` (checks and alignment), `response` (ARF, RMF and their product), `describe`,
`interchange`, `plain` (points without a response), `plots`, `simulate`. Files: `readers` is the
entrance; behind it `pha_rows`, `companions`, `fits_response`, `fits_table`; `writers` go the other
way.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .absorption import Phabs as Phabs
    from .absorption import TBabs as TBabs
    from .absorption import Wabs as Wabs
    from .absorption import ZPhabs as ZPhabs
    from .absorption import ZTBabs as ZTBabs
    from .absorption import absorption_cross_section as absorption_cross_section
    from .batch import ManyFits as ManyFits
    from .batch import fit_flux_table as fit_flux_table
    from .batch import fit_many as fit_many
    from .components import BrokenPowerLaw as BrokenPowerLaw
    from .components import CutoffPowerLaw as CutoffPowerLaw
    from .components import GaussianLine as GaussianLine
    from .components import LogParabola as LogParabola
    from .components import PowerLaw as PowerLaw
    from .components import Redshift as Redshift
    from .components import SmoothlyBrokenPowerLaw as SmoothlyBrokenPowerLaw
    from .custom_models import AstropyModel as AstropyModel
    from .custom_models import UserModel as UserModel
    from .derived import equivalent_width as equivalent_width
    from .derived import flux as flux
    from .derived import luminosity as luminosity
    from .derived import peak_energy as peak_energy
    from .fits_response import read_arf as read_arf
    from .fits_response import read_response as read_response
    from .fits_response import read_rmf as read_rmf
    from .flux_models import EnergyFlux as EnergyFlux
    from .flux_models import PhotonFlux as PhotonFlux
    from .grid import EnergyGrid as EnergyGrid
    from .interchange import from_specutils as from_specutils
    from .interchange import to_specutils as to_specutils
    from .line_significance import LineSignificance as LineSignificance
    from .line_significance import line_significance as line_significance
    from .model_comparison import f_test as f_test
    from .model_plots import contour_data as contour_data
    from .model_plots import fit_plot_data as fit_plot_data
    from .model_plots import plot_contours as plot_contours
    from .model_plots import plot_fit as plot_fit
    from .model_plots import plot_unfolded as plot_unfolded
    from .model_plots import unfolded_plot_data as unfolded_plot_data
    from .models import SpectralModel as SpectralModel
    from .plain import FluxPoints as FluxPoints
    from .plots import plot_flux_points as plot_flux_points
    from .plots import plot_response as plot_response
    from .plots import plot_spectrum as plot_spectrum
    from .plots import spectrum_plot_data as spectrum_plot_data
    from .problem import SpectralProblem as SpectralProblem
    from .readers import read_pha as read_pha
    from .readers import read_spectra as read_spectra
    from .response import ARF as ARF
    from .response import RMF as RMF
    from .response import Response as Response
    from .simulate import simulate as simulate
    from .spectrum import Spectrum as Spectrum
    from .time_resolved import TimeResolved as TimeResolved
    from .time_resolved import time_resolved as time_resolved
    from .writers import write_arf as write_arf
    from .writers import write_pha as write_pha
    from .writers import write_rmf as write_rmf
    from .xspec_names import from_xspec as from_xspec
else:
    from .._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "fits_response": ["read_arf", "read_response", "read_rmf"],
            "interchange": ["from_specutils", "to_specutils"],
            "line_significance": ["LineSignificance", "line_significance"],
            "plain": ["FluxPoints"],
            "plots": [
                "plot_flux_points",
                "plot_response",
                "plot_spectrum",
                "spectrum_plot_data",
            ],
            "readers": ["read_pha", "read_spectra"],
            "response": ["ARF", "RMF", "Response"],
            "simulate": ["simulate"],
            "spectrum": ["Spectrum"],
            "absorption": [
                "Phabs",
                "TBabs",
                "Wabs",
                "ZPhabs",
                "ZTBabs",
                "absorption_cross_section",
            ],
            "batch": ["ManyFits", "fit_flux_table", "fit_many"],
            "components": [
                "BrokenPowerLaw",
                "CutoffPowerLaw",
                "GaussianLine",
                "LogParabola",
                "PowerLaw",
                "Redshift",
                "SmoothlyBrokenPowerLaw",
            ],
            "custom_models": ["AstropyModel", "UserModel"],
            "derived": ["equivalent_width", "flux", "luminosity", "peak_energy"],
            "flux_models": ["EnergyFlux", "PhotonFlux"],
            "grid": ["EnergyGrid"],
            "model_comparison": ["f_test"],
            "model_plots": [
                "contour_data",
                "fit_plot_data",
                "plot_contours",
                "plot_fit",
                "plot_unfolded",
                "unfolded_plot_data",
            ],
            "models": ["SpectralModel"],
            "problem": ["SpectralProblem"],
            "time_resolved": ["TimeResolved", "time_resolved"],
            "writers": ["write_arf", "write_pha", "write_rmf"],
            "xspec_names": ["from_xspec"],
        },
    )
