"""A posterior for other packages: astropy tables and ArviZ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..boundary import attach_unit
from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from astropy.table import QTable

    from .posterior import Posterior

__all__ = ["to_arviz", "to_table"]


def to_table(posterior: Posterior) -> QTable:
    """Return the samples as an astropy table; see :meth:`Posterior.to_table`."""
    from astropy.table import QTable

    table = QTable()
    for parameter in posterior.parameters:
        table[parameter.name] = attach_unit(posterior.draws(parameter.name), parameter.unit)
    table["log_prob"] = posterior.log_prob
    table.meta["verdict"] = f"{posterior.verdict.word}: {posterior.verdict.sentence}"
    table.meta["data_checksum"] = posterior.data_checksum
    return table


def to_arviz(posterior: Posterior) -> Any:
    """Return ArviZ data with one chain per walker; see :meth:`Posterior.to_arviz`."""
    try:
        import arviz
    except ImportError as error:
        raise MissingDependencyError(
            "ArviZ is not installed", hint="install the extra: pip install 'astrokit[arviz]'"
        ) from error

    chain = posterior.chain()
    ensembles, rows, walkers, d = chain.shape
    flat = np.moveaxis(chain, 1, 2).reshape(ensembles * walkers, rows, d)
    draws = {name: flat[:, :, k] for k, name in enumerate(posterior.names)}
    if int(arviz.__version__.split(".")[0]) >= 1:  # the groups are one argument since ArviZ 1.0
        return arviz.from_dict({"posterior": draws})
    return arviz.from_dict(posterior=draws)
