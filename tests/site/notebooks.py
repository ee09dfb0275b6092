"""Notebooks as pages, with the outputs that are stored in them."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import nbformat
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
    notebook = nbformat.read(ROOT / path, as_version=4)
    films = _films(notebook, f"{stem}_pictures")
    body, made = MarkdownExporter().from_notebook_node(notebook, resources)
    body = body.replace(r"\:", ":")  # which reports write, and MkDocs would show as it is
    title, _, rest = body.strip().partition("\n")
    return f"{title}\n\n{_origin(path, repository)}\n{rest}", films | made["outputs"]


def _films(notebook: nbformat.NotebookNode, folder: str) -> dict[str, bytes]:
    """The GIFs by their names, which stand in their place: nbconvert writes other pictures only."""
    found: dict[str, bytes] = {}
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        if "image/gif" in output.get("data", {}):
            found[name := f"{folder}/film_{len(found) + 1}.gif"] = b64decode(output.data["image/gif"])
            output.data = {"text/markdown": f"![A film]({name})"}
    return found


def _origin(path: str, repository: str) -> str:
    address = repository.removeprefix("https://github.com/").rstrip("/")
    link = f" [Open it in Colab]({COLAB}/{address}/blob/main/{path})." if address else ""
    return f"This is the notebook `{path}`.{link}\n"
