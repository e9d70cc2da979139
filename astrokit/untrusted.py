"""Files that came from somebody else: opened within bounds, and refused in words.

A file may be damaged, huge, or made to harm: a few kilobytes that unpack to terabytes, a header
that promises more data than the file holds, a link that leads in a circle. Readers open files
here, so that each of these ends in a :class:`~astrokit.errors.ReadError` in bounded time and
memory.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import AstrokitError, ReadError

__all__ = [
    "bytes_of",
    "check_fits",
    "check_lines",
    "checked_file",
    "gunzipped",
    "named_refusals",
    "open_fits",
    "unzipped",
]

MOST_BYTES = 4 << 30  # of a file that is read whole
_MOST_UNPACKED = 2 << 30
_MOST_UNPACKED_TINY = 64 << 20  # what a small archive may grow to
_MOST_RATIO = 100  # of a larger one; light curves and spectra shrink 2 to 20 times
_PIECE = 1 << 20
_BLOCK = 2880
_MOST_HEADER = 4 << 20  # 52,000 cards; the longest real headers have some thousands
_LONGEST_LINE = 131_072
_MOST_HDUS = 10_000
_MOST_FIELDS = 999  # by the standard
_BITPIX = (8, 16, 32, 64, -32, -64)


def checked_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of a regular file, or raise.

    Raises
    ------
    ReadError
        For what does not exist, is a folder or device, may not be read, or is a link in a circle.
    """
    try:
        found = Path(path).expanduser()
        mode = os.stat(found).st_mode
    except FileNotFoundError as error:
        raise ReadError(
            "there is no such file",
            value=str(path),
            hint="check the path and the folder that it starts from; ak.datasets.fetch(name) "
            "brings registered data",
        ) from error
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        # Links in a circle, names too long or with a NUL, an unknown home folder.
        reason = getattr(error, "strerror", None) or str(error)
        raise ReadError("this path leads to no file", value=f"{path}: {reason}") from error
    if stat.S_ISDIR(mode):
        raise ReadError(
            "this is a folder, and no file",
            value=str(path),
            hint="name one file in it, for example from sorted(Path(folder).glob('*.fits'))",
        )
    if not stat.S_ISREG(mode):
        raise ReadError("this is a device or pipe, and no file", value=found.name)
    return found


def bytes_of(path: str | os.PathLike[str], most: int = MOST_BYTES) -> bytes:
    """Return the content of a file of at most `most` bytes.

    Raises
    ------
    ReadError
        As :func:`checked_file`, and for a file that is larger or may not be read.
    """
    found = checked_file(path)
    try:
        with found.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > most:
                raise _too_large(found.name, size, most)
            return stream.read(size)  # a reader makes room for what it is asked for
    except PermissionError as error:
        raise ReadError("the file may not be read", value=found.name) from error
    except OSError as error:
        raise ReadError("the file cannot be read", value=f"{found.name}: {error}") from error


def gunzipped(content: bytes, name: str) -> bytes:
    """Return what gzip-compressed bytes hold; bytes that are not compressed stay as they are.

    Raises
    ------
    ReadError
        When they are damaged, or would grow beyond what such data do.

    Examples
    --------
    >>> import gzip
    >>> from astrokit.untrusted import gunzipped
    >>> gunzipped(gzip.compress(b"time rate"), "curve.txt.gz")
    b'time rate'
    """
    if content[:2] != b"\x1f\x8b":
        return content
    import gzip

    with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
        return _unpacked(stream, len(content), name)


def unzipped(archive: zipfile.ZipFile, member: str) -> bytes:
    """Return one member of a zip archive, within the same bounds as :func:`gunzipped`.

    Raises
    ------
    ReadError
        When it is damaged, encrypted, or too large.
    """
    packed = archive.getinfo(member).compress_size
    try:
        with archive.open(member) as stream:
            return _unpacked(stream, packed, member)
    except RuntimeError as error:  # a password, or an unknown method
        raise ReadError("the archive cannot be unpacked", value=f"{member}: {error}") from error


def _unpacked(stream: Any, packed: int, name: str) -> bytes:
    most = min(_MOST_UNPACKED, max(_MOST_UNPACKED_TINY, _MOST_RATIO * packed))
    pieces, size = [], 0
    try:
        while piece := stream.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise ReadError(
                    "the compressed file grows beyond what such data do",
                    value=f"{name}: {packed} bytes become more than {most}",
                    hint="if it is sound, decompress it with another program and read the result",
                )
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError("the compressed file is damaged", value=f"{name}: {error}") from error
    return b"".join(pieces)


