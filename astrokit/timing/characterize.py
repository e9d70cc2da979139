"""`characterize`: everything that applies to a light curve, in one call and one table."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from ..atomic import written_whole
from ..errors import AstrokitError, DataWarning, InputError
from ..estimate import Estimate
from ..parallel import ItemError, map_items
from ..provenance import Provenance, Recorder, quiet
from ..randomness import SeedLike, as_seed_sequence, spawn
from .epoch import Epoch
from .measures import Measure, Measurement, as_measures

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable, Table
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve

__all__ = ["Characterization", "Characterizations", "characterize"]

Observation: TypeAlias = "LightCurve | tuple[LightCurve, LightCurve] | str | Path"
_SEEDS = 16  # children of a seed: one per kind of measure, with room for more


@dataclass(frozen=True, eq=False, repr=False)
class Characterization:
    """What was measured for one observation; made by :func:`characterize`.

    ``result["slope"]`` is the estimate of that name, ``result.results["power_spectrum"]`` the
    object behind it.

    Attributes
    ----------
    label : str
    lightcurve : LightCurve
        Of all bands together.
    measurements : tuple of Measurement
        In the order of the measures; with reasons where something does not apply.
    results : dict of str to object
        ``"power_spectrum"`` (Fit), ``"flux_distribution"``, ``"rms_flux"``, ``"hardness"``,
        ``"hardness_correlation"``, ``"minimum_timescale"``, as far as they exist.
    provenance : Provenance
    """

    label: str
    lightcurve: LightCurve
    measurements: tuple[Measurement, ...]
    results: dict[str, Any]
    provenance: Provenance

    def measurement(self, name: str) -> Measurement:
        """Return the row of a name.

        Raises
        ------
        InputError
            For an unknown name.
        """
        for row in self.measurements:
            if row.name == name:
                return row
        raise InputError(
            "nothing of this name was measured",
            value=name,
            allowed=", ".join(row.name for row in self.measurements),
        )

    def __getitem__(self, name: str) -> Estimate:
        row = self.measurement(name)
        if row.value is None:
            why = row.reason or f"it is a text: {row.text!r}, see measurement({name!r})"
            raise InputError(f"{name} has no value: {why}")
        return row.value

    @property
    def reasons(self) -> dict[str, str]:
        """Names of what does not apply, with the reasons."""
        return {row.name: row.reason for row in self.measurements if row.reason}

    def to_table(self) -> QTable:
        """Return one row per measurement.

        Columns: name, value, lower, upper, unit, level, limit, text, reason, note, method.
        """
        from astropy.table import QTable

        nothing = Estimate(float("nan"))
        rows = []
        for row in self.measurements:
            e = row.value or nothing
            number = (e.value, e.lower, e.upper, str(e.unit or ""), e.level, e.limit or "")
            rows.append((row.name, *number, row.text, row.reason, row.note, e.method))
        names = ("name", "value", "lower", "upper", "unit", "level", "limit")
        table = QTable(rows=rows, names=(*names, "text", "reason", "note", "method"))
        table.meta["label"] = self.label
        return table

    def plot_data(self) -> dict[str, Any]:
        """Return the data of the panels that :meth:`plot` draws, by name."""
        data: dict[str, Any] = {"lightcurve": self.lightcurve.plot_data()}
        for name in ("flux_distribution", "rms_flux"):
            if name in self.results:
                data[name] = self.results[name].plot_data()
        return data

    def plot(self) -> list[Axes]:
        """Draw light curve, power spectrum, flux distribution and rms-flux relation.

        A panel without its measure says why it is empty.
        """
        from .epoch_plots import plot_characterization

        return plot_characterization(self)

    def __repr__(self) -> str:
        width = max(len(row.name) for row in self.measurements)
        lines = [f"{row.name:<{width}}  {row}" for row in self.measurements]
        return "\n".join([f"Characterization of {self.label}", *lines])

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td>{html.escape(row.name)}</td><td>{_cell(row)}</td>"
            f"<td>{html.escape(row.note)}</td></tr>"
            for row in self.measurements
        )
        return f"<table><caption>{html.escape(self.label)}</caption>{body}</table>"


def _cell(row: Measurement) -> str:
    if row.value is None:
        return html.escape(str(row))
    return row.value.to_html()


@dataclass(frozen=True, eq=False, repr=False)
class Characterizations(Sequence[Characterization]):
    """Results of many observations; made by :func:`characterize`.

    Attributes
    ----------
    items : tuple of Characterization or ItemError
        In the order of the observations; an error in place of one that could not be read.
    labels : tuple of str
    provenance : Provenance
        Of the whole run: inputs and citations of all items.
    """

    items: tuple[Characterization | ItemError, ...]
    labels: tuple[str, ...]
    provenance: Provenance
    measures: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Characterization: ...
    @overload
    def __getitem__(self, index: slice) -> list[Characterization]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        item = self.items[index]
        if isinstance(item, ItemError):
            raise item.error
        return item

    @property
    def errors(self) -> dict[str, str]:
        """Labels of the observations that failed, with the error of each."""
        return {
            label: f"{type(item.error).__name__}: {item.error}"
            for label, item in zip(self.labels, self.items, strict=True)
            if isinstance(item, ItemError)
        }

    def to_table(self) -> Table:
        """Return one row per observation.

        Columns: ``label``; per number its name, with ``_lower`` and ``_upper`` where it has errors
        and ``_limit`` where some are limits; per verdict its words; ``error``. What does not apply
        is masked. Units that differ between observations are named in a column ``_unit``.
        """
        from .epoch_table import table_of

        return table_of(self)

    def reasons(self) -> Table:
        """Return what does not apply: columns label, name, reason."""
        from astropy.table import Table

        rows = [
            (label, name, reason)
            for label, item in zip(self.labels, self.items, strict=True)
            if isinstance(item, Characterization)
            for name, reason in item.reasons.items()
        ]
        return Table(rows=rows or None, names=("label", "name", "reason"))

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write :meth:`to_table` as ECSV, with the provenance in its header.

        Raises
        ------
        InputError
            For another suffix than ``.ecsv``, or a file that is there.
        """
        target = Path(path).expanduser()
        if target.suffix != ".ecsv":
            raise InputError("the table is written as ECSV", value=target.name, allowed="*.ecsv")
        if target.exists() and not overwrite:
            raise InputError(
                "the file is already there", value=target.name, hint="pass overwrite=True"
            )
        with written_whole(target) as temporary:
            self.to_table().write(temporary, format="ascii.ecsv")
        return target

    def __repr__(self) -> str:
        failed = len(self.errors)
        head = f"Characterizations: {len(self)} observations" + (
            f", {failed} failed" if failed else ""
        )
        lines = [f"  ! {label}: {error}" for label, error in self.errors.items()]
        return "\n".join([head, *lines])

    def _repr_html_(self) -> str:
        return str(self.to_table()._repr_html_())


