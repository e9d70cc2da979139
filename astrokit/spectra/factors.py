"""A folding matrix in factors: scales of its rows, the redistribution, scales of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .folding import Fold

if TYPE_CHECKING:
    from .groups import Groups
    from .response import Response

__all__ = ["FoldingFactors"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FoldingFactors:
    """From photons per cm2 and second to counts of groups: a product of three.

    Kept apart, the numbers of the matrix stay those of its file.

    Attributes
    ----------
    rows : ndarray, shape (g,)
        Exposure times AREASCAL of each group.
    matrix : scipy.sparse array, shape (g, n_energies)
        The redistribution, summed over the channels of each group.
    columns : ndarray, shape (n_energies,)
        Effective area, cm2; ones where the matrix holds it.
    response : Response
        Whose energies the columns are.
    """

    rows: FloatArray
    matrix: Any
    columns: FloatArray
    response: Response

    @classmethod
    def of(
        cls, response: Response, rows: IntArray, scale: FloatArray, groups: Groups
    ) -> FoldingFactors:
        """Return the factors for channels at `rows` of a response, each times its `scale`."""
        from scipy.sparse import csr_array, diags_array

        matrix, factor = response.rmf.matrix[rows], scale[groups.rows[groups.starts]]
        if np.any(groups.min(scale) != groups.max(scale)):  # channels of a group differ in weight
            matrix, factor = diags_array(scale) @ matrix, np.ones(len(groups))
        area = np.ones(response.n_energies) if response.arf is None else response.arf.area
        return cls(factor, csr_array(groups.matrix(scale.size) @ matrix), area, response)

    def product(self) -> Any:
        """Return the sparse matrix ``(g, n_energies)``."""
        from scipy.sparse import csr_array, diags_array

        return csr_array(diags_array(self.rows) @ self.matrix @ diags_array(self.columns))

    def fold(self) -> tuple[Fold, IntArray]:
        """Return the same for fast products, of the energies that reach any group, and these."""
        matrix = self.matrix.tocsc()
        used = np.flatnonzero((np.diff(matrix.indptr) > 0) & (self.columns != 0))
        return Fold(matrix[:, used], rows=self.rows, columns=self.columns[used]), used
