"""Maps of the MaNGA data analysis pipeline (DAP): which extension is what, and which bits count."""

from __future__ import annotations

import contextlib
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import AstrokitError, DataWarning, InputError, ReadError
from .geometry import Geometry
from .grid import PixelGrid
from .maps import GalaxyMaps

__all__ = ["read_manga"]

# Bits of MANGA_DAPPIXMASK (Westfall et al. 2019, data model of the pipeline).
_BITS = {
    "NOCOV": 0,
    "LOWCOV": 1,
    "DEADFIBER": 2,
    "FORESTAR": 3,
    "NOVALUE": 4,
    "UNRELIABLE": 5,
    "MATHERROR": 6,
    "FITFAILED": 7,
    "NEARBOUND": 8,
    "NOCORRECTION": 9,
    "MULTICOMP": 10,
    "DONOTUSE": 30,
}
_CRITICAL = 1 << 30  # of DAPQUAL and DRP3QUAL
_FLUX_UNIT = "1e-17 erg / (s cm2 AA)"  # the files say it per spaxel, which astropy does not know
_LINE_FLUX_UNIT = "1e-17 erg / (s cm2)"
_LIGHT_SPEED = 299792.458  # km/s
_FLUXES = ("spaxels", "bins")


def read_manga(
    path: str | Path,
    *,
    binning: str | None = None,
    line: str | None = None,
    flux: str = "spaxels",
    reject: Iterable[str] = ("DONOTUSE",),
    min_snr: float = 0.0,
    geometry: Geometry | None = None,
) -> GalaxyMaps:
    """Read flux and velocity from a MAPS file of the MaNGA data analysis pipeline.

    Parameters
    ----------
    path : str or Path
        The MAPS file (``.fits`` or ``.fits.gz``), or a folder with one of the wanted `binning`.
    binning : str, optional
        Such as "HYB10", "VOR10" or "SPX"; an error if the file has another one.
    line : str, optional
        Weight and velocity of an emission line, such as "Ha-6564", instead of the stars. Gas does
        not obey the continuity that the method needs unless it neither forms stars nor changes
        phase: compare with the stars.
    flux : {"spaxels", "bins"}
        Stars are weighted by the flux of each spaxel, or by the mean flux of its Voronoi bin.
    reject : iterable of str
        Names of the bits of MANGA_DAPPIXMASK for which a value is left out.
    min_snr : float
        Smallest signal-to-noise ratio of a spaxel (g band).
    geometry : Geometry, optional
        See :class:`Geometry`; the file holds none of the bar.

    Returns
    -------
    GalaxyMaps
        Origin at the object's coordinates; velocities relative to the redshift of the catalogue;
        ``bins`` tells which spaxels share a velocity; ``psf_fwhm`` is that of the r band. The
        ``notes`` say which extensions were read and how many spaxels each bit took away.

    Raises
    ------
    ReadError
        If it is not such a file, has another binning, or lacks the line.

    Warns
    -----
    DataWarning
        If a quality flag of the whole cube is critical.

    References
    ----------
    Westfall et al. 2019, AJ 158, 231.

    Examples
    --------
    ``maps = ak.bars.read_manga("manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz", binning="HYB10")``
    """
    if flux not in _FLUXES:
        raise InputError("flux is unknown", value=flux, allowed=" or ".join(map(repr, _FLUXES)))
    bits = _bits(reject)
    min_snr = as_scalar(min_snr, "min_snr", minimum=0)
    file = _find(Path(path), binning)
    with _open(file) as hdus, _whole(file):
        primary = _check(hdus, file, binning)
        layer = _stars(hdus, flux) if line is None else _line(hdus, line, file)
        snr = np.asarray(hdus["SPX_SNR"].data, dtype=float)
        shape = snr.shape
        grid = _grid(hdus, primary)
        bins = _bin_numbers(hdus, layer.channel, shape)
    bad, counts = _rejected(layer.bits, bits)
    if min_snr > 0:
        counts["SNR"] = int((~bad & ~(snr >= min_snr)).sum())
        bad |= ~(snr >= min_snr)
    no_error = ~bad & ~(np.isfinite(layer.velocity_error) & np.isfinite(layer.flux_error))
    if no_error.any():
        counts["no inverse variance"] = int(no_error.sum())
    _warn_of_quality(primary, file)
    return GalaxyMaps(
        _with_unit(layer.flux, layer.flux_unit),
        layer.velocity,
        flux_error=_with_unit(layer.flux_error, layer.flux_unit),
        velocity_error=layer.velocity_error,
        mask=bad | no_error,
        bins=bins,
        grid=grid,
        geometry=geometry,
        psf_fwhm=primary.get("RFWHM"),
        name=f"MaNGA {primary.get('PLATEIFU', file.name)}",
        notes=(*layer.notes, *_notes(primary, counts)),
    )


