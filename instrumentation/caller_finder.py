"""Finding the code that took a connection from a pool."""

from types import FrameType


class CallerFinder:
    """Finds the line of code that took a connection: the innermost frame outside of the passing modules."""

    def __init__(self, passing_modules: tuple[str, ...]):
        self._passing_modules = passing_modules
        self._is_passing: dict[str, bool] = {}  # by module

    def find(self, frame: FrameType | None) -> tuple[str, int]:
        """File and line of the first frame from this one upwards that does more than pass a connection on."""
        known = self._is_passing.get
        while frame:
            module = frame.f_globals.get("__name__", "")
            passing = known(module)
            if passing is None:
                passing = self._is_passing[module] = module.startswith(self._passing_modules)
            if not passing:
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return "", 0
