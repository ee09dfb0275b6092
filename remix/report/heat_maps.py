"""The figure of projection weights."""

from __future__ import annotations

from math import ceil

from matplotlib.figure import Figure

from remix.report.results import StudyResults
from remix.report.style import WIDTH, label, named, seeds, wrapped
from remix.report.weight_map import draw_weights


def weight_heatmaps(results: StudyResults) -> Figure:
    """Distribution of the projection weights over training, the maps of a panel side by side."""
    maps = {(heat.panel, heat.variant): heat for heat in results.heat_maps}
    variants = [v for v in results.variants if any((panel, v) in maps for panel in results.panels)]
    panels = [p for p in results.panels if any((p, variant) in maps for variant in variants)]
    columns = len(variants) if len(variants) <= 4 else 3
    places = [(panel, variant) for panel in panels for variant in variants]
    rows = ceil(len(places) / columns)
    same_steps = len({heat.env_steps[-1] for heat in results.heat_maps}) == 1
    width = min(2.6 * columns + 0.9, WIDTH)
    figure = Figure(figsize=(max(width, 4.2), 0.6 + 2.3 * rows), layout="constrained")
    drawn = []
    for place, key in enumerate(places):
        heat = maps.get(key)
        if heat is None:
            continue
        axes = figure.add_subplot(rows, columns, place + 1)
        mesh = draw_weights(axes, heat)
        axes.grid(False)
        what = named(results, heat.variant)
        where = f", {label(heat.panel, results.panels)}" if len(panels) > 1 else ""
        axes.set_title(wrapped(f"{what}{where} ({seeds(heat.n_runs)})"), fontsize="medium")
        if place % columns and same_steps:
            axes.tick_params(labelleft=False)
        drawn.append(axes)
    figure.suptitle("Projection weights over training", fontsize="large")
    figure.supxlabel("normalised weight", fontsize="medium")
    figure.supylabel("environment steps", fontsize="medium")
    figure.colorbar(mesh, ax=drawn, label="log probability", aspect=15 * rows, fraction=0.05, pad=0.02)
    return figure
