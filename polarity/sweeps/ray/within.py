"""What a worker of Ray runs of a sweep."""

from threading import Thread

from polarity.sweeps.elsewhere import Given, stop


class AtWork:
    """An actor that runs a job from its first moment on: whoever gave it away may be gone by then.

    :param leaves: whether it ends itself when the job has ended, since nobody is there to do so.
    """

    def __init__(self, given: Given, *, leaves: bool) -> None:
        self._given, self._leaves = given, leaves
        self._code: int | None = None
        self._error: Exception | None = None
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._code = self._given()
        except Exception as error:  # noqa: BLE001 - end() raises it where somebody sees it
            self._error = error
        if self._leaves:
            import ray

            ray.kill(ray.get_runtime_context().current_actor)

    def end(self) -> int | None:
        """Its exit code, when it has ended."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._code

    def stop(self, number: int) -> bool:
        """Pass a signal on to the process of the job; returns whether there is one."""
        return stop(self._given.folder, number)