@overload
def characterize(
    observations: Observation,
    *,
    measures: Sequence[str | Measure] | None = None,
    seed: SeedLike = 0,
    executor: Executor | None = None,
    progress: bool = False,
) -> Characterization: ...
@overload
def characterize(
    observations: list[Any],
    *,
    measures: Sequence[str | Measure] | None = None,
    seed: SeedLike = 0,
    executor: Executor | None = None,
    progress: bool = False,
) -> Characterizations: ...
def characterize(
    observations: Any,
    *,
    measures: Sequence[str | Measure] | None = None,
    seed: SeedLike = 0,
    executor: Executor | None = None,
    progress: bool = False,
) -> Characterization | Characterizations:
    """Measure everything that applies to a light curve, or to many, and say why the rest does not.

    Parameters
    ----------
    observations : LightCurve, (LightCurve, LightCurve), path, or a list of these
        A pair holds the soft and the hard band of one observation. A list gives one result per
        observation; one that fails leaves its error in its place.
    measures : sequence of str or Measure, optional
        All by default: "sampling", "amplitudes", "timescales", "power_spectrum",
        "flux_distribution", "rms_flux" and "hardness". In place of a name a measure with options,
        such as ``measures.Timescales(redshift=0.116, doppler_factor=20)``.
    seed : int, SeedSequence or Generator, optional
        Each observation and each kind of measure has its own child: neither the number of workers
        nor the choice of measures changes a number.
    executor : concurrent.futures.Executor, optional
        For a list.
    progress : bool

    Returns
    -------
    Characterization, or Characterizations for a list

    Raises
    ------
    InputError
        For something that is no observation, an empty list, or an unknown measure.

    Warns
    -----
    DataWarning
        If observations of a list failed.

    Examples
    --------
    >>> import astrokit as ak
    >>> lc = ak.read_lightcurve(ak.datasets.fetch("simulated-xmm"))
    >>> result = ak.timing.characterize(lc, measures=["sampling", "amplitudes"])
    >>> print(result["fractional_variability"])
    fractional_variability = 0.0700 +/- 0.0009
    >>> many = ak.timing.characterize([lc[:600], lc[600:]], measures=["power_spectrum"])
    >>> many.to_table()["slope"].shape
    (2,)
    """
    chosen = as_measures(measures)
    sequence = as_seed_sequence(seed)
    if not isinstance(observations, list):
        if executor is not None:
            raise InputError(
                "an executor serves a list of observations",
                hint="leave executor out, or give a list",
            )
        return _characterized(observations, sequence, measures=chosen)
    if not observations:
        raise InputError("there is no observation in the list")
    recorder = Recorder(
        "astrokit.timing.characterize",
        {"observations": len(observations), "measures": [repr(m) for m in chosen]},
        seed=sequence,
    )
    items = map_items(
        partial(_characterized, measures=chosen),
        observations,
        seeds=spawn(sequence, len(observations)),
        executor=executor,
        keep_errors=True,
        progress=progress,
    )
    labels = _labels(observations, items)
    for item in items:
        if isinstance(item, ItemError) and not isinstance(item.error, AstrokitError | OSError):
            item.error.add_note(item.where)
            raise item.error  # a mistake of the program, not of the data
    for label, item in zip(labels, items, strict=True):
        if isinstance(item, ItemError):
            recorder.warn(f"{label}: {item.error}", DataWarning)
        else:
            recorder.cite(*item.provenance.citations)
    record = recorder.finish()
    inputs = tuple(r for i in items if isinstance(i, Characterization) for r in i.provenance.inputs)
    merged = Provenance(**{**record.__dict__, "inputs": inputs})
    return Characterizations(tuple(items), labels, merged, tuple(m.name for m in chosen))