@dataclass(frozen=True)
class _Layer:
    """A tracer's flux and velocity images, with the bits of both."""

    flux: NDArray[Any]
    flux_error: NDArray[Any]
    flux_unit: str
    velocity: NDArray[Any]
    velocity_error: NDArray[Any]
    bits: NDArray[np.int64]
    channel: str
    notes: tuple[str, ...]


def _stars(hdus: Any, flux: str) -> _Layer:
    name = "SPX_MFLUX" if flux == "spaxels" else "BIN_MFLUX"
    bits = _plane(hdus, "STELLAR_VEL_MASK").astype(np.int64)
    if flux == "bins":
        bits |= _plane(hdus, "BIN_MFLUX_MASK").astype(np.int64)
    return _Layer(
        _plane(hdus, name),
        _error(hdus, f"{name}_IVAR"),
        _FLUX_UNIT,
        _plane(hdus, "STELLAR_VEL"),
        _error(hdus, "STELLAR_VEL_IVAR"),
        bits,
        "Stellar continua",
        (f"weight: {name}; velocity: STELLAR_VEL",),
    )


def _line(hdus: Any, line: str, file: Path) -> _Layer:
    names = _channels(hdus["EMLINE_GVEL"].header)
    if line not in names:
        raise ReadError(f"{file.name} has no such line", value=line, allowed=", ".join(names))
    k = names[line]
    velocity_bits = _plane(hdus, "EMLINE_GVEL_MASK", k).astype(np.int64)
    flux_bits = _plane(hdus, "EMLINE_GFLUX_MASK", k).astype(np.int64)
    return _Layer(
        _plane(hdus, "EMLINE_GFLUX", k),
        _error(hdus, "EMLINE_GFLUX_IVAR", k),
        _LINE_FLUX_UNIT,
        _plane(hdus, "EMLINE_GVEL", k),
        _error(hdus, "EMLINE_GVEL_IVAR", k),
        velocity_bits | flux_bits,
        "Em. line models",
        (f"weight: EMLINE_GFLUX of {line}; velocity: EMLINE_GVEL",),
    )


def _plane(hdus: Any, name: str, channel: int | None = None) -> NDArray[Any]:
    data = np.asarray(hdus[name].data)
    return data if channel is None else data[channel]


def _error(hdus: Any, name: str, channel: int | None = None) -> NDArray[np.float64]:
    """Return 1/sqrt of an inverse variance, NaN where that is not positive."""
    ivar = _plane(hdus, name, channel).astype(float)
    return 1 / np.sqrt(np.where(ivar > 0, ivar, np.nan))


def _channels(header: Any) -> dict[str, int]:
    """Return the names of the planes of a cube: keywords C1 or C01, C2, ..."""
    found = {}
    for key, value in header.items():
        if key.startswith("C") and key[1:].isdigit():
            found[str(value).strip()] = int(key[1:]) - 1
    return found


def _bin_numbers(hdus: Any, channel: str, shape: tuple[int, ...]) -> NDArray[np.int64]:
    hdu = hdus["BINID"]
    data = np.asarray(hdu.data, dtype=np.int64)
    if data.ndim == 2:
        return data
    return data[_channels(hdu.header).get(channel, 0)].reshape(shape)


def _bits(reject: Iterable[str]) -> dict[str, int]:
    names = [reject] if isinstance(reject, str) else list(reject)
    unknown = [name for name in names if name not in _BITS]
    if unknown:
        raise InputError(
            "no such bit of MANGA_DAPPIXMASK", value=unknown[0], allowed=", ".join(_BITS)
        )
    return {name: 1 << _BITS[name] for name in names}


