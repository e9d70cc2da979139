"""Folding, against an independent reader and dense sums."""

from __future__ import annotations

import numpy as np
import pytest

from astrokit.spectra import read_arf, read_response, read_rmf
from tests.reference.spectra_folding import dense_matrix, fold

FILES = {
    "spectra/3c273_chandra/3c273.rmf": ("spectra/3c273_chandra/3c273.arf", 1),
    "spectra/pks1127_chandra/q1127_src1.wrmf": ("spectra/pks1127_chandra/q1127_src1.warf", 1),
    "spectra/joint_crab/fact/rmf_stacked.fits": ("spectra/joint_crab/fact/arf_stacked.fits", 1),
    "spectra/gbm_bn090217206/bn090217206_n6_weightedrsp.rsp": (None, 2),
    "spectra/rosat_pspc/pspcc_gain1_256.rsp": (None, 1),
}


@pytest.mark.parametrize("name", FILES)
def test_real_responses_fold_as_dense_sums(name, real_data):
    arf, extension = FILES[name]
    response = read_response(real_data(name), None if arf is None else real_data(arf))
    area = np.ones(response.n_energies) if arf is None else read_arf(real_data(arf)).area
    matrix = dense_matrix(real_data(name), extension, response.n_channels)
    block = np.random.default_rng(1).uniform(0, 1, (3, response.n_energies))
    slow = np.array([fold(photons, area, matrix) for photons in block])
    scale = np.abs(slow).max()
    np.testing.assert_allclose(response.fold(block), slow, rtol=1e-12, atol=1e-14 * scale)


def test_a_response_that_begins_at_zero(real_data):
    path = real_data("spectra/swift_xrt_target/swxpc0to12s6_20130101v014.rmf.gz")
    rmf = read_rmf(path)
    np.testing.assert_array_equal(rmf.matrix[:, [100]].toarray().ravel(), column(path, 100))


def column(path, k):
    from astropy.io import fits

    with fits.open(path, memmap=False) as hdus:
        return np.asarray(hdus["MATRIX"].data["MATRIX"][k], dtype=float)