# -- parts ----------------------------------------------------------------------------------------


def _characterized(
    observation: Any, seed: np.random.SeedSequence, *, measures: tuple[Measure, ...]
) -> Characterization:
    epoch = Epoch.of(observation)
    curves = epoch.bands or (epoch.lightcurve,)
    recorder = Recorder(
        "astrokit.timing.characterize",
        {"label": epoch.label, "measures": [repr(m) for m in measures]},
        inputs=[lc.provenance_inputs() for lc in curves],
        seed=seed,
    )
    seeds = spawn(seed, _SEEDS)
    rows: list[Measurement] = []
    results: dict[str, Any] = {}
    with quiet():
        for measure in measures:
            outcome = measure(epoch, seeds[measure.rank])
            rows += outcome.rows
            results |= outcome.results
            recorder.cite(*outcome.citations)
    return Characterization(epoch.label, epoch.lightcurve, tuple(rows), results, recorder.finish())


def _labels(observations: list[Any], items: list[Any]) -> tuple[str, ...]:
    """Return one label per observation, with a number where several are alike."""
    names = []
    for i, (source, item) in enumerate(zip(observations, items, strict=True)):
        path = source[0] if isinstance(source, tuple) and source else source
        file = Path(path).name if isinstance(path, str | os.PathLike) else ""
        own = item.label if isinstance(item, Characterization) else ""
        names.append(file or own or f"observation {i + 1}")
    return tuple(
        f"{name} ({names[: i + 1].count(name)})" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    )
