"""One error class, with what identifies an error as values."""

from __future__ import annotations

import pickle

import mad


def test_an_error_has_code_and_category() -> None:
    error = mad.Error("no such file", 2, "system")
    assert (str(error), error.code, error.category) == ("no such file", 2, "system")


def test_an_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(mad.Error("late", 110, "mad.engine")))
    assert (str(error), error.code, error.category) == ("late", 110, "mad.engine")
