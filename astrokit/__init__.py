"""astrokit: power laws, breaks, rhythms and rotation in astronomical data, with honest errors.

The names listed here are what a user types; each is imported on first use, so that
``import astrokit`` costs next to nothing.

Examples
--------
>>> import astrokit as ak
>>> print(ak.Estimate(0.259879, 0.000654, name="Fvar"))
Fvar = 0.2599 +/- 0.0007
"""

from typing import TYPE_CHECKING

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import bars as bars
    from . import boundary as boundary
    from . import bursts as bursts
    from . import comets as comets
    from . import complexity as complexity
    from . import datasets as datasets
    from . import errors as errors
    from . import estimate as estimate
    from . import inference as inference
    from . import lightcurve as lightcurve
    from . import parallel as parallel
    from . import provenance as provenance
    from . import randomness as randomness
    from . import reproduce as reproduce
    from . import shapes as shapes
    from . import spectra as spectra
    from . import survey as survey
    from . import timing as timing
    from .estimate import Estimate as Estimate
    from .estimate import estimates_table as estimates_table
    from .inference import calibrate as calibrate
    from .inference import compare as compare
    from .inference import goodness_of_fit as goodness_of_fit
    from .inference import likelihood_ratio_test as likelihood_ratio_test
    from .inference import load as load
    from .lightcurve import LightCurve as LightCurve
    from .lightcurve import read_lightcurve as read_lightcurve
    from .provenance import cite as cite
else:
    from ._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "estimate": ["Estimate", "estimates_table"],
            "inference": [
                "calibrate",
                "compare",
                "goodness_of_fit",
                "likelihood_ratio_test",
                "load",
            ],
            "lightcurve": ["LightCurve", "read_lightcurve"],
            "provenance": ["cite"],
        },
        submodules=[
            "bars",
            "boundary",
            "bursts",
            "complexity",
            "comets",
            "datasets",
            "errors",
            "estimate",
            "inference",
            "lightcurve",
            "parallel",
            "provenance",
            "randomness",
            "reproduce",
            "shapes",
            "spectra",
            "survey",
            "timing",
        ],
    )