def _rejected(
    bits: NDArray[np.int64], wanted: dict[str, int]
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return where a value must not be used, and how many spaxels carry each bit there."""
    bad = (bits & sum(wanted.values())) != 0
    counts = {
        name: int((bad & (bits & (1 << bit) != 0)).sum())
        for name, bit in _BITS.items()
        if np.any(bad & (bits & (1 << bit) != 0))
    }
    return bad, counts


def _find(path: Path, binning: str | None) -> Path:
    if not path.is_dir():
        return path
    pattern = f"manga-*-MAPS-{binning or '*'}-*.fits*"
    files = sorted(path.glob(pattern))
    if len(files) != 1:
        raise ReadError(
            f"the folder holds {len(files)} files of the form {pattern}",
            value=[file.name for file in files],
            allowed="exactly one",
            hint="give the path of the file itself",
        )
    return files[0]


def _open(file: Path) -> Any:
    from astropy.io import fits

    try:
        return fits.open(file, memmap=False)
    except OSError as error:
        raise ReadError(
            f"{file.name} cannot be read as FITS", value=str(error), hint="check the path"
        ) from None


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[None]:
    """Say of which file an extension is missing, or shorter than its header says."""
    try:
        yield
    except (KeyError, OSError, ValueError, TypeError, EOFError, zlib.error) as error:
        if isinstance(error, AstrokitError):
            raise
        text = error.args[0] if isinstance(error, KeyError) else str(error)
        raise ReadError(
            f"{file.name} is cut off or damaged",
            value=text,
            hint="fetch it again, and compare its size",
        ) from None


def _check(hdus: Any, file: Path, binning: str | None) -> Any:
    """Return the primary header of a MAPS file of this binning."""
    needed = ("SPX_MFLUX", "SPX_SNR", "STELLAR_VEL", "STELLAR_VEL_MASK", "BINID")
    missing = [name for name in needed if name not in hdus]
    if missing:
        raise ReadError(
            f"{file.name} is not a MAPS file of the MaNGA pipeline",
            value=f"no extension {missing[0]}",
            hint="of each galaxy take manga-PLATE-IFU-MAPS-...fits.gz, not the LOGCUBE",
        )
    primary = hdus[0].header
    present = str(primary.get("BINKEY", str(primary.get("DAPTYPE", "")).split("-")[0])).strip()
    if binning is not None and binning != present:
        raise ReadError(
            f"{file.name} has another binning",
            value=binning,
            allowed=present,
            hint="leave binning= out, or take the file with this binning in its name",
        )
    return primary


def _grid(hdus: Any, primary: Any) -> PixelGrid:
    """Return the grid with its origin at the object's coordinates, in the system of the header."""
    from astropy.wcs import WCS

    header = hdus["STELLAR_VEL"].header.copy()
    # Some releases state the day of the plate and that of the exposure, which differ.
    for key in ("MJD-OBS", "DATE-OBS"):
        header.remove(key, ignore_missing=True)
    wcs = WCS(header).celestial
    if "OBJRA" not in primary:
        return PixelGrid.from_wcs(wcs)
    column, row = wcs.world_to_pixel_values(primary["OBJRA"], primary["OBJDEC"])
    return PixelGrid.from_wcs(wcs, origin=(float(column), float(row)))


def _with_unit(values: NDArray[Any], unit: str) -> Any:
    from astropy import units as u

    return values * u.Unit(unit)


def _notes(primary: Any, counts: dict[str, int]) -> list[str]:
    notes = [f"binning: {primary.get('BINKEY', primary.get('DAPTYPE', 'not stated'))}"]
    if counts:
        listed = ", ".join(f"{name} {n}" for name, n in counts.items())
        notes.append(f"spaxels left out, by flag (one may carry several): {listed}")
    if "SCINPVEL" in primary:
        z = primary["SCINPVEL"] / _LIGHT_SPEED
        notes.append(f"velocities are relative to redshift {z:.5f}")
    if "ECOOPA" in primary:
        notes.append(
            f"photometric position angle {primary['ECOOPA']:.1f} deg and ellipticity "
            f"{primary['ECOOELL']:.3f} of the header: not used"
        )
    return notes


def _warn_of_quality(primary: Any, file: Path) -> None:
    critical = [k for k in ("DRP3QUAL", "DAPQUAL") if int(primary.get(k, 0)) & _CRITICAL]
    if critical:
        message = f"{file.name}: {' and '.join(critical)} say that the cube has a critical fault"
        warnings.warn(message, DataWarning, stacklevel=3)
