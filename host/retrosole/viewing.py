"""The live view over one recorder after the other: keeping what comes can be begun and ended by a key meanwhile.

The view has the main thread, the recorders one of their own. Begin and end of keeping also end the insoles' session and
begin another, so every folder holds whole sessions; so does a tare, which insoles refuse while a session runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from retrosole import show
from retrosole.device import Insole
from retrosole.errors import RetrosoleError
from retrosole.foot import CONNECTED, Foot, Watcher
from retrosole.recorder import Recorder
from retrosole.session.writer import SessionWriter
from retrosole.walk import Look, RecordOptions, open_writer, with_stream

ROOT = Path("sessions")


class Viewing:
    """Show connected insoles live until the person quits, and keep what `options` or the keys say.

    `folders` are those that were written. `request_end` and `leave` as those of a Recorder; `mark`, `tare` and
    `toggle_recording` are the view's keys, and may be called from its thread.
    """

    def __init__(self, insoles: Mapping[str, Insole], options: RecordOptions, look: Look) -> None:
        self.folders: list[Path] = []
        self._options = options
        self._look = look
        self._feeder = show.LiveFeeder(insoles, None)
        self._feeder.state.pace_limit_steps_min = look.pace_limit_steps_min
        self._watcher = with_stream(self._watched_by(self._feeder), insoles, options)
        self._keeps = options.root is not None
        self._next: Callable[[], None] | None = None  # what is done between this recorder and another
        self._ending: Callable[[Recorder], None] | None = None
        self._mark_n = 0
        self._begin_s = time.monotonic()
        self._recorder = self._prepare(insoles)
        self._failure: BaseException | None = None

    def run(self) -> bool:
        """Show it to its end; say whether it was left with Ctrl-C. Raises as `Recorder.run`."""
        from retrosole.live.app import LiveApp
        from retrosole.live.background import is_light_terminal

        is_light = self._look.theme == "light" or (self._look.theme == "auto" and is_light_terminal())
        sweeps = self._look.traces == "sweep" or (self._look.traces == "auto" and "SSH_CONNECTION" in os.environ)
        thread = threading.Thread(target=self._record, name="recorder")
        thread.start()
        state = self._feeder.state
        app = LiveApp(state, on_quit=self.request_end, controls=self, is_light=is_light, sweeps=sweeps)
        try:
            app.run()
        finally:
            self.request_end()
            thread.join()
            for line in self._feeder.said:
                show.say(line)
        if self._failure is not None:
            raise self._failure
        return app.interrupted

    def _watched_by(self, feeder: show.LiveFeeder) -> Watcher:
        """Give what the recorders tell; the feeder has to be told all of it."""
        return feeder

    # ---- what ends it

    def request_end(self) -> None:
        """Come to a clean end."""
        self._end_by(Recorder.request_end)

    def leave(self) -> None:
        """End without fetching what is missing."""
        self._end_by(Recorder.leave)

    def _end_by(self, ending: Callable[[Recorder], None]) -> None:
        self._ending = ending  # first: the recorder may just be giving way to another, which then finds it
        ending(self._recorder)

    # ---- keys

    def mark(self) -> None:
        """Set the next mark, numbered from 1, on all feet."""
        if all(foot.link != CONNECTED for foot in self._recorder.feet):
            self._tell("no mark is set: no insole is there")
            return
        self._mark_n += 1
        number = self._mark_n

        marked: list[str] = []

        def set_mark(foot: Foot) -> None:
            foot.insole.marker(number)
            marked.append(foot.side)
            where = "" if len(marked) == len(self._recorder.feet) else f" on the {marked[0]} foot only"
            kept = "" if self._keeps else "; nothing is being kept, r records"
            self._tell(f"mark {number} set{where}{kept}")

        self._recorder.ask(set_mark)

    def tare(self, sides: Sequence[str]) -> None:
        """Take the present counts of these feet as unloaded, which an insole does between two sessions only."""
        if self._keeps:
            self._tell("not while recording: r ends it, then t")
        else:
            self._pass_on(partial(self._tare, sides))

    def toggle_recording(self) -> None:
        """Begin to keep what comes, in a new session, or end it and have what is missing fetched."""
        if self._pass_on(self._toggle):
            self._tell("ending the recording" if self._keeps else "beginning a recording")

    def _tell(self, message: str) -> None:
        self._feeder.state.tell(message)

    def _pass_on(self, meanwhile: Callable[[], None]) -> bool:
        """End this session and begin another, `meanwhile` something else; say whether that can be done."""
        gone = [foot.side for foot in self._recorder.feet if foot.link != CONNECTED]
        if gone:
            self._tell(f"the {' and the '.join(gone)} insole is gone: first bring it back")
        if gone or self._next is not None:
            return False
        self._next = meanwhile
        self._recorder.hand_over()
        return True

    # ---- the recorders' thread

    def _record(self) -> None:
        try:
            note = self._options.note
            while True:
                self._recorder.run(self._left_s(), note if self._keeps else None)
                if self._ending is not None or self._next is None:
                    return
                self._next()
                self._go_on()
        except BaseException as error:
            self._failure = error
        finally:
            for foot in self._recorder.feet:
                foot.insole.close()
            self._feeder.state.finished = True

    def _left_s(self) -> float | None:
        seconds = self._options.seconds
        return None if seconds is None else max(0.001, seconds - (time.monotonic() - self._begin_s))

    def _toggle(self) -> None:
        self._keeps = not self._keeps
        if not self._keeps:
            self._tell(f"kept in {self.folders[-1]}")

    def _tare(self, sides: Sequence[str]) -> None:
        done: list[str] = []
        for foot in self._recorder.feet:
            if foot.side in sides:
                try:
                    foot.insole.tare()
                    done.append(foot.side)
                    self._tell(f"{' and '.join(done)} tared: these counts are unloaded from now on")
                except RetrosoleError as error:
                    self._feeder.say(f"{foot.side}: not tared ({error})")

    def _go_on(self) -> None:
        self._recorder = self._prepare({foot.side: foot.insole for foot in self._recorder.feet})
        if self._ending is not None:
            self._ending(self._recorder)
        self._next = None

    def _prepare(self, insoles: Mapping[str, Insole]) -> Recorder:
        """Make the recorder of the next part; raise StorageError only for the first, when nothing runs yet."""
        writer: SessionWriter | None = None
        if self._keeps:
            try:
                writer = open_writer(insoles, replace(self._options, root=self._options.root or ROOT))
            except RetrosoleError as error:
                if self._next is None:
                    raise
                self._keeps = False
                self._feeder.say(f"not recording: {error}")
        self._feeder.state.recording = None
        if writer is not None:
            self.folders.append(writer.folder)
            self._feeder.state.recording = str(writer.folder)
        return Recorder(insoles, self._watcher, writer)
