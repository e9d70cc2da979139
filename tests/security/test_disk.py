"""A full disk, a forbidden folder: an error in words, and the old file as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

import astrokit as ak
from astrokit.errors import WriteError
from tests.interchange.examples.inference import posterior

# In a process of its own: the limit on the size of files acts like a disk without room.
WRITES = """
import resource, sys, warnings
from pathlib import Path
import numpy as np
import astrokit as ak
from astrokit.errors import AstrokitError
from tests.interchange.examples.inference import fit
folder = Path(sys.argv[1])
lc = ak.LightCurve(np.arange(4000.0), np.ones(4000), np.ones(4000))
pha = ak.spectra.Spectrum(np.ones(4000), exposure=1.0)
jobs = [
    lambda: fit().save(folder / "fit.h5"),
    lambda: fit().report(folder / "fit.html"),
    lambda: lc.write(folder / "curve.fits", overwrite=True),
    lambda: lc.write(folder / "curve.fits.gz", overwrite=True),
    lambda: lc.write(folder / "curve.ecsv", overwrite=True),
    lambda: pha.write(folder / "spectrum.pha", overwrite=True),
]
for job in jobs:
    job()
before = {p.name: p.read_bytes() for p in folder.iterdir()}
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
for job in jobs:
    try:
        job()
    except AstrokitError as error:
        print(error)
assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
"""


def test_a_full_disk_keeps_what_was_there(tmp_path):
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", WRITES, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    refusals = done.stdout.splitlines()
    assert len(refusals) == 6, refusals
    for refusal in refusals:
        assert "cannot be written" in refusal
        assert "File too large" in refusal


@pytest.mark.parametrize("reason", [13, 28, 30])  # no permission, no space, read-only
def test_what_the_system_forbids_is_told(reason, tmp_path, monkeypatch):
    import os

    posterior().save(tmp_path / "result.h5")

    def forbidden(*_):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "replace", forbidden)
    with pytest.raises(WriteError, match=os.strerror(reason)):
        posterior().save(tmp_path / "result.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]
    assert ak.load(tmp_path / "result.h5") == posterior()


def test_long_chains_ask_for_room_before_they_write(tmp_path, monkeypatch):
    from astrokit.inference import storage

    monkeypatch.setattr(storage, "_LAZY_BYTES", 10)
    posterior().save(tmp_path / "result.h5")
    assert ak.load(tmp_path / "result.h5") == posterior()
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(WriteError, match="no room for the result"):
        posterior().save(tmp_path / "other.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]
