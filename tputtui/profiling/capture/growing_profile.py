"""Profile that grows slice by slice while a capture runs."""

from __future__ import annotations

from dataclasses import replace

from tputtui.profiling.analysis import own_code
from tputtui.profiling.capture.downsample import StackDownsampler
from tputtui.profiling.capture.slice_capture import CapturedSlice
from tputtui.profiling.profile_model import FrameTable, Profile, ProfileMetadata

_FELL_BEHIND = "py-spy fell behind: fewer samples than asked for, a lower rate costs less"


class GrowingProfile:
    """Profile of the slices so far, kept within the limits of `StackDownsampler`."""

    def __init__(self, pid: int, metadata: ProfileMetadata) -> None:
        self.frames = FrameTable()
        self.profile = Profile(self.frames, metadata=metadata)
        self._downsampler = StackDownsampler(self.frames)
        self._packages = own_code.InstalledPackages(pid)

    def add_slice(self, captured: CapturedSlice) -> None:
        """Add the samples and errors of a slice, and the own packages that it shows."""
        about = self.profile.metadata
        self.profile = replace(
            self.profile, metadata=replace(about, errors=about.errors + captured.error_count)
        )
        if captured.is_behind:
            self.add_note(_FELL_BEHIND)
        if captured.slice is not None:
            limited = self._downsampler.limit_stacks(captured.slice)
            self.profile = self._downsampler.limit_slices(self.profile.with_slice(limited))
        self.profile = self._packages.with_own_packages(self.profile)

    def add_note(self, note: str) -> None:
        """Add a note, once."""
        about = self.profile.metadata
        if note not in about.notes:
            self.profile = replace(
                self.profile, metadata=replace(about, notes=(*about.notes, note))
            )

    def set_end_reason(self, reason: str) -> None:
        """Set why the profile is shorter than requested."""
        self.profile = replace(self.profile, metadata=replace(self.profile.metadata, ended=reason))
