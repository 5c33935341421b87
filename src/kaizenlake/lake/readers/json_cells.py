"""Cells of text as JSON: Polars expressions that turn a cell into the value it stands for.

Each gives the value as JSON text; null where the cell is; and a cell that is not what it should be as the JSON string of
its own text, so that the check of events refuses it by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import get_args

import polars as pl

from kaizenlake.vocabulary import Weekday

_INTEGER = r"^[+-]?\d+$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_NOT_FINITE = r"^[+-]?(?i:nan|inf|infinity)$"
_NOT_FINITE_JSON = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity"}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")

_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%dT%H:%M%#z")
_LOCAL = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
_INSTANT = pl.Datetime("us", "UTC")


def text(cell: pl.Expr) -> pl.Expr:
    """Return a JSON string."""
    encoded = pl.struct(cell.alias("_")).struct.json_encode()
    return pl.when(cell.is_not_null()).then(encoded.str.slice(len('{"_":')).str.strip_suffix("}"))


def number(cell: pl.Expr, *, whole: bool, factor: float = 1.0, divisor: float = 1.0) -> pl.Expr:
    """Return a JSON number: the cell times `factor` over `divisor`; `whole` ones are written without decimals.

    Digits are kept as they are where nothing is converted.
    """
    converts = factor != 1.0 or divisor != 1.0
    value = cell.cast(pl.Float64, strict=False)
    if converts:
        # Fifteen figures are what a float surely holds: 65979 ms are 65.979 s, not a hair more.
        value = (value * factor / divisor).round_sig_figs(15)
    integer = value.cast(pl.Int64, strict=False)
    is_whole = (value == value.round(0)) & (value.abs() < 2**53)
    as_float = value.cast(pl.String)
    converted = pl.when(is_whole).then(integer.cast(pl.String)).otherwise(as_float) if whole else as_float
    exact = cell.cast(pl.Int64, strict=False).cast(pl.String)
    return (
        pl.when(cell.is_null())
        .then(None)
        .when(cell.str.contains(_INTEGER) & exact.is_not_null() & pl.lit(not converts))
        .then(exact)
        .when(cell.str.contains(_NUMBER) & value.is_finite())
        .then(converted)
        .when(cell.str.contains(_NOT_FINITE))
        .then(cell.str.to_lowercase().str.strip_chars_start("+-").replace(_NOT_FINITE_JSON))
        .otherwise(text(cell))
    )


def boolean(cell: pl.Expr) -> pl.Expr:
    """Return a JSON true or false."""
    lower = cell.str.to_lowercase()
    return (
        pl.when(cell.is_null())
        .then(None)
        .when(lower.is_in(_TRUE))
        .then(pl.lit("true"))
        .when(lower.is_in(_FALSE))
        .then(pl.lit("false"))
        .otherwise(text(cell))
    )


def list_words(cell: pl.Expr, separator: str) -> pl.Expr:
    """Return a JSON list of the texts between separators."""
    each = pl.element().str.strip_chars()
    return as_json_list(cell.str.split(separator).list.eval(each.filter(each != "")))


def as_json_list(values: pl.Expr) -> pl.Expr:
    """Return a list column as a JSON list."""
    encoded = pl.struct(values.alias("_")).struct.json_encode()
    return pl.when(values.is_not_null()).then(encoded.str.slice(len('{"_":')).str.strip_suffix("}"))


def member(name: str, value: pl.Expr) -> pl.Expr:
    """Return a member of a JSON object with a comma behind it; nothing where the value is null."""
    return pl.when(value.is_not_null()).then(pl.lit(f'"{name}":') + value + pl.lit(",")).otherwise(pl.lit(""))


def instant(cell: pl.Expr, form: str | Sequence[str], zone: str | None) -> pl.Expr:
    """Return a JSON time in UTC, read by a form, or by the first of several that fits; see `mapping.Moment`.

    Where a clock was set back and a time comes twice, the first is meant; one that never was is refused. A date alone is the
    first instant of that day which has the same date in UTC.
    """
    found = [_moment(cell, each, zone) for each in ([form] if isinstance(form, str) else form)]
    told = [each for each in found if each is not None]
    return _compute_utc(pl.coalesce(told), cell) if told else text(cell)


def weekday_and_hour(cell: pl.Expr, form: str | Sequence[str], zone: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the weekday and the hour of a time in its zone, as JSON; no hour where the cell is a date alone."""
    found = [_moment(cell, each, zone) for each in ([form] if isinstance(form, str) else form)]
    local = pl.coalesce([each for each in found if each is not None]).dt.convert_time_zone(zone)
    days = {place: f'"{name}"' for place, name in enumerate(get_args(Weekday), 1)}
    weekday = local.dt.weekday().cast(pl.Int64).replace_strict(days, return_dtype=pl.String, default=None)
    return weekday, pl.when(cell.str.contains(r"\d:\d")).then(local.dt.hour().cast(pl.String))


