r"""Photo-electric absorption: :math:`e^{-N_H \sigma(E)}` with the column in units of 1e22 H / cm2.

``Wabs`` holds the polynomials of Morrison & McCammon (1983). ``Phabs`` and ``TBabs`` add up
cross-sections of the elements (Elam, Ravel & Sieber 2002, from the package xraydb) for a set of
abundances. ``TBabs`` here is the gas of that model: no molecules, no grains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError
from ..inference.parameters import Parameter
from ..inference.priors import Uniform
from .grid import EnergyGrid
from .models import Component, Guide, Setting

__all__ = ["Phabs", "TBabs", "Wabs", "ZPhabs", "ZTBabs", "absorption_cross_section"]

FloatArray = NDArray[np.float64]
COLUMN = "1e22 cm-2"
_HIGHEST_COLUMN = 10.0

_METALS = ("C", "N", "O", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "Ca", "Ti", "Cr",
           "Mn", "Fe", "Co", "Ni")  # fmt: skip
# Logarithmic abundances, hydrogen at 12: of helium, then of the metals above.
# Anders & Grevesse (1989), Table 2, photosphere; meteorites where that is unknown.
_ANDERS = """10.99 8.56 8.05 8.93 8.09 6.33 7.58 6.47 7.55 5.45 7.21 5.50 6.56 6.36 4.99 5.67 5.39
             7.67 4.92 6.25"""
# Wilms, Allen & McCray (2000), Table 2: the interstellar medium.
_WILMS = """10.99 8.38 7.88 8.69 7.94 6.16 7.40 6.33 7.27 5.42 7.09 5.12 6.41 6.20 4.81 5.51 5.34
            7.43 4.92 6.05"""
# Asplund et al. (2009), Table 1, photosphere.
_ASPLUND = """10.93 8.43 7.83 8.69 7.93 6.24 7.60 6.45 7.51 5.41 7.12 5.50 6.40 6.34 4.95 5.64 5.43
              7.50 4.99 6.22"""
_ABUNDANCES: Mapping[str, tuple[float, ...]] = {
    name: tuple(map(float, table.split()))
    for name, table in (("anders", _ANDERS), ("wilms", _WILMS), ("asplund", _ASPLUND))
}
_XSPEC_ABUNDANCES = {"angr": "anders", "wilm": "wilms", "aspl": "asplund"}

# Morrison & McCammon (1983), Table 2: upper end of each interval in keV, and c0, c1, c2 of
# (c0 + c1 E + c2 E^2) E^-3 in 1e-24 cm2 per hydrogen atom.
_WABS_ENDS = np.array([0.1, 0.284, 0.4, 0.532, 0.707, 0.867, 1.303, 1.84, 2.471, 3.21, 4.038, 7.111,
                       8.331])  # fmt: skip
_WABS = np.array(
    [
        [17.3, 608.1, -2150.0],
        [34.6, 267.9, -476.1],
        [78.1, 18.8, 4.3],
        [71.4, 66.8, -51.4],
        [95.5, 145.8, -61.1],
        [308.9, -380.6, 294.0],
        [120.6, 169.3, -47.7],
        [141.3, 146.8, -31.5],
        [202.7, 104.7, -17.0],
        [342.7, 18.7, 0.0],
        [352.2, 18.7, 0.0],
        [433.9, -2.4, 0.75],
        [629.0, 30.9, 0.0],
        [701.2, 25.2, 0.0],
    ]
)
_LOWEST, _HIGHEST = 0.1, 800.0  # keV: the range of the tabulated cross-sections
_NODES = 6000
_AVOGADRO = 6.02214076e23


def absorption_cross_section(energy: ArrayLike, *, abundances: str = "wilms") -> FloatArray:
    """Return the photo-electric cross-section of the interstellar gas per hydrogen atom.

    Parameters
    ----------
    energy : array_like or Quantity, shape (m,)
        keV, > 0. Below 0.1 keV the cross-section is continued with the slope that it has there;
        above 800 keV with E^-3.
    abundances : {"wilms", "anders", "asplund", "wabs"}
        XSPEC's names wilm, angr and aspl are understood. "wabs" gives the polynomials of
        Morrison & McCammon (1983), whose abundances are built in, and ends at 10 keV (continued).

    Returns
    -------
    ndarray, shape (m,)
        cm2 per H atom.

    Raises
    ------
    InputError
        For unknown abundances.

    Examples
    --------
    >>> from astrokit.spectra import absorption_cross_section
    >>> round(1e22 * float(absorption_cross_section([1.0], abundances="wabs")[0]), 9)
    2.422
    """
    unit = "keV" if getattr(energy, "unit", None) is not None else None
    e = as_array(energy, "energy", unit=unit, positive=True)
    return 1e-22 * _depth(e, _known(abundances))


def _known(abundances: str) -> str:
    name = _XSPEC_ABUNDANCES.get(abundances, abundances)
    if name != "wabs" and name not in _ABUNDANCES:
        raise InputError(
            "no such abundances",
            value=abundances,
            allowed=", ".join([*_ABUNDANCES, "wabs"]),
            hint="Anders & Grevesse 1989, Wilms et al. 2000 and Asplund et al. 2009 are built in",
        )
    return name


def _depth(energy: FloatArray, abundances: str) -> FloatArray:
    """Return the optical depth of a column of 1e22 hydrogen atoms per cm2."""
    if abundances == "wabs":
        c0, c1, c2 = _WABS[np.searchsorted(_WABS_ENDS, energy, side="right")].T
        inside = np.maximum(energy, 0.03)
        return np.asarray(1e-2 * (c0 + c1 * inside + c2 * inside**2) / inside**3)
    log_e, log_depth = _table(abundances)
    x = np.log(energy)
    result = np.interp(x, log_e, log_depth)
    below, above = np.minimum(x - log_e[0], 0.0), np.maximum(x - log_e[-1], 0.0)
    slope = (log_depth[40] - log_depth[0]) / (log_e[40] - log_e[0])
    return np.asarray(np.exp(result + slope * below - 3 * above))


@lru_cache(maxsize=8)
def _table(abundances: str) -> tuple[FloatArray, FloatArray]:
    """Return ln E and ln depth, dense, with a pair of nodes at every absorption edge."""
    import xraydb

    elements = ("H", "He", *_METALS)
    number = 10.0 ** (np.array((12.0, *_ABUNDANCES[abundances])) - 12)
    edges = [1e-3 * e.energy for name in elements for e in xraydb.xray_edges(name).values()]
    inside = np.array([e for e in edges if _LOWEST < e < _HIGHEST])
    pairs = [inside * (1 - 1e-6), inside * (1 + 1e-6)]
    energy = np.unique(np.concatenate([np.geomspace(_LOWEST, _HIGHEST, _NODES), *pairs]))
    total = np.zeros(energy.size)
    for name, share in zip(elements, number, strict=True):
        per_gram = xraydb.mu_elam(name, 1e3 * energy, kind="photo")
        total += share * per_gram * xraydb.atomic_mass(name) / _AVOGADRO
    return np.log(energy), np.log(1e22 * total)


class _Absorption(Component):
    """A column of cold gas; subclasses say of what."""

    additive: ClassVar[bool] = False

    @property
    def _gas(self) -> str:
        return _known(getattr(self, "abundances", "wabs"))

    def defaults(self, guide: Guide) -> list[Parameter]:
        prior = Uniform(0.0, _HIGHEST_COLUMN)
        column = Parameter("nh", 0.1, prior, COLUMN, r"N_\mathrm{H}")
        redshift = Parameter("redshift", 0.0, Uniform(-0.5, 10.0), symbol="z")
        return [column, redshift][: len(self.own_names)]

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        from .model_kernels import transmission

        total = shift + np.log1p(values[:, 1]) if values.shape[1] > 1 else shift
        same = bool(np.all(total == total[0]))
        if same and np.all(values[:, 0] == values[0, 0]):
            values, total = values[:1], total[:1]
        out = np.empty((values.shape[0], grid.n_adjacent))
        if same:
            transmission(values[:, 0].copy(), self._depths(grid, float(total[0])), out)
            return out
        for i, s in enumerate(total):
            row = out[i : i + 1]
            transmission(values[i, :1].copy(), self._depths(grid, float(s), keep=False), row)
        return out

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        from .model_kernels import transmission

        total = shift + (float(np.log1p(values[1])) if values.size > 1 else 0.0)
        depth = self._depths(grid, total)
        out = np.empty((1 + values.size, grid.n_adjacent))
        transmission(values[:1].copy(), depth, out[:1])
        ends = depth * np.exp(-values[0] * depth)
        out[1] = -(ends[0] + 4 * ends[1] + ends[2]) / 6
        if values.size > 1:
            out[2:] = self._numerical(values, grid, shift, [1])
        return out

    def _depths(self, grid: EnergyGrid, shift: float, keep: bool = True) -> FloatArray:
        """Return the depth ``(3, k)`` at lower edge, middle and upper edge of each bin."""
        key = (self._gas, shift)
        if key in grid.cache:
            return grid.cache[key]
        u = grid.log_edges + shift
        ends = _depth(np.exp(u), self._gas)
        middle = _depth(np.exp(0.5 * (u[1:] + u[:-1])), self._gas)
        depth = np.ascontiguousarray([ends[:-1], middle, ends[1:]])
        if keep and len(grid.cache) < 20:
            grid.cache[key] = depth
        return depth


@dataclass(frozen=True, kw_only=True, repr=False)
class Wabs(_Absorption):
    """Absorption by the polynomials of Morrison & McCammon (1983), 0.03 to 10 keV.

    Kept for comparison with older papers. Against :class:`Phabs` with abundances "anders" see the
    table in the documentation.

    Parameters
    ----------
    nh : Prior, float or Quantity, optional
        Equivalent hydrogen column, 1e22 / cm2.
    fixed : bool
        A number given is fixed; False makes it the starting value.
    """

    kind: ClassVar[str] = "wabs"
    xspec: ClassVar[str] = "wabs"
    citation_keys: ClassVar[tuple[str, ...]] = ("morrison1983",)
    own_names: ClassVar[tuple[str, ...]] = ("nh",)
    xspec_names: ClassVar[Mapping[str, str]] = {"nh": "nH"}
    nh: Setting = None
    fixed: bool = True


@dataclass(frozen=True, kw_only=True, repr=False)
class Phabs(_Absorption):
    """Photo-electric absorption by neutral gas.

    Parameters
    ----------
    nh : Prior, float or Quantity, optional
        Equivalent hydrogen column, 1e22 / cm2.
    abundances : str
        "anders" (Anders & Grevesse 1989, as XSPEC's default), "wilms" or "asplund".
    fixed : bool
        A number given is fixed; False makes it the starting value.

    Raises
    ------
    InputError
        For unknown abundances.
    """

    kind: ClassVar[str] = "phabs"
    xspec: ClassVar[str] = "phabs"
    citation_keys: ClassVar[tuple[str, ...]] = ("elam2002", "anders1989")
    own_names: ClassVar[tuple[str, ...]] = ("nh",)
    xspec_names: ClassVar[Mapping[str, str]] = {"nh": "nH"}
    nh: Setting = None
    abundances: str = "anders"
    fixed: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _known(self.abundances)


@dataclass(frozen=True, kw_only=True, repr=False)
class TBabs(Phabs):
    """Absorption by the gas of the interstellar medium, abundances of Wilms et al. (2000).

    Molecular hydrogen and grains, of which XSPEC's TBabs knows, are not in it.

    Parameters
    ----------
    nh : Prior, float or Quantity, optional
        Equivalent hydrogen column, 1e22 / cm2.
    abundances : str
        "wilms", "anders" or "asplund".
    fixed : bool
        A number given is fixed; False makes it the starting value.

    Examples
    --------
    >>> import astrokit as ak
    >>> ak.spectra.TBabs(nh=0.07, fixed=True) * ak.spectra.PowerLaw()
    TBabs(nh=0.07) * PowerLaw()
    """

    kind: ClassVar[str] = "TBabs"
    xspec: ClassVar[str] = "tbabs"
    citation_keys: ClassVar[tuple[str, ...]] = ("elam2002", "wilms2000")
    abundances: str = "wilms"


@dataclass(frozen=True, kw_only=True, repr=False)
class ZPhabs(Phabs):
    """:class:`Phabs` at a redshift.

    Parameters
    ----------
    nh : Prior, float or Quantity, optional
        Equivalent hydrogen column, 1e22 / cm2.
    redshift : Prior, float or Quantity
        0 by default.
    abundances : str
        "anders", "wilms" or "asplund".
    fixed : bool
        Numbers given are fixed; False makes them starting values.
    """

    kind: ClassVar[str] = "zphabs"
    xspec: ClassVar[str] = "zphabs"
    own_names: ClassVar[tuple[str, ...]] = ("nh", "redshift")
    xspec_names: ClassVar[Mapping[str, str]] = {"nh": "nH", "redshift": "Redshift"}
    redshift: Setting = 0.0


@dataclass(frozen=True, kw_only=True, repr=False)
class ZTBabs(ZPhabs):
    """:class:`TBabs` at a redshift.

    Parameters
    ----------
    nh : Prior, float or Quantity, optional
        Equivalent hydrogen column, 1e22 / cm2.
    redshift : Prior, float or Quantity
        0 by default.
    abundances : str
        "wilms", "anders" or "asplund".
    fixed : bool
        Numbers given are fixed; False makes them starting values.
    """

    kind: ClassVar[str] = "zTBabs"
    xspec: ClassVar[str] = "ztbabs"
    abundances: str = "wilms"
