"""What can be wrong with a pattern speed: quality flags, and mix-ups of angle conventions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .maps import GalaxyMaps
    from .pixels import Pixels
    from .tremaine_weinberg import TremaineWeinberg

__all__ = ["Flag", "kinematic_position_angle", "photometric_bar_angle"]

FloatArray = NDArray[np.float64]
_NRMSE = 0.3
_NULL = 0.1
_OFF_NODES = 25.0  # deg between given and kinematic line of nodes that streaming may explain
_OFF_BAR = 30.0
_FEW_SLITS = 5
_SHORT = 1.3  # bar radii on each side, where streaming toys have come to 4 % of the truth
_MOST_STEPS = 50
_OFF_CENTER = 0.1  # bar radii
_FAR, _FAR_SIGMA = 3.0, 6.0  # spreads of 90 % of the velocities, and their errors
_SPREAD = (2.0, 2000.0)  # km/s: discs lie far inside, velocities in m/s or redshifts outside


@dataclass(frozen=True)
class Flag:
    """One thing that makes a pattern speed less trustworthy.

    Attributes
    ----------
    name : str
        Short, for tables: "inclination", "bar_angle", "few_slits", "position_angle", ...
    text : str
        What was found, in a sentence with numbers.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def kinematic_position_angle(maps: GalaxyMaps) -> float:
    """Return the position angle of the receding half from the velocity map alone, deg, 0 to 360.

    The direction of the mean velocity gradient over the field. Streaming in a bar turns it by some
    degrees: it tells conventions apart, and is no substitute for a measured line of nodes.

    Parameters
    ----------
    maps : GalaxyMaps

    Examples
    --------
    >>> import astrokit as ak
    >>> toy = ak.bars.ToyGalaxy(bar_strength=0)
    >>> exact = ak.bars.Instrument.exact(half_width=20)
    >>> g = ak.bars.simulate_galaxy(toy=toy, position_angle=70, instrument=exact)
    >>> abs(ak.bars.kinematic_position_angle(g) - 70) < 3
    True
    """
    cx, cy = (0.0, 0.0)
    if maps.geometry is not None:
        cx, cy = maps.geometry.center_x.value, maps.geometry.center_y.value
    x, y = maps.x - cx, maps.y - cy
    design = np.column_stack([np.ones_like(x), x, y])  # without the flux: the bar counts less
    _, gx, gy = np.linalg.lstsq(design, maps.velocity, rcond=None)[0]
    return math.degrees(math.atan2(-gx, gy)) % 360


def photometric_bar_angle(maps: GalaxyMaps) -> float:
    """Return the position angle of the bar from the flux map, deg, 0 to 180.

    The phase of the twofold part of the deprojected light between half and one and a half bar
    radii, turned back to the sky.

    Parameters
    ----------
    maps : GalaxyMaps
        With the geometry of disc and bar.

    Examples
    --------
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(instrument=ak.bars.Instrument.exact(half_width=20))
    >>> abs(ak.bars.photometric_bar_angle(g) - 75) < 2
    True
    """
    from .pixels import pixels_of

    geometry = maps.require_geometry("bar_position_angle", "bar_radius")
    pixels = pixels_of(maps, geometry)
    phase, _ = twofold(pixels, maps)
    cos_i = math.cos(math.radians(geometry.inclination.value))
    on_sky = math.degrees(math.atan2(math.sin(phase) * cos_i, math.cos(phase)))
    return (geometry.position_angle.value + on_sky) % 180


def twofold(pixels: Pixels, maps: GalaxyMaps) -> tuple[float, float]:
    """Return angle in the disc and relative strength of the twofold part of the light."""
    from .rotation import deprojected_radius

    g = maps.require_geometry("bar_position_angle", "bar_radius")
    x, y = pixels.frame(g)
    y = y / math.cos(math.radians(g.inclination.value))
    radius, angle = np.hypot(x, y) * pixels.scale, np.arctan2(y, x)
    bar = deprojected_radius(g.bar_radius.value, g.bar_angle or 0.0, g.inclination.value)
    ring = (radius > 0.5 * bar) & (radius < 1.5 * bar)
    if not ring.any():
        return 0.0, 0.0
    # Each ring of one pixel counts alike, so that the fall of the disc does not matter.
    step = np.floor(radius[ring] / pixels.scale).astype(int)
    mean = np.bincount(step, pixels.flux[ring])[step] / np.bincount(step)[step]
    relative = np.divide(pixels.flux[ring], mean, out=np.zeros_like(mean), where=mean > 0)
    moment = np.mean(relative * np.exp(2j * angle[ring]))
    return float(np.angle(moment)) / 2, float(2 * abs(moment))


