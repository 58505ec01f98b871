"""Which calls of a loop are asked together, and which for all rounds before the first one."""

from __future__ import annotations

from .plans import assert_planned, planned


def test_what_every_round_asks_of_its_item_is_a_wave_over_the_list() -> None:
    assert_planned(
        """
        found: list[str] = []
        for each in texts:
            is_good = yes(each)
            if is_good:
                found.append(ask(each))
        return min(found)
        """,
        """
        found: list[str] = []
        wave 1 for each each
        | is_good = yes(each)
        for each in texts
          if is_good
            found.append(ask(each))
        return min(found)
        """,
    )


def test_several_calls_of_a_round_are_one_wave_over_the_list() -> None:
    assert_planned(
        """
        found: list[str] = []
        for each in texts:
            is_good = yes(two(each, text))
            kind = sort(each)
            if is_good and kind == order:
                found.append(each)
        return min(found)
        """,
        """
        found: list[str] = []
        wave 1 for each each
        | two(each, text)
        | kind = sort(each)
        wave 2 for each each
        | is_good = yes(two(each, text))
        for each in texts
          if is_good and kind == order
            found.append(each)
        return min(found)
        """,
    )


def test_a_loop_that_may_return_asks_round_by_round() -> None:
    assert_planned(
        """
        for each in texts:
            is_good = yes(each)
            kind = sort(each)
            if is_good and kind == order:
                return each
        return "x"
        """,
        """
        for each in texts
          wave 1
          | is_good = yes(each)
          | kind = sort(each)
          if is_good and kind == order
            return each
        return "x"
        """,
    )


def test_what_a_round_changes_is_asked_about_in_the_round() -> None:
    assert_planned(
        """
        so_far = ""
        for each in texts:
            so_far = two(so_far, each)
        return so_far
        """,
        """
        so_far = ""
        for each in texts
          so_far = two(so_far, each)
        return so_far
        """,
    )


def test_what_is_read_of_the_round_before_stays_what_it_was() -> None:
    assert_planned(
        """
        last = ""
        for each in texts:
            text_ = last + each
            last = ask(each)
            if text_ == "":
                last = "x"
        return last
        """,
        """
        last = ""
        for each in texts
          text_ = last + each
          last = ask(each)
          if text_ == ""
            last = "x"
        return last
        """,
    )


def test_what_a_call_reads_of_the_round_before_is_asked_in_the_round_beside_it() -> None:
    assert_planned(
        """
        last = ""
        found: list[str] = []
        for each in texts:
            now = ask(last)
            last = ask(each)
            found.append(now)
        return min(found)
        """,
        """
        last = ""
        found: list[str] = []
        for each in texts
          wave 1
          | now = ask(last)
          | last = ask(each)
          found.append(now)
        return min(found)
        """,
    )


def test_a_condition_of_every_round_is_asked_for_all() -> None:
    assert_planned(
        """
        found: list[str] = []
        for each in texts:
            if yes(each):
                found.append(each)
        return min(found)
        """,
        """
        found: list[str] = []
        wave 1 for each each
        | yes(each)
        for each in texts
          if yes(each)
            found.append(each)
        return min(found)
        """,
    )


def test_a_call_in_a_branch_of_a_round_is_asked_where_it_is_needed() -> None:
    assert "wave" not in planned(
        """
        found: list[str] = []
        for each in texts:
            if each == text:
                found.append(ask(each))
        return min(found)
        """
    )


def test_what_depends_on_a_name_that_a_round_assigns_again_is_asked_in_the_round() -> None:
    assert_planned(
        """
        found: list[str] = []
        for each in texts:
            good = ask(each)
            if good == text:
                good = "x"
            found.append(ask(good))
        return min(found)
        """,
        """
        found: list[str] = []
        wave 1 for each each
        | good = ask(each)
        for each in texts
          if good == text
            good = "x"
          found.append(ask(good))
        return min(found)
        """,
    )


def test_a_loop_in_a_loop_has_its_waves_inside() -> None:
    assert_planned(
        """
        found: list[str] = []
        for each in texts:
            for other in texts:
                found.append(two(each, other))
        return min(found)
        """,
        """
        found: list[str] = []
        for each in texts
          wave 1 for each other
          | two(each, other)
          for other in texts
            found.append(two(each, other))
        return min(found)
        """,
    )


def test_a_loop_over_an_answer_begins_when_that_is_there() -> None:
    assert_planned(
        """
        found: list[str] = []
        a = ask(text)
        for each in [ask("x"), a]:
            found.append(ask(each))
        return min(found)
        """,
        """
        found: list[str] = []
        wave 1
        | a = ask(text)
        | ask("x")
        wave 2 for each each
        | ask(each)
        for each in [ask("x"), a]
          found.append(ask(each))
        return min(found)
        """,
    )
