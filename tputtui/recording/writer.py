"""Writer of a run file: a thread with a bounded queue, so that a hanging disk blocks nothing else.

Written data is in the kernel at once (kill -9 loses what is still queued: a tick or two) and on the
disk within two seconds (power loss). A disk that does not keep up costs whole readings, which are
counted; one that is full, or fails, ends the recording after the last complete reading.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from tputtui.descriptors import reason as reason_of
from tputtui.frozen import frozen
from tputtui.recording.container import MemberWriter
from tputtui.text import clean

QUEUE_BYTES: Final = 8 * 1024 * 1024
SYNC_S: Final = 2.0
CLOSE_S: Final = 4.0


class CannotRecordError(Exception):
    """The file cannot be written. The message is one sentence with its name, cleaned."""


@frozen
class MemberStart:
    """Start of a member that begins with a chunk."""

    run: bytes
    number: int
    since_s: float
    time: float


class RunWriter:
    """Writer that appends chunks to a new file of mode 0600.

    `offer` does not block; everything but `close` may be used from any thread.
    """

    def __init__(self, path: Path, *, force: bool = False, block_when_full: bool = False) -> None:
        """Create the file.

        `block_when_full`: wait while the queue is full instead of dropping chunks. Raises
        CannotRecordError, also where another recorder holds the file.
        """
        self.path = path
        self._block_when_full = block_when_full
        self.problem: str | None = None  # reason why writing has stopped
        self.written_bytes = 0  # bytes in the file
        self.written_at: float | None = None  # `at` of the newest reading in it
        self._descriptor = _create_file(path, force)
        status = os.fstat(self._descriptor)
        self._file_id = (status.st_dev, status.st_ino)
        self._member: MemberWriter | None = None
        self._queue: deque[tuple[MemberStart | None, bytes, float | None]] = deque()
        self._queued_bytes = 0
        self._is_closing = False
        self._has_unsynced_data = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def offer(
        self, chunk: bytes, member: MemberStart | None = None, at: float | None = None
    ) -> bool:
        """Queue a chunk. `member`: a member begins with it; `at`: time of its reading.

        False: the queue is full, or the file is finished.
        """
        with self._condition:
            while (
                self._block_when_full
                and self._queued_bytes > QUEUE_BYTES // 2
                and self.problem is None
            ):
                self._condition.wait(SYNC_S)
            full = self._queue and self._queued_bytes + len(chunk) > QUEUE_BYTES
            if full or self._is_closing or self.problem is not None:
                return False
            self._queue.append((member, chunk, at))
            self._queued_bytes += len(chunk)
            self._condition.notify()
            return True

    def close(self) -> bool:
        """Write the queue, end the file, sync it, and wait for that (bounded).

        False where that failed.
        """
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self.problem = self.problem or f"{clean(str(self.path), 200)}: the disk does not answer"
        return self.problem is None

    def discard(self) -> None:
        """Remove the file if it is still the one created here. For a closed file without
        content.
        """
        with contextlib.suppress(OSError):
            status = os.lstat(self.path)
            if (status.st_dev, status.st_ino) == self._file_id and not status.st_size:
                os.unlink(self.path)

    # ----------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        synced = time.monotonic()
        try:
            while True:
                with self._condition:
                    if not self._queue and not self._is_closing:
                        left = SYNC_S - (time.monotonic() - synced)
                        self._condition.wait(max(0.01, left) if self._has_unsynced_data else SYNC_S)
                    todo, done = list(self._queue), self._is_closing
                for begin, chunk, at in todo:
                    self._write(begin, chunk)
                    self.written_at = at if at is not None else self.written_at
                    with self._condition:
                        self._queue.popleft()
                        self._queued_bytes -= len(chunk)
                        self._condition.notify()
                if done and not self._queue:
                    break
                if time.monotonic() - synced >= SYNC_S:
                    self._sync()
                    synced = time.monotonic()
            if self._member is not None:
                self._append(self._member.finish())
            self._sync()
        except OSError as error:
            self._fail(error)
        finally:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)

    def _write(self, member: MemberStart | None, chunk: bytes) -> None:
        if member is not None:
            if self._member is not None:
                self._append(self._member.finish())
            self._member = MemberWriter(member.run, member.number, member.since_s, member.time)
        if self._member is not None:
            self._append(self._member.compress(chunk))

    def _append(self, content: bytes) -> None:
        """Append all of it, or raise OSError with the file's end restored."""
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.written_bytes)
            raise
        self.written_bytes += len(content)
        self._has_unsynced_data = True

    def _sync(self) -> None:
        status = os.fstat(self._descriptor)
        if status.st_nlink == 0:
            raise OSError(errno.ENOENT, "the file was deleted")
        if status.st_size < self.written_bytes:
            raise OSError(errno.EIO, "another program has truncated the file")
        if self._has_unsynced_data:
            os.fsync(self._descriptor)
            self._has_unsynced_data = False

    def _fail(self, error: OSError) -> None:
        if error.errno == errno.ENOSPC:
            reason = "the disk is full"
        elif error.errno == errno.EDQUOT:
            reason = "the disk quota is used up"
        else:
            reason = reason_of(error)
        with self._condition:
            self.problem = f"{clean(str(self.path), 200)}: {reason}"
            self._queue.clear()
            self._queued_bytes = 0
            self._condition.notify()


# ----------------------------------------------------------------------------------------- creating


def _create_file(path: Path, force: bool) -> int:
    shown = clean(str(path), 200)
    try:
        if force:
            _remove_existing(path, shown)
        # O_EXCL: follow no link and overwrite nothing that appeared in the meantime.
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except FileExistsError:
        holder = _find_recorder(path)
        if holder:
            raise CannotRecordError(f"{shown} is being recorded by {holder}") from None
        raise CannotRecordError(f"{shown} exists: name another file, or say --force") from None
    except (OSError, ValueError) as error:
        raise CannotRecordError(f"{shown}: {_describe_error(error)}") from None
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _remove_existing(path: Path, display_path: str) -> None:
    """Remove the file to overwrite: a plain file that is not being recorded."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise CannotRecordError(f"{display_path} is not a plain file: it is not overwritten")
    holder = _find_recorder(path)
    if holder:
        raise CannotRecordError(f"{display_path} is being recorded by {holder}")
    os.unlink(path)


def _find_recorder(path: Path) -> str:
    """Find the recorder of a file; "" where there is none."""
    try:
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        )
    except (OSError, ValueError):
        return ""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return ""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _find_lock_owner(status) or "another process"
        return ""
    finally:
        os.close(descriptor)


def _find_lock_owner(status: os.stat_result) -> str:
    """Find the process that holds the lock, by /proc/locks: "1: FLOCK ADVISORY WRITE 4711
    fe:01:1234 0 EOF".
    """
    file_id = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            for line in file:
                fields = line.split()
                if len(fields) > 5 and fields[1] == "FLOCK" and fields[5] == file_id:
                    return f"process {fields[4]}"
    except OSError:
        return ""
    return ""


def _describe_error(error: OSError | ValueError) -> str:
    return reason_of(error) if isinstance(error, OSError) else "that is no path"
