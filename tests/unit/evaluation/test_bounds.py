"""What the answers to rows measure, against what it must be."""

from __future__ import annotations

import pytest

from microprompt.errors import ArgumentError
from microprompt.evaluation import bounds
from microprompt.evaluation.bounds import judge
from microprompt.evaluation.figures import Figures
from mpc.sema import rows_files

from .programs import Act, classify, title
from .test_run import evaluated


def of_a_choice() -> Figures:
    script = {"a": Act.question, "b": Act.question, "c": Act.command}
    rows = (("a", Act.question), ("b", Act.command), ("c", Act.command))
    return evaluated(classify, script, *rows).figures


def test_each_measure_is_held_to_its_own_bound() -> None:
    accuracy, macro_f1 = judge(of_a_choice(), (("accuracy", 0.6), ("macro_f1", 0.7)))
    assert (accuracy.holds, macro_f1.holds) == (True, False)
    assert accuracy.found == pytest.approx(2 / 3)
    assert accuracy.interval is not None
    assert macro_f1.interval is None


def test_without_bounds_all_must_be_right() -> None:
    (accuracy,) = judge(of_a_choice(), ())
    assert (accuracy.measure, accuracy.least, accuracy.holds) == ("accuracy", 1.0, False)


def test_texts_have_a_similarity_and_choices_have_none() -> None:
    figures = evaluated(title, {"a": "A day"}, ("a", "A bay")).figures
    (similarity,) = judge(figures, (("similarity", 0.8),))
    assert similarity.holds
    with pytest.raises(ArgumentError, match="no similarity"):
        judge(of_a_choice(), (("similarity", 0.5),))


def test_a_mean_of_equal_numbers_reaches_them() -> None:
    (found,) = judge(of_a_choice(), (("accuracy", 2 / 3 + 1e-12),))
    assert found.holds


def test_every_measure_that_a_program_may_name_is_found() -> None:
    assert rows_files._FITS.keys() == bounds._FOUND.keys()
