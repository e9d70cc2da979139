"""Files that no reader should trust; each function writes one to a path."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from astropy.io import fits

BOMB = 120 << 20  # bytes that a small archive becomes: more than any bound for so small a file
HOSTILE: dict[str, Callable[[Path], Any]] = {}


def hostile(write: Callable[[Path], Any]) -> Callable[[Path], Any]:
    HOSTILE[write.__name__] = write
    return write


def of_bytes(name: str, content: bytes) -> None:
    HOSTILE[name] = lambda path: path.write_bytes(content)


# -- no files, or none of a known kind -------------------------------------------------------------

of_bytes("empty", b"")
of_bytes("one_byte", b"\x1f")
of_bytes("only_nul", b"\0" * 10_000)
of_bytes("noise", np.random.default_rng(1).bytes(20_000))
of_bytes("no_utf8", b"time rate error\n1 2 3\n\xff\xfe\xfa 5 6\n" + b"\xc3\x28\n" * 50)
of_bytes("utf16", "mjd,energy,mag,time,rate\n1,2,3,4,5\n".encode("utf-16"))
of_bytes("an_executable", b"\x7fELF\x02\x01\x01" + b"\0" * 5000)
of_bytes("a_pickle", b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system")
of_bytes("a_page", b"<!DOCTYPE html><html><body>404 not found</body></html>")


@hostile
def absent(path: Path) -> None:
    """Nothing is there."""


@hostile
def a_folder(path: Path) -> None:
    path.mkdir()


@hostile
def a_circle_of_links(path: Path) -> None:
    other = path.with_name("other")
    other.symlink_to(path)
    path.symlink_to(other)


@hostile
def a_link_to_endless_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


@hostile
def a_pipe_that_nobody_writes_to(path: Path) -> None:
    os.mkfifo(path)


@hostile
def a_hole_of_eight_terabytes(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"SIMPLE  =                    T")
        stream.truncate(8 << 40)


# -- archives --------------------------------------------------------------------------------------


@functools.cache
def zeros_in_gzip(head: bytes) -> bytes:
    return gzip.compress(head.ljust(BOMB, b"\0"), compresslevel=1)


@functools.cache
def zeros_in_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("EPOCH_PHOTOMETRY-7.csv", b"\0" * BOMB)
    return stream.getvalue()


@hostile
def a_gzip_bomb(path: Path) -> None:
    path.write_bytes(zeros_in_gzip(b""))


@hostile
def a_gzip_bomb_that_begins_as_fits(path: Path) -> None:
    path.write_bytes(zeros_in_gzip(b"SIMPLE  =                    T".ljust(80)))


@hostile
def a_gzip_bomb_that_begins_as_text(path: Path) -> None:
    path.write_bytes(zeros_in_gzip(b"time,rate,energy,mjd,mag\n"))


@hostile
def a_zip_bomb(path: Path) -> None:
    path.write_bytes(zeros_in_zip())


@hostile
def a_bzip2_bomb(path: Path) -> None:
    path.write_bytes(bz2.compress(b"1,2\n" * 250_000))


@hostile
def a_zip_in_a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EPOCH_PHOTOMETRY-7.csv", zeros_in_zip())


@hostile
def a_zip_that_leads_out(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../EPOCH_PHOTOMETRY-7.csv", b"no,table\n")


of_bytes("half_a_gzip", gzip.compress(b"time rate\n" * 1000)[:40])
of_bytes("gzip_of_a_gzip", gzip.compress(gzip.compress(b"time rate\n1 2\n")))
of_bytes("half_a_zip", b"PK\x03\x04" + b"\0" * 100)

# -- FITS ------------------------------------------------------------------------------------------


def table_hdu(name: str = "RATE", rows: int = 20, **columns: Any) -> fits.BinTableHDU:
    shown = [
        fits.Column(
            key, "D" if np.ndim(x) == 1 and np.asarray(x).dtype.kind == "f" else "20A", array=x
        )
        for key, x in columns.items()
    ]
    return fits.BinTableHDU.from_columns(shown, name=name)


@functools.cache
def sound() -> bytes:
    """Return a small FITS file with a table that a light curve could be in."""
    hdu = table_hdu(
        TIME=np.arange(20.0), RATE=np.full(20, 5.0), ERROR=np.full(20, 0.1), ENERGY=np.ones(20)
    )
    hdu.header["TIMEDEL"] = 1.0
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()


def with_card(key: str, value: str) -> bytes:
    """Return the sound file with another value of a card of its table."""
    content = sound()
    at = content.index(key.ljust(8).encode() + b"=", 2880)
    card = f"{key:<8}= {value:>20}".ljust(80).encode()
    return content[:at] + card + content[at + 80 :]


of_bytes("fits_without_data", sound()[: 2 * 2880])
of_bytes("fits_cut_in_its_table", sound()[:-2880])
of_bytes("fits_cut_in_its_header", sound()[:3000])
of_bytes(
    "fits_with_an_endless_header", b"SIMPLE  =                    T".ljust(80) + b" " * (9 << 20)
)
of_bytes("fits_of_a_quadrillion_rows", with_card("NAXIS2", "1000000000000000"))
of_bytes("fits_of_negative_rows", with_card("NAXIS2", "-5"))
of_bytes("fits_of_wide_rows", with_card("NAXIS1", "99999999999"))
of_bytes("fits_of_many_axes", with_card("NAXIS", "999"))
of_bytes("fits_of_no_bits", with_card("BITPIX", "7"))
of_bytes("fits_of_many_fields", with_card("TFIELDS", "999999999"))
of_bytes("fits_of_negative_fields", with_card("TFIELDS", "-1"))
of_bytes("fits_of_an_unknown_form", with_card("TFORM1", "'Z!'"))
of_bytes("fits_of_a_huge_form", with_card("TFORM1", "'999999999D'"))
of_bytes("fits_of_a_huge_heap", with_card("PCOUNT", "999999999999"))
of_bytes("fits_of_words_for_numbers", with_card("NAXIS2", "'many'"))
of_bytes("fits_without_a_table", sound()[:2880])


@hostile
def fits_of_texts(path: Path) -> None:
    words = np.array(["word"] * 20)
    hdu = table_hdu(TIME=words, RATE=words, ERROR=words, ENERGY=words, MJD=words)
    hdu.writeto(path, output_verify="silentfix")


@hostile
def fits_of_nan(path: Path) -> None:
    nothing = np.full(20, np.nan)
    table_hdu(TIME=nothing, RATE=nothing, ERROR=nothing, ENERGY=nothing, MJD=nothing).writeto(path)


@hostile
def fits_over_all_of_time(path: Path) -> None:
    time = np.array([0.0, 1.0, 2.0, 1e300])
    table_hdu(TIME=time, RATE=np.ones(4), ERROR=np.ones(4)).writeto(path)


@hostile
def fits_events_over_all_of_time(path: Path) -> None:
    hdu = table_hdu("EVENTS", TIME=np.array([0.0, 1.0, 1e15]), PI=np.ones(3))
    hdu.header["TIMEDEL"] = 1e-3
    hdu.writeto(path)


@hostile
def fits_with_a_heap_beyond_its_end(path: Path) -> None:
    rows = np.array([np.ones(3), np.ones(5)], dtype=object)
    column = fits.Column("MATRIX", "PE()", array=rows)
    fits.BinTableHDU.from_columns([column], name="MATRIX").writeto(path)
    content = bytearray(path.read_bytes())
    content[-2880 : -2880 + 8] = np.array([0x7FFFFFFF, 0x7FFFFFFF], ">i4").tobytes()
    path.write_bytes(bytes(content))


@hostile
def fits_with_a_response_of_a_billion_channels(path: Path) -> None:
    low, high = np.array([1.0, 2.0]), np.array([2.0, 3.0])
    columns = [
        fits.Column("ENERG_LO", "D", array=low),
        fits.Column("ENERG_HI", "D", array=high),
        fits.Column("N_GRP", "I", array=[1, 1]),
        fits.Column("F_CHAN", "J", array=[1, 2_000_000_000]),
        fits.Column("N_CHAN", "J", array=[1, 2_000_000_000]),
        fits.Column("MATRIX", "E", array=[1.0, 1.0]),
    ]
    matrix = fits.BinTableHDU.from_columns(columns, name="MATRIX")
    matrix.header["DETCHANS"] = 2_000_000_000
    bounds = fits.BinTableHDU.from_columns(
        [
            fits.Column("CHANNEL", "J", array=[1, 2_000_000_000]),
            fits.Column("E_MIN", "E", array=low),
            fits.Column("E_MAX", "E", array=high),
        ],
        name="EBOUNDS",
    )
    fits.HDUList([fits.PrimaryHDU(), matrix, bounds]).writeto(path)


@hostile
def fits_whose_spectrum_leads_out(path: Path) -> None:
    secret = path.parent.parent / "outside.bak"
    secret.write_text("not for you")
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("CHANNEL", "J", array=np.arange(1, 4)),
            fits.Column("COUNTS", "J", array=np.ones(3, int)),
        ],
        name="SPECTRUM",
    )
    hdu.header["EXPOSURE"] = 100.0
    hdu.header["BACKFILE"] = "../outside.bak"
    hdu.header["RESPFILE"] = "/etc/passwd"
    hdu.writeto(path)


# -- tables ----------------------------------------------------------------------------------------

HEAD = b"time,rate,error,mjd,energy,mag,rh,delta,alpha,source_id,band,flux\n"
of_bytes("only_a_header", HEAD)
of_bytes("table_of_nan", HEAD + b"nan," * 11 + b"nan\n" + b"nan," * 11 + b"nan\n")
of_bytes("table_of_infinities", HEAD + b"inf," * 11 + b"inf\n")
of_bytes("table_of_words", HEAD + b"x," * 11 + b"x\n")
of_bytes("table_of_huge_numbers", HEAD + b"1e999," * 11 + b"9" * 5000 + b"\n")
of_bytes("ragged_table", HEAD + b"1,2\n1,2,3,4,5\n1\n")
of_bytes("wide_table", b",".join(b"c%d" % i for i in range(8_000)) + b"\n" + b"1," * 7_999 + b"1\n")
of_bytes("open_quote", HEAD + b'"' + b"1,2,3,4\n" * 2000)
of_bytes("repeated_names", b"time,time,rate,rate,mjd,mjd,energy,energy\n1,2,3,4,5,6,7,8\n")
of_bytes("one_endless_line", b"7" * 3_000_000)
of_bytes("no_names", b"1 2 x y z\n4 5 p q r\n")
of_bytes("formulas", HEAD + b"=cmd|' /C calc'!A0," * 11 + b"@SUM(1)\n")


def ecsv(meta: bytes) -> bytes:
    columns = b"# - {name: time, datatype: float64}\n# - {name: rate, datatype: float64}\n"
    return b"# %ECSV 1.0\n# ---\n# datatype:\n" + columns + meta + b"time rate\n1 2\n3 4\n"


of_bytes("ecsv_that_runs_code", ecsv(b"# meta: !!python/object/apply:os.system ['touch harmed']\n"))
of_bytes(
    "ecsv_that_makes_objects",
    ecsv(
        b"# meta: !!omap\n# - __serialized_columns__:\n#     rate:\n"
        b"#       __class__: subprocess.Popen\n#       args: [touch, harmed]\n"
    ),
)
of_bytes(
    "ecsv_of_ever_more_laughs",
    b"# %ECSV 1.0\n# ---\n"
    + b"".join(
        b"# %c: &%c [%s]\n" % (97 + i, 97 + i, b",".join([b"*%c" % (96 + i)] * 9) if i else b"lol")
        for i in range(12)
    )
    + b"# datatype: *l\ntime rate\n1 2\n",
)
of_bytes(
    "ecsv_of_unknown_types",
    b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: beast}\na\n1\n",
)
of_bytes("ecsv_of_broken_yaml", b"# %ECSV 1.0\n# ---\n# datatype: [{{{\na\n1\n")
of_bytes("ecsv_without_an_end", b"# %ECSV 1.0\n")

# -- XML -------------------------------------------------------------------------------------------

LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (i, b"".join([b"&l%d;" % (i - 1)] * 10) if i else b"lol" * 100)
    for i in range(10)
)
of_bytes(
    "xml_of_ever_more_laughs",
    b'<?xml version="1.0"?><!DOCTYPE VOTABLE [' + LAUGHS + b"]><VOTABLE>&l9;</VOTABLE>",
)
of_bytes(
    "xml_that_reads_files",
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
)
of_bytes("xml_without_an_end", b'<?xml version="1.0"?><ades><optical>')
of_bytes("xml_too_deep", b"<?xml version='1.0'?>" + b"<a>" * 100_000)
of_bytes("votable_without_a_table", b'<?xml version="1.0"?><VOTABLE version="1.4"></VOTABLE>')

# -- JSON ------------------------------------------------------------------------------------------

of_bytes("json_too_deep", b"[" * 200_000 + b"]" * 200_000)
of_bytes("json_of_another_kind", b'{"cells": {"a": 1}}')
of_bytes("json_of_huge_numbers", b'{"cells": [' + b"9" * 100_000 + b"]}")
of_bytes("json_without_an_end", b'{"cells": [{"source": "')

# -- results ---------------------------------------------------------------------------------------


def result(path: Path, record: Any, **attributes: Any) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs.update({"astrokit_format": 1, "kind": "Fit", **attributes})
    file["record"] = record if isinstance(record, str) else json.dumps(record)
    file.create_group("arrays")
    return file


of_bytes("hdf5_of_nothing", b"\x89HDF\r\n\x1a\n" + b"\0" * 500)


@hostile
def result_without_anything(path: Path) -> None:
    h5py.File(path, "w").close()


@hostile
def result_of_the_future(path: Path) -> None:
    result(path, {}, astrokit_format=99).close()


@hostile
def result_of_another_class(path: Path) -> None:
    result(path, {}, kind="os.system").close()


@hostile
def result_without_a_record(path: Path) -> None:
    result(path, {"parameters": []}).close()


@hostile
def result_of_wrong_types(path: Path) -> None:
    result(path, {"parameters": "none", "starts": 7, "identity": []}).close()


@hostile
def result_that_is_a_list(path: Path) -> None:
    result(path, [1, 2, 3]).close()


@hostile
def result_that_is_nested(path: Path) -> None:
    result(path, "[" * 100_000).close()


@hostile
def result_that_unpacks_to_terabytes(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays"].create_dataset(
            "theta", (1 << 40,), "f8", chunks=(1 << 20,), compression="gzip"
        )


@hostile
def result_of_arrays_that_are_not_there(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays"].create_dataset("theta", (1 << 40,), "f8", chunks=(1 << 20,))


@hostile
def result_that_links_to_another_file(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays/theta"] = h5py.ExternalLink("/etc/passwd", "/theta")


@hostile
def result_that_links_in_a_circle(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays/theta"] = h5py.SoftLink("/arrays/theta")


@hostile
def result_whose_arrays_are_itself(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays/theta"] = file["arrays"]


@hostile
def result_stored_in_another_file(path: Path) -> None:
    with result(path, {}) as file:
        file["arrays"].create_dataset("theta", (4,), "f8", external=[("/etc/passwd", 0, 32)])


@hostile
def result_whose_tie_is_code(path: Path) -> None:
    from tests.interchange.examples.inference import fit

    fit().save(path)
    with h5py.File(path, "r+") as file:
        record = json.loads(file["record"].asstr()[()])
        slope = record["parameters"][1]
        slope.update(tied="__import__('os').system('touch harmed')", fixed=False, prior=None)
        del file["record"]
        file["record"] = json.dumps(record)