def _moment(cell: pl.Expr, form: str, zone: str | None) -> pl.Expr | None:
    """Return an instant that is read by a form; None where it would lack a zone."""
    if form in EPOCHS:
        return _since_epoch(cell, EPOCHS[form])
    if form == "iso":
        return _compute_iso(cell, zone)
    if "%z" in form or "%#z" in form or "%:z" in form:
        return cell.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    if zone is None:
        return None
    has_time = any(mark in form for mark in ("%H", "%I", "%T", "%R", "%X", "%c", "%k", "%l"))
    made = (
        _in_zone(cell.str.to_datetime(form, time_unit="us", strict=False), zone)
        if has_time
        else _compute_day(cell.str.to_date(form, strict=False), zone)
    )
    if form.startswith("%Y-%d"):
        return made
    # A cell that the file holds as a date or time is spelled like this, whatever the mapping says of texts.
    typed = _in_zone(cell.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False), zone)
    return pl.coalesce(made, typed, _compute_day(cell.str.to_date("%Y-%m-%d", strict=False), zone))


def _compute_iso(cell: pl.Expr, zone: str | None) -> pl.Expr:
    # One letter for zero hours from Greenwich, which patterns do not know.
    spelled = cell.str.replace("[Zz]$", "+00:00")
    zoned = [spelled.str.to_datetime(each, time_unit="us", time_zone="UTC", strict=False) for each in _ZONED]
    if zone is None:
        return pl.coalesce(zoned)
    local = [_in_zone(cell.str.to_datetime(each, time_unit="us", strict=False), zone) for each in _LOCAL]
    return pl.coalesce(*zoned, *local, _compute_day(cell.str.to_date("%Y-%m-%d", strict=False), zone))


EPOCHS = {"epoch_seconds": 10**6, "epoch_milliseconds": 10**3, "epoch_microseconds": 1, "epoch_nanoseconds": -(10**3)}
"""Microseconds in each unit, or units in a microsecond with a minus."""


def _since_epoch(cell: pl.Expr, scale: int) -> pl.Expr:
    """Return an instant by the time since 1970; digits beyond what a float holds are kept."""
    whole = cell.cast(pl.Int64, strict=False)
    exact = whole // -scale if scale < 0 else whole * scale
    number = cell.cast(pl.Float64, strict=False)
    rounded = (number / -scale if scale < 0 else number * scale).round(0).cast(pl.Int64, strict=False)
    most = (2**63 - 1) // max(scale, 1)
    return pl.when(whole.is_between(-most, most)).then(exact).otherwise(rounded).cast(_INSTANT)


def iso_week(cell: pl.Expr, zone: str) -> pl.Expr:
    """Return a JSON time: the Monday of an ISO year and week such as 201425, at midnight."""
    monday = (cell.str.replace(r"^(\d{4})-?W?(\d{2})$", "${1}${2}") + "1").str.to_date("%G%V%u", strict=False)
    return _compute_utc(_in_zone(monday.cast(pl.Datetime("us")), zone), cell)