# -- the checks of one measurement ---------------------------------------------------------------


def check_measurement(tw: TremaineWeinberg) -> tuple[Flag, ...]:
    """Return every reservation about a measurement."""
    found: list[Flag] = []
    for check in (_of_geometry, _of_slits, _of_field, _of_conventions, _of_velocities):
        found += check(tw)
    return tuple(found)


def _of_geometry(tw: TremaineWeinberg) -> list[Flag]:
    g, flags = tw.geometry, []
    inclination, angle = g.inclination.value, g.bar_angle or 0.0
    if not 20 <= inclination <= 70:
        text = f"{inclination:.3g} deg is outside 20 to 70 deg"
        if inclination < math.pi / 2:
            text += f"; in radians it would be {math.degrees(inclination):.3g} deg"
        flags.append(Flag("inclination", text))
    if not 10 <= angle <= 80:
        text = f"the bar is {angle:.3g} deg from the line of nodes, outside 10 to 80 deg"
        flags.append(Flag("bar_angle", text))
    off = _off_center(tw)
    if off > _OFF_CENTER:
        text = f"the light is centred {off:.2g} bar radii from the given centre"
        flags.append(Flag("center", text))
    exact = [n for n in g.without_error if n not in ("systemic_velocity",)]
    if exact and tw.slits.has_errors:
        flags.append(Flag("exact_geometry", f"no error is given for {', '.join(exact)}"))
    return flags


def _off_center(tw: TremaineWeinberg) -> float:
    """Return how far the light is centred from the given centre, in bar radii.

    A circle of half a bar radius moves to the middle of the light in it until it rests. Gaps are
    allowed for by the middle of its pixels.
    """
    bar = tw.geometry.bar_radius.value / tw.pixels.scale
    x, y = tw.pixels.frame(tw.geometry)
    flux = np.clip(tw.pixels.flux, 0.0, None)
    cx = cy = 0.0
    for _ in range(_MOST_STEPS):
        near = np.hypot(x - cx, y - cy) < max(0.5 * bar, 2.0)
        total = flux[near].sum()
        if not total > 0:
            return math.inf
        step_x = float(flux[near] @ x[near] / total - x[near].mean())
        step_y = float(flux[near] @ y[near] / total - y[near].mean())
        cx, cy = cx + step_x, cy + step_y
        if math.hypot(step_x, step_y) < 0.01:
            break
    return math.hypot(cx, cy) / bar


def _of_slits(tw: TremaineWeinberg) -> list[Flag]:
    n, flags = len(tw.slits), []
    if n < _FEW_SLITS:
        word = "slit" if n == 1 else "slits"
        flags.append(Flag("few_slits", f"{n} {word}, {_FEW_SLITS} or more are wanted"))
    if n > 2 and tw.line.nrmse > _NRMSE:
        text = f"the slits scatter by {tw.line.nrmse:.2g} of the range of <V>, over {_NRMSE}"
        flags.append(Flag("scatter", text))
    if n > 3:
        moved = np.abs(tw.leave_one_out() / tw.pattern_speed.value - 1)
        worst = int(np.argmax(moved))
        if moved[worst] > 0.3:
            text = (
                f"without the slit at {tw.slits.offset[worst]:.2g} arcsec the pattern speed moves "
                f"by {100 * moved[worst]:.0f} %"
            )
            flags.append(Flag("one_slit", text))
    return flags


