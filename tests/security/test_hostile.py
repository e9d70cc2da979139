"""More than two hundred hostile inputs: each ends in an error of ours, soon, with little memory."""

from __future__ import annotations

import os
import re
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import astrokit as ak
from astrokit.errors import AstrokitError
from astrokit.pages import paragraph, write_page
from tests.security.hostile import HOSTILE

READERS: dict[str, Callable[[Path], Any]] = {
    "light curve": ak.read_lightcurve,
    "events": lambda path: ak.read_lightcurve(path, bin_size=1.0),
    "Gaia": ak.lightcurve.read_gaia,
    "spectrum": ak.spectra.read_pha,
    "spectra": ak.spectra.read_spectra,
    "arf": ak.spectra.read_arf,
    "rmf": ak.spectra.read_rmf,
    "bursts": ak.bursts.read_bursts,
    "comet": ak.comets.read_photometry,
    "ephemeris": ak.comets.read_ephemeris,
    "result": ak.load,
    "notebook": lambda path: ak.reproduce.find_notebooks([str(path)]),
}
# What a reader may take, since there is nothing wrong with it for this reader.
FINE = {
    ("fits_over_all_of_time", "light curve"),  # irregular times of a text
    ("repeated_names", "light curve"),
    # Refused in other words: see below.
    ("fits_whose_spectrum_leads_out", "spectrum"),
    ("fits_whose_spectrum_leads_out", "spectra"),
}
SECONDS = 10
MEMORY = 1 << 30


class TooLateError(BaseException):
    """No ordinary error: a reader would take it for damage of the file."""


@contextmanager
def bounded() -> Iterator[None]:
    """Let what runs inside have one gigabyte more than now, and some seconds."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)

    def stop(*_: Any) -> None:
        raise TooLateError(f"still busy after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, old[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, old)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("content", HOSTILE)
def test_every_reader_refuses(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = []
    for number, (reader, read) in enumerate(READERS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / ("input.ipynb" if reader == "notebook" else "input.dat")
        HOSTILE[content](path)
        try:
            refusal = refusal_of(read, path)
        except (Exception, TooLateError) as error:  # noqa: BLE001
            wrong.append(f"{reader} fails with {type(error).__name__}: {error}")
            continue
        if (content, reader) in FINE:
            continue
        if "input." not in refusal or len(refusal) > 1500:
            wrong.append(f"{reader} says {refusal[:300] or 'nothing'}")
    assert wrong == []
    assert not list(tmp_path.rglob("harmed"))


def refusal_of(read: Callable[[Path], Any], path: Path) -> str:
    """Return what a reader says against a file, or nothing if it takes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with bounded():
                read(path)
        except AstrokitError as error:
            return str(error)
    return ""


def test_there_are_more_than_two_hundred():
    assert len(HOSTILE) * len(READERS) - len(FINE) >= 200


@pytest.mark.parametrize(
    ("content", "reader", "words"),
    [
        ("a_gzip_bomb", "light curve", "grows beyond what such data do"),
        ("a_gzip_bomb_that_begins_as_fits", "rmf", "grows beyond what such data do"),
        ("a_gzip_bomb_that_begins_as_text", "bursts", "grows beyond what such data do"),
        ("a_zip_bomb", "Gaia", "grows beyond what such data do"),
        ("a_zip_in_a_zip", "Gaia", "holds another archive"),
        ("a_bzip2_bomb", "bursts", "compressed in a way"),
        ("a_circle_of_links", "spectrum", "leads to no file.*levels of symbolic links"),
        ("a_link_to_endless_zeros", "comet", "a device or pipe"),
        ("a_pipe_that_nobody_writes_to", "result", "a device or pipe"),
        ("a_hole_of_eight_terabytes", "light curve", "too large to be read whole"),
        ("fits_of_a_quadrillion_rows", "spectrum", "promises 3[0-9]{16} bytes"),
        ("fits_with_an_endless_header", "arf", "header of the FITS file has no end"),
        ("xml_of_ever_more_laughs", "comet", "declares a document type or entities"),
        ("xml_of_ever_more_laughs", "Gaia", "declares a document type or entities"),
        ("result_that_unpacks_to_terabytes", "result", "promises more data than it holds"),
        ("result_of_arrays_that_are_not_there", "result", "promises more data than it holds"),
        ("result_that_links_to_another_file", "result", "links to something outside"),
        ("result_that_links_in_a_circle", "result", "links to something outside"),
        ("result_stored_in_another_file", "result", "promises more data than it holds"),
        ("result_of_another_class", "result", "newer astrokit.*os.system"),
        ("result_whose_tie_is_code", "result", "tie is not an expression"),
        ("fits_whose_spectrum_leads_out", "spectrum", "not beside it"),
    ],
)
def test_bombs_are_refused_for_what_they_are(content, reader, words, tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    HOSTILE[content](folder / "input.dat")
    start = time.process_time()
    refusal = refusal_of(READERS[reader], folder / "input.dat")
    assert re.search(words, refusal, re.DOTALL), refusal
    assert time.process_time() - start < 5


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", [7, None, "", "a\0b", "~nobody-of-this-name/x", "x" * 5000])
def test_what_is_no_path_is_refused(reader, path):
    if reader == "notebook":
        pytest.skip("takes names and paths as words")
    with pytest.raises(AstrokitError):
        READERS[reader](path)


def test_names_that_are_no_text(tmp_path):
    """Names of files are bytes; those that are no UTF-8 must not stop a reader or a report."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    path = folder / os.fsdecode(b"curve-\xff.txt")
    path.write_text("time rate error\n0 5 0.2\n100 6 0.2\n200 5 0.2\n")
    lc = ak.read_lightcurve(path)
    assert lc.time.size == 3
    problem = ak.timing.PSDProblem(
        ak.LightCurve(range(64), [5.0, 6.0] * 32, [0.1] * 64), ak.timing.PowerLaw()
    )
    assert problem.n_data
    rewritten = lc.write(folder / "out.fits")
    assert ak.read_lightcurve(rewritten).checksum() == lc.checksum()
    write_page(folder / "page.html", paragraph(str(path)))
    path.write_text("no table")
    with pytest.raises(AstrokitError) as refused:
        ak.read_lightcurve(path)
    str(refused.value).encode("utf-8", errors="backslashreplace")
