"""Columns of every Arrow type with any values in them, and what they say to the bit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st


def bits(array: pa.Array | pa.ChunkedArray) -> Any:
    """Everything that a column says, to the bit.

    Floating-point numbers and instants are the integers that they are made of: Arrow's equality
    takes -0.0 for 0.0, and NaN for different from NaN.
    """
    if isinstance(array, pa.ChunkedArray):
        if not array.num_chunks:
            return []
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            return [value for chunk in array.chunks for value in bits(chunk)]
    kind, is_ = array.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return bits(array.storage)
    valid = array.is_valid().to_pylist()
    if is_.is_dictionary(kind):
        values: list[Any] = bits(array.dictionary)
        return [None if i is None else values[i] for i in array.indices.to_pylist()]
    if is_.is_struct(kind):
        children = [bits(child) for child in array.flatten()]
        rows = zip(*children, strict=True) if children else [()] * len(array)
        return [row if ok else None for row, ok in zip(rows, valid, strict=True)]
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        lists = [array.slice(number, 1) for number in range(len(array))]
        return [bits(one.flatten()) if ok else None for one, ok in zip(lists, valid, strict=True)]
    if is_.is_union(kind):
        return [str(value) for value in array]
    widths = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
    if is_.is_floating(kind) or (is_.is_temporal(kind) and not is_.is_interval(kind)):
        array = array.view(widths[kind.bit_width])
    return array.to_pylist()


def integers(kind: pa.DataType, width: int, *, signed: bool = True) -> st.SearchStrategy[pa.Array]:
    """Whole numbers of a width in bits, from end to end, and NULL."""
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    return columns(st.integers(low, high), kind)


def columns(values: st.SearchStrategy[Any], kind: pa.DataType) -> st.SearchStrategy[pa.Array]:
    """Up to 40 values of a strategy, and NULL, as a column of a type."""
    return st.lists(st.none() | values, max_size=40).map(lambda each: pa.array(each, kind))


def of_bits(kind: pa.DataType, width: int) -> st.SearchStrategy[pa.Array]:
    """A type made of any bits of its width: NaNs of every payload, instants beyond any calendar."""
    whole = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[width]
    return integers(whole, width).map(lambda array: array.view(kind))


def decimals(precision: int, scale: int, kind: Any) -> st.SearchStrategy[pa.Array]:
    """Decimals of up to so many digits, of either sign, and NULL."""
    digits = st.lists(st.integers(0, 9), min_size=1, max_size=precision)
    values = st.builds(lambda sign, each: Decimal((sign, each, -scale)), st.integers(0, 1), digits)
    return columns(values, kind(precision, scale))


texts = st.text(st.characters(codec="utf-8"), max_size=12)
FLAT: dict[str, st.SearchStrategy[pa.Array]] = {
    "bool": columns(st.booleans(), pa.bool_()),
    **{f"int{w}": integers(getattr(pa, f"int{w}")(), w) for w in (8, 16, 32, 64)},
    **{f"uint{w}": integers(getattr(pa, f"uint{w}")(), w, signed=False) for w in (8, 16, 32, 64)},
    "float16": of_bits(pa.float16(), 16),
    "float32": of_bits(pa.float32(), 32),
    "float64": of_bits(pa.float64(), 64),
    "date32": of_bits(pa.date32(), 32),
    "date64": of_bits(pa.date64(), 64),
    "time32": of_bits(pa.time32("s"), 32),
    "time64": of_bits(pa.time64("ns"), 64),
    "duration": of_bits(pa.duration("us"), 64),
    **{
        f"timestamp {unit} {zone}": of_bits(pa.timestamp(unit, zone), 64)
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "Europe/Berlin", "-05:00")
    },
    "decimal32": decimals(7, 3, pa.decimal32),
    "decimal64": decimals(17, 2, pa.decimal64),
    "decimal128": decimals(5, 2, pa.decimal128),
    "decimal128 wide": decimals(38, 10, pa.decimal128),
    "decimal256": decimals(76, 30, pa.decimal256),
    "string": columns(texts, pa.string()),
    "large_string": columns(texts, pa.large_string()),
    "binary": columns(st.binary(max_size=12), pa.binary()),
    "large_binary": columns(st.binary(max_size=12), pa.large_binary()),
    "fixed_size_binary": columns(st.binary(min_size=5, max_size=5), pa.binary(5)),
    "repeated string": columns(st.sampled_from(["", "a", "b\0c", "é"]), pa.string()),
}
doubles = st.floats(width=64, allow_nan=True)
OTHER: dict[str, st.SearchStrategy[pa.Array]] = {
    "null": st.integers(0, 5).map(pa.nulls),
    "string_view": columns(texts, pa.string_view()),
    "interval": columns(st.tuples(*[st.integers(-999, 999)] * 3), pa.month_day_nano_interval()),
    "list": columns(st.lists(st.none() | doubles, max_size=4), pa.list_(pa.float64())),
    "struct": columns(
        st.fixed_dictionaries({"x": st.none() | doubles, "y": st.none() | texts}),
        pa.struct([("x", pa.float64()), ("y", pa.string())]),
    ),
    "map": columns(
        st.dictionaries(texts, st.integers(0, 9), max_size=3).map(lambda d: list(d.items())),
        pa.map_(pa.string(), pa.int32()),
    ),
    "dictionary": columns(st.sampled_from(["x", "y", ""]), pa.string()).map(
        lambda array: array.dictionary_encode()
    ),
    "ordered dictionary": columns(st.sampled_from([3, 1, 2]), pa.int64()).map(
        lambda array: pa.DictionaryArray.from_arrays(
            array.dictionary_encode().indices.cast(pa.int8()),
            array.dictionary_encode().dictionary,
            ordered=True,
        )
    ),
}
