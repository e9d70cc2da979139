"""What missions do in their own way, as one declarative table.

The FITS keywords of a file always win; the table says only what the files leave out.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MISSIONS", "Mission", "mission_of"]


@dataclass(frozen=True)
class Mission:
    """Conventions of one mission.

    Attributes
    ----------
    name : str
        As printed.
    telescop : tuple of str
        Values of TELESCOP, in upper case.
    timepixr : float or None
        Position of time stamps in bins where the file has no TIMEPIXR.
    pi_to_kev : tuple of float or None
        Offset and slope: ``keV = offset + slope * PI``. None where it depends on the file.
    rate_columns : tuple of str
        Preferred rate columns, best first, before the general ones.
    quality_column : tuple of str
        Columns of quality bits.
    quality_mask : int
        Bits that make a row invalid.
    """

    name: str
    telescop: tuple[str, ...]
    timepixr: float | None = None
    pi_to_kev: tuple[float, float] | None = None
    rate_columns: tuple[str, ...] = ()
    quality_column: tuple[str, ...] = ()
    quality_mask: int = 0


def _bits(*numbers: int) -> int:
    """Return the mask of bits that are counted from 1, as the archive manuals do."""
    return sum(1 << (number - 1) for number in numbers)


# Kepler Archive Manual, table 2-3. Not used: 5 (reaction wheel zero crossing), 8 and 14 (cosmic
# rays, corrected by the pipeline), 7, 12, 13: these flag good data too.
_KEPLER_BITS = _bits(1, 2, 3, 4, 6, 9, 15, 16, 17, 21)
# TESS Science Data Products Description, table 32. Not used: 7, 11 (cosmic rays, corrected).
_TESS_BITS = _bits(1, 2, 3, 4, 5, 6, 8, 10, 13, 15)

# SAP first: the pipeline's correction (PDCSAP) removes slow variability of the source itself.
_SAP = ("SAP_FLUX", "PDCSAP_FLUX", "FLUX")

MISSIONS = (
    Mission("XMM-Newton", ("XMM",), timepixr=0.5, pi_to_kev=(0.0, 0.001)),
    Mission("RXTE", ("XTE", "RXTE"), timepixr=0.0),
    Mission("NICER", ("NICER",), pi_to_kev=(0.0, 0.01)),
    Mission("NuSTAR", ("NUSTAR",), pi_to_kev=(1.6, 0.04)),
    Mission("Swift", ("SWIFT",), pi_to_kev=(0.0, 0.01)),
    Mission("eROSITA", ("EROSITA", "SRG"), timepixr=0.5, pi_to_kev=(0.0, 0.001)),
    Mission("Chandra", ("CHANDRA",)),
    Mission("AstroSat", ("ASTROSAT",)),
    Mission(
        "Kepler",
        ("KEPLER", "K2"),
        rate_columns=_SAP,
        quality_column=("SAP_QUALITY", "QUALITY"),
        quality_mask=_KEPLER_BITS,
    ),
    Mission(
        "TESS",
        ("TESS",),
        rate_columns=_SAP,
        quality_column=("QUALITY", "SAP_QUALITY"),
        quality_mask=_TESS_BITS,
    ),
)


def mission_of(telescop: str) -> Mission:
    """Return the conventions of a mission; a neutral entry for one that is not in the table.

    Examples
    --------
    >>> from astrokit.lightcurve.missions import mission_of
    >>> mission_of("XTE").timepixr, mission_of("babasone").timepixr
    (0.0, None)
    """
    key = telescop.strip().upper()
    for mission in MISSIONS:
        if key in mission.telescop:
            return mission
    return Mission(telescop.strip(), (key,))
