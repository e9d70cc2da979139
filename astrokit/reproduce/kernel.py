"""The kernel in which notebooks run: this very Python, shut down afterwards."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["OwnKernelManager"]


class OwnKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """Start the running interpreter as kernel.

    A user may have installed a "python3" kernel that belongs to another environment; with no
    kernel folders to search, only the native kernel is left.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), **settings)
