"""Bodies as they come over the wire, unpacked within bounds."""

from __future__ import annotations

import io
import zlib
from typing import Final

import zstandard

from .problems import Problem, Refused, too_large

_WINDOW_BYTES: Final = 8 << 20
"""What a zstd decoder may keep of what it has unpacked: what all of them have to support (RFC 8878)."""


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """A body as it was before it was packed. No more than `most` bytes are ever unpacked.

    Raises `Refused` for what is larger or damaged, and for an encoding that is not known.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "zstd":
            return _from_zstd(body, most)
        case "gzip":
            return _from_gzip(body, most)
        case other:
            raise Refused(
                Problem(
                    status=415,
                    kind="unknown-encoding",
                    title="Unknown encoding",
                    detail=f"the body's encoding is {other!r}",
                    help="send it as it is, or packed by zstd or gzip",
                    headers={"Accept-Encoding": "zstd, gzip"},
                )
            )


def _from_zstd(body: bytes, most: int) -> bytes:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    try:
        # The reader unpacks no more than it is asked for, but does not tell whether the frame ends; what its
        # header says of its size need not be true.
        with unpacker.stream_reader(io.BytesIO(body)) as reader:
            if len(reader.read(most + 1)) > most:
                raise Refused(too_large(most))
        frame = unpacker.decompressobj()
        found = frame.decompress(body)
    except zstandard.ZstdError:
        raise _damaged("zstd") from None
    if not frame.eof or frame.unused_data:
        raise _damaged("zstd")
    return found


def _from_gzip(body: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise _damaged("gzip") from None
    if len(found) > most:
        raise Refused(too_large(most))
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged("gzip")
    return found


def _damaged(encoding: str) -> Refused:
    return Refused(
        Problem(
            status=400,
            kind="damaged-body",
            title="Damaged body",
            detail=f"the body is not what {encoding} makes, or lacks its end",
        )
    )
