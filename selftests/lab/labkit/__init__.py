# SPDX-License-Identifier: GPL-2.0-only
"""What selftests/lab/run is made of: one concern a file."""

import os

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
LAB = os.path.join(TOP, "selftests/lab")
BUILD = os.environ.get("LAB_BUILD", os.path.join(TOP, "build"))


class LabError(Exception):
    """The lab cannot do what it was asked; the text says what to do."""
