from tests.cases import all_cases

from .rendering import render_template


def test_a_count_is_short_and_never_more_than_the_truth() -> None:
    with all_cases() as case:
        for number, words in [
            (0, "0"),
            (None, "0"),
            (999, "999"),
            (1_000, "1K"),
            (1_234, "1.2K"),
            (1_999, "1.9K"),
            (12_345, "12K"),
            (999_999, "999K"),
            (1_000_000, "1M"),
            (3_450_000, "3.4M"),
            (2_000_000_000, "2B"),
            (-1_234, "-1.2K"),
            ("many", "many"),
        ]:
            with case((number, words)):
                assert render_template("{{ number|compact }}", number=number) == words
