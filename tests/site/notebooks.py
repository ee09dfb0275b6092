"""Notebooks as pages, with the outputs that are stored in them."""

from __future__ import annotations

from pathlib import Path

from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[2]
COLAB = "https://colab.research.google.com/github"


def paths() -> list[str]:
    """Of all notebooks, below the root of the repository."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))


def page(path: str, repository: str) -> tuple[str, dict[str, bytes]]:
    """A notebook in Markdown, and its pictures by their names.

    :param repository: its address on GitHub, where the notebook is then opened in Colab; empty for none.
    """
    stem = Path(path).stem
    resources = {"unique_key": f"{stem}_pictures", "output_files_dir": f"{stem}_pictures"}
    body, made = MarkdownExporter().from_filename(str(ROOT / path), resources)
    title, _, rest = body.strip().partition("\n")
    return f"{title}\n\n{_origin(path, repository)}\n{rest}", dict(made["outputs"])


def _origin(path: str, repository: str) -> str:
    address = repository.removeprefix("https://github.com/").rstrip("/")
    link = f" [Open it in Colab]({COLAB}/{address}/blob/main/{path})." if address else ""
    return f"This is the notebook `{path}`.{link}\n"
