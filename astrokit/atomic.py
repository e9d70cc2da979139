"""Files that appear whole or not at all: a full disk or a kill leaves the old one as it was."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import WriteError

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of a temporary file that takes the place of `path` once it is written.

    Raises
    ------
    WriteError
        When the disk is full, the folder may not be written to, or the like; nothing is left.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astrokit.atomic import written_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(pathlib.Path(folder) / "a.txt") as temporary:
    ...         size = temporary.write_text("whole")
    ...     (pathlib.Path(folder) / "a.txt").read_text()
    'whole'
    """
    target = Path(path)
    # Its name ends as that of the target: writers choose format and compression by it.
    temporary = target.with_name(f".{secrets.token_hex(6)}-{target.name}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(
            "the file cannot be written",
            value=f"{target.name}: {error.strerror or error}",
            hint="choose a folder that you may write to and that has room",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
