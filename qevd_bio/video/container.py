"""Opening a video file, with one clear reason for each way in which it can be unusable."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from qevd_bio.store.errors import ItemError

# Containers that hold video themselves. Playlists and the like are left out: they name other files.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,ogg,h264,hevc,mxf,ivf"


def open_container(path: Path) -> tuple[Any, Any]:
    """The PyAV container and its main video stream; the caller closes the container.

    Raises ItemError: video_missing, video_is_folder, unreadable, video_empty, video_unreadable, no_video_stream,
    unknown_codec.
    """
    import av

    logging.getLogger("libav").setLevel(logging.CRITICAL)
    try:
        status = path.stat()
        path.open("rb").close()
    except IsADirectoryError:
        raise ItemError("video_is_folder", f"{path} is a folder, expected a video file") from None
    except (FileNotFoundError, NotADirectoryError):
        raise ItemError("video_missing", f"no such file: {path}") from None
    except OSError as error:
        raise ItemError("unreadable", f"{path} cannot be read: {error.strerror or error}") from error
    if status.st_size == 0:
        raise ItemError("video_empty", f"{path} has no content (0 bytes)")
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path.resolve()}", options=options)
    except MemoryError as error:
        raise ItemError(
            "out_of_memory",
            f"{path} asks for more memory than is free: try fewer --jobs; a damaged file may ask so too",
        ) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise ItemError(
            "video_unreadable",
            f"{path} cannot be opened as a video ({_reason(error)}): not a video, or damaged, or cut off",
        ) from error
    stream: Any = container.streams.best("video")
    if stream is None:
        container.close()
        raise ItemError("no_video_stream", f"{path} has no video stream")
    if stream.codec_context is None:
        container.close()
        raise ItemError("unknown_codec", f"{path} holds video of a kind that cannot be decoded here")
    return container, stream


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0][:120]
