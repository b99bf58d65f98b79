"""Arrow's values as Python's, also where Python has none: a date beyond the year 9999, a zone that nobody knows."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def python_cells(column: "pa.Array | pa.ChunkedArray") -> list[Any]:
    """The cells; text for those that Python cannot hold, bytes for those that are declared as text but are none."""
    try:
        return list(column.to_pylist())
    except Exception:  # noqa: BLE001 - every type raises what it likes (overflow, unknown zones, bytes that are no text)
        return [_cell(scalar) for scalar in column]


def _cell(scalar: "pa.Scalar") -> object:
    import pyarrow as pa

    try:
        return scalar.as_py()
    except Exception:  # noqa: BLE001 - as above
        if isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar | pa.RunEndEncodedScalar):
            return _cell(scalar.value)
        declared_as_text = scalar.type in (pa.string(), pa.large_string(), pa.string_view())
        for kind in (pa.large_binary(),) if declared_as_text else (pa.string(), pa.int64()):
            try:
                return _plain(scalar.cast(kind).as_py())
            except Exception:  # noqa: BLE001, S112 - the next form may do
                continue
    unknown = f"({scalar.type})"
    return [unknown] if pa.types.is_nested(scalar.type) else unknown  # what was no text does not become one


def _plain(value: object) -> object:
    return str(value) if isinstance(value, int) else value
