"""Tables of results go into other formats, and come back with their numbers and units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.table import QTable, Table

from astrokit.inference import load
from tests.interchange.examples import EXAMPLES
from tests.interchange.examples.inference import fit, posterior
from tests.interchange.test_pickle import BY_NAME, example


def has_table(cls: type) -> bool:
    """Whether a class makes tables, or holds one as a property or a field."""
    fields = getattr(cls, "__dataclass_fields__", {})
    return hasattr(cls, "to_table") or hasattr(cls, "table") or "table" in fields


WITH_TABLE = sorted(name for name, c in BY_NAME.items() if has_table(c))
FORMATS = {
    "ecsv": {"format": "ascii.ecsv"},
    "h5": {"format": "hdf5", "path": "table"},
    "parquet": {"format": "parquet"},
}


def table_of(name: str) -> Table:
    thing = example(name)
    result = thing.to_table() if hasattr(thing, "to_table") else thing.table
    assert isinstance(result, Table)
    assert len(result) > 0
    return result


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("name", WITH_TABLE)
def test_tables_come_back(name, ending, tmp_path):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    table = table_of(name)
    details = dict(FORMATS[ending])
    extra = {"serialize_meta": True} if ending == "h5" else {}
    table.write(tmp_path / f"table.{ending}", **details, **extra)
    back = type(table).read(tmp_path / f"table.{ending}", **details)
    assert back.colnames == table.colnames
    for column in table.colnames:
        assert_same_column(table[column], back[column])


def assert_same_column(ours: Any, theirs: Any) -> None:
    assert str(getattr(ours, "unit", None)) == str(getattr(theirs, "unit", None))
    a, b = plain(ours), plain(theirs)
    if a.dtype.kind in "US":
        assert a.tolist() == b.tolist()
    else:
        np.testing.assert_array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
        np.testing.assert_array_equal(np.ma.getdata(a), np.ma.getdata(b))


def plain(column: Any) -> np.ndarray:
    values = getattr(column, "value", column)
    if values.dtype.kind in "OSU":
        # An empty cell of text comes back masked: astropy reads ECSV so.
        return np.ma.filled(values, "").astype(str)
    return np.ma.asarray(values)


def test_every_table_is_tried():
    """Tables are looked up on the class; one that appears on instances only would be missed."""
    assert {c for c in EXAMPLES if has_table(c)} == {BY_NAME[n] for n in WITH_TABLE}
    assert len(WITH_TABLE) >= 15


@pytest.mark.parametrize("make", [fit, posterior])
def test_hdf5_gives_the_same_result(make, tmp_path):
    make().save(tmp_path / "result.h5")
    assert load(tmp_path / "result.h5") == make()


def test_arviz_holds_the_chain(tmp_path):
    arviz = pytest.importorskip("arviz")
    data = posterior().to_arviz()
    data.to_netcdf(str(tmp_path / "chain.nc"))
    back = arviz.from_netcdf(str(tmp_path / "chain.nc"))
    chain = posterior().chain()
    ensembles, rows, walkers, _ = chain.shape
    for k, name in enumerate(posterior().names):
        draws = np.moveaxis(chain[..., k], 1, 2).reshape(ensembles * walkers, rows)
        np.testing.assert_array_equal(back.posterior[name].values, draws)


def test_samples_as_a_table_are_the_samples(tmp_path):
    table = posterior().to_table()
    table.write(tmp_path / "samples.ecsv")
    back = QTable.read(tmp_path / "samples.ecsv")
    np.testing.assert_array_equal(back["slope"].value, posterior().draws("slope"))
    assert back["intercept"].unit == "Jy"
    assert back.meta["data_checksum"] == posterior().data_checksum
