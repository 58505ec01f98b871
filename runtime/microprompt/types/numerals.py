"""Regular expressions for the decimal numerals of a range."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ..abi import FLOAT_DIGITS, INT_DIGITS

_SCALE = 10**FLOAT_DIGITS


def int_regex(minimum: int | None, maximum: int | None) -> str:
    """Match exactly the integers from `minimum` to `maximum`; an open side ends after `INT_DIGITS` digits."""
    least, most = _closed(minimum, maximum)
    parts = []
    if least < 0:
        parts.append("-" + _naturals(max(1, -most), -least))
    if most >= 0:
        parts.append(_naturals(max(0, least), most))
    return _either(parts)


def float_regex(minimum: float | None, maximum: float | None) -> str:
    """Match exactly the numbers from `minimum` to `maximum` with at most `FLOAT_DIGITS` decimals."""
    return _signed(*_closed_scaled(minimum, maximum), FLOAT_DIGITS, _fraction)


def decimal_regex(minimum: Decimal | None, maximum: Decimal | None, places: int) -> str:
    """Match exactly the numbers from `minimum` to `maximum` with `places` decimals, of which there is one at
    least."""
    return _signed(*_closed_decimals(minimum, maximum, places), places, _all_decimals)


def _signed(least: int, most: int, places: int, fraction: Callable[[int, int, int], str]) -> str:
    """`least` to `most` in units of the last decimal."""
    parts = []
    if least < 0:
        parts.append("-" + _fixed_point(max(1, -most), -least, places, fraction))
    if most >= 0:
        parts.append(_fixed_point(max(0, least), most, places, fraction))
    return _either(parts)


def numeral_width(minimum: float | None, maximum: float | None, *, decimals: bool) -> int:
    """The most characters a numeral of the range can have."""
    if not decimals:
        return max(map(len, map(str, _closed(minimum, maximum))))  # type: ignore[arg-type]  # an int range
    return _width(*_closed_scaled(minimum, maximum), FLOAT_DIGITS)


def decimal_width(minimum: Decimal | None, maximum: Decimal | None, places: int) -> int:
    """The same for numerals with `places` decimals."""
    return _width(*_closed_decimals(minimum, maximum, places), places)


def _width(least: int, most: int, places: int) -> int:
    return max(len(str(abs(end) // 10**places)) + (end < 0) for end in (least, most)) + 1 + places


def _closed(minimum: int | None, maximum: int | None, scale: int = 1) -> tuple[int, int]:
    span = 10**INT_DIGITS * scale - 1
    if minimum is None:
        return (-span if maximum is None or maximum > -span else maximum - span), (
            span if maximum is None else maximum
        )
    return minimum, (max(span, minimum + span) if maximum is None else maximum)


def _closed_scaled(minimum: float | None, maximum: float | None) -> tuple[int, int]:
    """The ends of a range in units of the last decimal."""
    return _closed(
        None if minimum is None else _scaled(minimum, ROUND_CEILING),
        None if maximum is None else _scaled(maximum, ROUND_FLOOR),
        _SCALE,
    )


def _closed_decimals(minimum: Decimal | None, maximum: Decimal | None, places: int) -> tuple[int, int]:
    """The same for ends with that many decimals. Their text is exact, whatever a program has made of
    Python's decimal context."""
    least, most = (
        None if end is None else int(format(end, f".{places}f").replace(".", ""))
        for end in (minimum, maximum)
    )
    return _closed(least, most, 10**places)


def _scaled(number: float, rounding: str) -> int:
    return int((Decimal(repr(number)) * _SCALE).to_integral_value(rounding=rounding))


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + "|".join(parts) + ")"


def _naturals(least: int, most: int) -> str:
    """`least` to `most`, neither negative, without leading zeros."""
    parts = []
    whole: list[int] = []
    for length in range(len(str(least)), len(str(most)) + 1):
        first, last = (10 ** (length - 1) if length > 1 else 0), 10**length - 1
        low, high = max(least, first), min(most, last)
        if length > 1 and (low, high) == (first, last):
            whole.append(length - 1)
        else:
            parts.append(_same_length(str(low), str(high)))
    if whole:
        parts.append(f"[1-9][0-9]{{{whole[0]},{whole[-1]}}}")
    return _either(parts)


def _same_length(low: str, high: str) -> str:
    if low == high:
        return low
    rest = len(low) - 1
    if set(low) == {"0"} and set(high) == {"9"}:
        return f"[0-9]{{{rest + 1}}}"
    if low[0] == high[0]:
        return low[0] + _same_length(low[1:], high[1:])
    first, last, parts = int(low[0]), int(high[0]), []
    if rest and low[1:] != "0" * rest:
        parts.append(low[0] + _same_length(low[1:], "9" * rest))
        first += 1
    upper = []
    if rest and high[1:] != "9" * rest:
        upper.append(high[0] + _same_length("0" * rest, high[1:]))
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return _either(parts + upper)


def _fixed_point(least: int, most: int, places: int, fraction: Callable[[int, int, int], str]) -> str:
    """`least` to `most` in units of the last decimal, neither negative."""
    low_int, low_frac = divmod(least, 10**places)
    high_int, high_frac = divmod(most, 10**places)
    top = 10**places - 1
    if low_int == high_int:
        return str(low_int) + fraction(low_frac, high_frac, places)
    parts = [str(low_int) + fraction(low_frac, top, places)]
    if low_int + 1 < high_int:
        parts.append(_naturals(low_int + 1, high_int - 1) + fraction(0, top, places))
    parts.append(str(high_int) + fraction(0, high_frac, places))
    return _either(parts)


def _fraction(low: int, high: int, places: int) -> str:
    """A point and one to `places` digits, or nothing for zeros."""
    digits = _decimals(f"{low:0{places}}", f"{high:0{places}}")
    return rf"(\.{digits})?" if low == 0 else rf"\.{digits}"


def _all_decimals(low: int, high: int, places: int) -> str:
    """A point and `places` digits."""
    return rf"\.{_same_length(f'{low:0{places}}', f'{high:0{places}}')}"


def _decimals(low: str, high: str) -> str:
    """One to `len(low)` digits which, filled up with zeros, are from `low` to `high`."""
    rest = len(low) - 1
    if set(low) == {"0"} and set(high) == {"9"}:
        return f"[0-9]{{1,{rest + 1}}}"
    if not rest:
        return low if low == high else f"[{low}-{high}]"

    def more(lower: str, upper: str) -> str:
        # No further digit stands for zeros, which only the lower end being zero allows.
        return f"({_decimals(lower, upper)})" + ("?" if set(lower) == {"0"} else "")

    if low[0] == high[0]:
        return low[0] + more(low[1:], high[1:])
    parts = [low[0] + more(low[1:], "9" * rest)]
    if int(low[0]) + 1 < int(high[0]):
        parts.append(f"[{int(low[0]) + 1}-{int(high[0]) - 1}][0-9]{{0,{rest}}}")
    parts.append(high[0] + more("0" * rest, high[1:]))
    return "(" + "|".join(parts) + ")"