def _of_field(tw: TremaineWeinberg) -> list[Flag]:
    flags = []
    bar = tw.geometry.bar_radius.value
    shortest = float(tw.slits.half_length.min())
    if shortest < _SHORT * bar:
        text = f"the shortest slit reaches {shortest / bar:.2g} bar radii, {_SHORT} are wanted"
        flags.append(Flag("short_slits", text))
    if len(tw.slits) > 1:
        longest = float(tw.slits.half_length.max())
        curve = tw.convergence(np.linspace(0.75, 1.0, 4) * longest)
        if not curve.is_converged:
            text = f"the pattern speed still moves by {100 * curve.drift:.2g} % with slit length"
            flags.append(Flag("convergence", text))
        null = tw.null_test()
        if abs(null.shift) > _NULL:
            text = f"field and holes alone move the pattern speed by {100 * null.shift:+.2g} %"
            flags.append(Flag("null_test", text))
    if tw.pixels.n_filled > 0.1 * tw.pixels.flux.size:
        share = 100 * tw.pixels.n_filled / tw.pixels.flux.size
        flags.append(Flag("holes", f"{share:.0f} % of the pixels are filled holes"))
    return flags


def _of_conventions(tw: TremaineWeinberg) -> list[Flag]:
    flags = []
    given, seen = tw.geometry.position_angle.value, kinematic_position_angle(tw.maps)
    off = _apart(given, seen)
    if off > _OFF_NODES:
        guess = _convention(given, seen)
        text = (
            f"the line of nodes is given at {given % 180:.3g} deg, but the velocities rise towards "
            f"{seen:.3g} deg{guess}"
        )
        flags.append(Flag("position_angle", text))
    phase, strength = twofold(tw.pixels, tw.maps)
    bar = tw.geometry.bar_position_angle.value
    if strength > 0.1:
        cos_i = math.cos(math.radians(tw.geometry.inclination.value))
        on_sky = math.degrees(math.atan2(math.sin(phase) * cos_i, math.cos(phase)))
        light = (given + on_sky) % 180
        if _apart(light, bar) > _OFF_BAR:
            text = (
                f"the bar is given at {bar % 180:.3g} deg, but the light is stretched along "
                f"{light:.3g} deg{_convention(bar, light)}"
            )
            flags.append(Flag("bar_position_angle", text))
    if tw.pattern_speed.value < 0:
        text = (
            f"the pattern turns against the disc ({tw.pattern_speed.value:.3g} km/s/arcsec): "
            "noise, a wrong line of nodes, or mirrored axes"
        )
        flags.append(Flag("sign", text))
    return flags


def _of_velocities(tw: TremaineWeinberg) -> list[Flag]:
    """Return whether velocities, or some of them, cannot be motions of a disc."""
    maps, flags = tw.maps, []
    low, middle, high = np.quantile(maps.velocity, [0.05, 0.5, 0.95])
    if not _SPREAD[0] < high - low < _SPREAD[1]:
        text = f"90 % of the velocities spread over {high - low:.3g} km/s: are they in km/s?"
        flags.append(Flag("velocity_unit", text))
    error = 0.0 if maps.velocity_error is None else maps.velocity_error
    far = np.abs(maps.velocity - middle) > np.maximum(_FAR * (high - low), _FAR_SIGMA * error)
    if far.any():
        worst = maps.velocity[np.argmax(np.abs(maps.velocity - middle) * far)]
        text = f"{int(far.sum())} velocities lie far from all others, such as {worst:.4g} km/s"
        flags.append(Flag("outliers", text + ": mask what is no measurement"))
    return flags


def _convention(given: float, seen: float) -> str:
    """Return which mix-up of conventions would explain an angle, as the end of a sentence."""
    names = {
        "counted from north to WEST (mirrored image)": -given,
        "counted from the x axis to the west, against the clock": given - 90,
        "counted from the x axis with x to the east": 90 - given,
        "that of the minor axis": given + 90,
    }
    near = {name: _apart(angle, seen) for name, angle in names.items()}
    best = [name for name, d in near.items() if d <= min(near.values()) + 1e-6]
    if near[best[0]] > 15:
        return ""
    return f"; it would fit an angle {' or '.join(best)}"


def _apart(a: float, b: float) -> float:
    """Return the angle between two lines, 0 to 90 deg."""
    d = abs(a - b) % 180
    return min(d, 180 - d)
