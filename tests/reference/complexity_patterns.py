"""Readable NumPy twins of the kernels of the complexity room."""

from __future__ import annotations

from math import factorial

import numpy as np


def windows(x, n, delay):
    """Return all windows, shape (windows, n)."""
    x = np.asarray(x, dtype=float)
    last = x.size - delay * (n - 1)
    return np.array([[x[i + j * delay] for j in range(n)] for i in range(last)])


def lehmer_code(window, tolerance=0.0):
    """Return the Lehmer code: digit j counts the later samples that are smaller than sample j."""
    n = len(window)
    code = 0
    for j in range(n):
        smaller_later = sum(window[j] > window[k] + tolerance for k in range(j + 1, n))
        code += smaller_later * factorial(n - 1 - j)
    return code


def codes(x, n, delay, tolerance=0.0):
    """Return the code of every window."""
    return np.array([lehmer_code(w, tolerance) for w in windows(x, n, delay)])


def counts(x, n, delay):
    """Return how often each order (stable argsort) occurs, as a dict."""
    found = {}
    for w in windows(x, n, delay):
        order = tuple(np.argsort(w, kind="stable").tolist())
        found[order] = found.get(order, 0) + 1
    return found


def weights(x, n, delay):
    """Return the variance of every window."""
    return windows(x, n, delay).var(axis=1)


def entropy_and_complexity(frequencies, n_states):
    """Return (H, C) with every possible state written out."""
    p = np.zeros(n_states)
    p[: len(frequencies)] = frequencies
    uniform = np.full(n_states, 1 / n_states)

    def shannon(q):
        q = q[q > 0]
        return -np.sum(q * np.log(q))

    entropy = shannon(p) / np.log(n_states)
    divergence = shannon((p + uniform) / 2) - shannon(p) / 2 - shannon(uniform) / 2
    one = np.zeros(n_states)
    one[0] = 1
    largest = shannon((one + uniform) / 2) - shannon(uniform) / 2
    return entropy, divergence / largest * entropy


def transitions(nodes, usable, step, n_nodes):
    """Return how often node a is followed by node b, `step` windows later."""
    table = np.zeros((n_nodes, n_nodes), int)
    for i in range(len(nodes) - step):
        if usable[i] and usable[i + step]:
            table[nodes[i], nodes[i + step]] += 1
    return table