@contextmanager
def named_refusals(name: str) -> Iterator[None]:
    """Turn whatever the content of a file provokes into a ReadError that names the file.

    Parsers of other packages raise many kinds of errors for damaged input; what was raised is kept
    as the cause. Errors of astrokit pass as they are.

    Examples
    --------
    >>> from astrokit.untrusted import named_refusals
    >>> with named_refusals("curve.txt"):
    ...     int("no number")
    Traceback (most recent call last):
        ...
    astrokit.errors.ReadError: curve.txt cannot be understood (got "ValueError: invalid ...
    """
    try:
        yield
    except (AstrokitError, NameError, ImportError):  # the last two are never the file's fault
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
        raise ReadError(
            f"{name} cannot be understood",
            value=reason,
            hint="is it complete, and of a format that is read here?",
        ) from error


def check_lines(content: bytes, name: str) -> None:
    """Refuse text with endless lines: parsers of tables take the square of the length in time.

    Raises
    ------
    ReadError
        For a line of more than 131,072 bytes.
    """
    longest = max(map(len, content.split(b"\n")))
    if longest > _LONGEST_LINE:
        raise ReadError(
            "the text has a line that is too long for a table",
            value=f"{name}: {longest} bytes",
            allowed=f"{_LONGEST_LINE} bytes",
        )


def open_fits(content: bytes, name: str, **options: Any) -> Any:
    """Return the HDU list of a FITS file in memory, whose structure was checked before.

    Raises
    ------
    ReadError
        As :func:`check_fits`, or when astropy cannot open it.
    """
    from astropy.io import fits

    check_fits(content, name)
    with named_refusals(name):
        # Compressed images are not read by astrokit, and may unpack to anything.
        return fits.open(
            io.BytesIO(content), memmap=False, disable_image_compression=True, **options
        )


def check_fits(content: bytes, name: str) -> None:
    """Refuse a FITS file whose headers are endless or promise more data than there are.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.

    Raises
    ------
    ReadError
    """
    at = 0
    for number in range(_MOST_HDUS):
        if content[at : at + 8] not in (b"SIMPLE  ", b"XTENSION"):
            if number == 0:
                raise ReadError("this is no FITS file", value=name, hint="check the download")
            return  # what follows the last HDU is allowed to be anything
        end = _end_of_header(content, at)
        seen = min(len(content) - at, _MOST_HEADER)
        if end < 0:
            raise ReadError(
                "a header of the FITS file has no end",
                value=f"{name}: HDU {number}, {seen} bytes looked at",
                hint="copy or download the file again",
            )
        size = _data_size(content[at:end], name)
        if size > len(content) - end:
            raise ReadError(
                "the FITS file ends before its data do",
                value=f"{name}: HDU {number} promises {size} bytes, {len(content) - end} follow",
                hint="copy or download it again",
            )
        at = end + -(-size // _BLOCK) * _BLOCK
    raise ReadError("the FITS file has too many parts", value=name, allowed=f"{_MOST_HDUS} HDUs")


def _end_of_header(content: bytes, start: int) -> int:
    """Return where the data of the HDU at `start` begin, or -1."""
    limit = min(len(content), start + _MOST_HEADER)
    for at in range(start, limit, _BLOCK):
        block = content[at : at + _BLOCK]
        if any(block[i : i + 8] == b"END     " for i in range(0, len(block), 80)):
            return at + _BLOCK if at + _BLOCK <= len(content) else len(content)
    return -1


def _data_size(header: bytes, name: str) -> int:
    """Return the number of data bytes that a header promises."""
    cards = {header[i : i + 8]: header[i + 10 : i + 80] for i in range(0, len(header), 80)}

    def card(key: str, default: int) -> int:
        value = re.match(rb"\s*(-?\d+)", cards.get(key.encode().ljust(8), b""))
        return int(value[1][:20]) if value else default

    _require_standard(card("BITPIX", 8), card("TFIELDS", 0), name)
    axes = card("NAXIS", 0)
    if not 1 <= axes <= 999:
        return 0
    lengths = [max(0, card(f"NAXIS{i}", 0)) for i in range(1, axes + 1)]
    # Random groups have a first axis of no length.
    cells = 1
    for length in lengths[1:] if lengths[0] == 0 and "GROUPS" in str(header) else lengths:
        cells *= length
    groups, parameters = max(1, card("GCOUNT", 1)), max(0, card("PCOUNT", 0))
    return abs(card("BITPIX", 8)) // 8 * groups * (parameters + cells)


def _require_standard(bitpix: int, fields: int, name: str) -> None:
    """Refuse what no FITS file may say; parsers would believe it and make room for it."""
    if bitpix not in _BITPIX:
        raise ReadError(f"{name} has an impossible BITPIX", value=bitpix, allowed=str(_BITPIX))
    if not 0 <= fields <= _MOST_FIELDS:
        raise ReadError(f"{name} has an impossible TFIELDS", value=fields, allowed="0 to 999")


def _too_large(name: str, size: int, most: int) -> ReadError:
    return ReadError(
        "the file is too large to be read whole",
        value=f"{name}: {size} bytes",
        allowed=f"{most} bytes",
        hint="read a part of it: split the file, or select columns with another program",
    )