def first_weekday_of_month(
    year: int, month: pl.Expr, weekday: pl.Expr, hour: pl.Expr | None, *, day_one: Weekday, zone: str
) -> pl.Expr:
    """Return a JSON time: the first day of a month that falls on a weekday, at an hour.

    Args:
        month: Cell with the month, 1 to 12.
        weekday: Cell with the weekday, 1 to 7.
        hour: Cell with the hour, 0 to 23; midnight where None.
        day_one: Weekday that is 1.
        zone: Zone of the hour.
    """
    given = [month, weekday, *([] if hour is None else [hour])]
    spelled = pl.concat_str(
        *(
            pl.lit(f"{name} ") + item.fill_null("?")
            for name, item in zip(("month", "weekday", "hour"), given, strict=False)
        ),
        separator=", ",
    )
    of_year, of_week = (item.cast(pl.Int64, strict=False) for item in (month, weekday))
    of_day = pl.lit(0) if hour is None else hour.cast(pl.Int64, strict=False)
    fits = of_year.is_between(1, 12) & of_week.is_between(1, 7) & of_day.is_between(0, 23)
    first = pl.date(year, pl.when(fits).then(of_year).otherwise(1), 1)
    iso_day = (of_week - 1 + get_args(Weekday).index(day_one)) % 7 + 1
    ahead = (iso_day - first.dt.weekday().cast(pl.Int64)) % 7
    made = first.cast(pl.Datetime("us")) + pl.duration(days=ahead, hours=of_day)
    return _compute_utc(_in_zone(pl.when(fits).then(made), zone), spelled)


def _in_zone(local: pl.Expr, zone: str) -> pl.Expr:
    """Return instants of local times; a midnight that the clock skipped is the first instant of its day."""

    def at(time: pl.Expr) -> pl.Expr:
        return time.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")

    is_midnight = local == local.dt.truncate("1d")
    skipped = [at(local + pl.duration(minutes=minutes)) for minutes in (30, 60)]
    return pl.coalesce(at(local), pl.when(is_midnight).then(pl.coalesce(skipped)))


def _compute_day(day: pl.Expr, zone: str) -> pl.Expr:
    """Return the first instant of a local day that has the same date in UTC, so that the day stays that day."""
    midnight = day.cast(pl.Datetime("us"))
    here = _in_zone(midnight, zone)
    return pl.when(here.is_not_null()).then(pl.max_horizontal(here, midnight.dt.replace_time_zone("UTC")))


def on_local_day(time: pl.Expr, zone: str) -> pl.Expr:
    """Return a JSON time in UTC that has the date which it has in a zone; one whose dates agree stays as it is.

    What comes before that day in UTC is put into its first second, what comes after it into its last, in the order of the
    clock there; so midnight there is midnight in UTC, as it is for a date alone.
    """
    instant = time.str.to_datetime(_SPELLED, time_unit="us", time_zone="UTC", strict=False)
    clock = instant.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    day = clock.dt.truncate("1d")
    since = pl.duration(microseconds=(clock - day).dt.total_microseconds() // _DAY_SECONDS)
    first = day.dt.replace_time_zone("UTC") + since
    here = instant.dt.date()
    moved = pl.when(here < day.dt.date()).then(first).otherwise(first + pl.duration(seconds=_DAY_SECONDS - 1))
    return pl.when(here != day.dt.date()).then(moved.dt.strftime(_SPELLED)).otherwise(time)


_SPELLED = '"%Y-%m-%dT%H:%M:%S%.6fZ"'
_DAY_SECONDS = 86_400


def _compute_utc(moment: pl.Expr, cell: pl.Expr) -> pl.Expr:
    spelled = moment.dt.strftime(_SPELLED)
    return pl.when(cell.is_null()).then(None).when(moment.is_not_null()).then(spelled).otherwise(text(cell))


def digests(frame: pl.DataFrame, columns: Sequence[str], salt: str) -> list[str | None]:
    """Return a stable name for the content of some columns; null where all of them are.

    Polars has no hash that stays the same from version to version, so the rows are hashed one by one.
    """
    if not frame.height:
        return []
    said = frame.select(
        pl.when(pl.any_horizontal(pl.col(columns).is_not_null())).then(pl.struct(columns).struct.json_encode())
    ).to_series()
    prefix = salt.encode()
    return [None if item is None else sha256(prefix + item.encode()).hexdigest()[:32] for item in said]
