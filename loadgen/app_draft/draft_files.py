"""The two files of a draft, written into a folder where neither is yet: both or none."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from workbench.errors import UsageError


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files of these names and texts (UTF-8). Raises `UsageError` where one is there already."""
    _require_folder(folder)
    if taken := [name for name in texts if (folder / name).exists() or (folder / name).is_symlink()]:
        raise _taken(folder / taken[0])
    folder.mkdir(parents=True, exist_ok=True)
    created: list[Path] = []
    try:
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                created.append(folder / name)
                file.write(text)
    except BaseException as error:
        for path in created:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, FileExistsError):
            raise _taken(Path(error.filename)) from None
        raise


def _require_folder(folder: Path) -> None:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise UsageError(f"--output {folder}: {existing} is no folder; name another one")


def _taken(path: Path) -> UsageError:
    return UsageError(
        f"{path} is there already, and nothing was written; name another folder with --output, or move it away"
    )
