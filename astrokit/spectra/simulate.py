"""`simulate`: counts that a detector would have recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError, ShapeError
from ..randomness import SeedLike, as_generator
from .channels import align
from .grid import EnergyGrid
from .models import SpectralModel
from .response import Response
from .spectrum import Spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["simulate"]

FloatArray = NDArray[np.float64]


def simulate(
    model: SpectralModel | ArrayLike,
    response: Response | Spectrum,
    *,
    exposure: Any,
    background: Spectrum | None = None,
    backscal: float | None = None,
    seed: SeedLike = None,
    **values: Any,
) -> Spectrum:
    """Return a simulated spectrum; ``spec.write("fake.pha")`` writes it as OGIP files.

    Parameters
    ----------
    model : SpectralModel or array_like, shape (n,)
        A model, or photons per cm2 and second in each energy bin of the response.
    response : Response or Spectrum
        A Spectrum lends its response, its channels, quality, groups and selection, and its
        background.
    exposure : float or Quantity
        Seconds.
    background : Spectrum, optional
        A measured background: its counts, scaled to the source region, are the expectation of what
        is added, and a new background of the same exposure is drawn around them.
    backscal : float, optional
        Size of the source region in the unit of the background's; by default that of the Spectrum,
        or 1.
    seed : int, SeedSequence or Generator, optional
    **values
        Parameters of the model, by name.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        For a model that is negative or undefined somewhere, such as a power law at E = 0.
    ShapeError, ParameterError

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> detector = ak.spectra.Response.ideal(np.geomspace(0.5, 8, 41), area=200.0, fwhm=0.1)
    >>> fake = ak.spectra.simulate(ak.spectra.PowerLaw(), detector, exposure=1e4, seed=1,
    ...                            photon_index=1.7, normalization=1e-3)
    >>> fake
    Spectrum: 3901 counts in 40 channels, 10000 s, 0.5 to 8 keV
      Response: 40 energies from 0.5 to 8 keV, channels 1 to 40, area up to 200 cm2
    """
    rng = as_generator(seed)
    template = response if isinstance(response, Spectrum) else _template(response, exposure)
    if background is not None:
        template = template.with_background(background)
    if backscal is not None:
        scale = as_scalar(backscal, "backscal", positive=True)
        template = template._changed(backscal=np.full(template.channel.size, scale))
    template = template.with_exposure(exposure)
    expected = expected_counts(template, model, values)
    around = [_background_expectation(b) for b in template.backgrounds]
    expected += _scaled_background(template, around)
    counts = rng.poisson(expected)
    drawn = [rng.poisson(b) for b in around] or None
    meta = {k: v for k, v in template.meta.items() if k in ("telescop", "instrume", "filter")}
    fake = template.with_channel_counts(counts, drawn)
    return fake._changed(meta={**meta, "object": "simulated", "notes": []}, inputs=())


def expected_counts(
    spectrum: Spectrum, model: SpectralModel | ArrayLike, values: Mapping[str, Any]
) -> FloatArray:
    """Return source counts expected per channel ``(n,)``, whatever is noticed."""
    response = spectrum._require_response()
    photons = _photons(model, response, values)
    rate = response.fold(photons)[spectrum.response_rows]
    return np.asarray(spectrum.exposure * spectrum.areascal * rate)


def _template(response: Response, exposure: Any) -> Spectrum:
    empty = np.zeros(response.n_channels)
    return Spectrum(empty, exposure=exposure, channel=response.channel, response=response)


def _photons(
    model: SpectralModel | ArrayLike, response: Response, values: Mapping[str, Any]
) -> FloatArray:
    if isinstance(model, SpectralModel):
        if not model.is_additive:
            raise InputError(
                "this model emits no photons",
                value=model.label,
                hint="multiply it with one that does: TBabs(nh=0.07) * PowerLaw()",
            )
        grid = EnergyGrid(response.energy_lo, response.energy_hi)
        photons = model.photons(grid, model.complete(values))[0]
    else:
        if values:
            raise InputError("an array of photons has no parameters", value=", ".join(values))
        photons = as_array(model, "photons")
    if photons.size != response.n_energies:
        raise ShapeError(
            "photons do not fit the energies of the response",
            value=photons.size,
            allowed=str(response.n_energies),
        )
    if not np.isfinite(photons).all() or photons.min() < 0:
        raise InputError("the model is negative or not finite in some energy bin")
    return photons


def _background_expectation(one: Spectrum) -> FloatArray:
    counts = one._as_counts_or_more()
    if counts.min() < 0:
        raise InputError(
            "a background with negative counts cannot be simulated",
            value=float(counts.min()),
            hint="pass the background before subtraction",
        )
    return counts


def _scaled_background(spectrum: Spectrum, around: Sequence[FloatArray]) -> FloatArray:
    """Return background counts expected in the source region per channel, shape (n,)."""
    total = np.zeros(spectrum.channel.size)
    if not around:
        return total
    scale = np.zeros(spectrum.channel.size)
    for one, counts in zip(spectrum.backgrounds, around, strict=True):
        align(spectrum.channel, one.channel, "background")
        total += counts
        scale += one._scale()
    own = spectrum._scale()
    return np.divide(own * total, scale, out=np.zeros_like(total), where=scale > 0)
