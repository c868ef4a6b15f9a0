"""What is kept for who asks again: as much as there is room for, the oldest forgotten first."""

from findata_assets.steps.kept import Kept


def asked(kept: Kept[str], key: str) -> bool:
    """Ask for a value as long as its text; tell whether it had to be made."""
    made: list[str] = []

    def make() -> str:
        made.append(key)
        return key

    assert kept.get(key, make, len) == key
    return bool(made)


def test_what_is_asked_for_again_is_not_made_again() -> None:
    kept: Kept[str] = Kept(10)
    assert [asked(kept, "abc"), asked(kept, "abc")] == [True, False]


def test_what_was_asked_for_longest_ago_goes_when_room_is_short() -> None:
    kept: Kept[str] = Kept(6)
    assert [asked(kept, key) for key in ("abc", "def", "abc", "ghi")] == [True, True, False, True]
    assert [asked(kept, "abc"), asked(kept, "def")] == [False, True]


def test_what_is_larger_than_all_the_room_drives_nothing_out() -> None:
    kept: Kept[str] = Kept(4)
    assert [asked(kept, key) for key in ("abc", "too long", "abc", "too long")] == [True, True, False, True]


def test_nothing_is_left_of_what_was_forgotten() -> None:
    kept: Kept[str] = Kept(10)
    asked(kept, "abc")
    kept.forget()
    assert asked(kept, "abc")
