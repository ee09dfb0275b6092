"use strict";
// Draws the learning curves of each figure.chart from the JSON in it, in place of its picture, which stays
// wherever this does not work. Three words: a panel has axes, a method has a colour, and a curve is of a
// method in a panel.
(() => {
  const WIDTH = 2, GRID = "#e9e9e9", TEXT = "#444";

  function element(tag, className, text = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = text;
    return made;
  }

  // As the tables of the page write numbers.
  function number(value) {
    const size = Math.abs(value);
    if (size !== 0 && (size < 0.01 || size >= 1e7)) return value.toExponential(2);
    const digits = size >= 1000 ? 0 : size >= 10 ? 1 : 2;
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function short(steps) {
    for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
      if (Math.abs(steps) >= size) return `${+(steps / size).toPrecision(4)}${unit}`;
    return `${+steps.toPrecision(4)}`;
  }

  // What the reader has chosen: which methods are hidden, and whether single seeds are shown.
  class Choice {
    hidden = new Set();
    seeds = false;
    shows(curve) { return !this.hidden.has(curve.method); }
  }

  // The y axis: everything that is shown, without very deep dips, and some room.
  function limits(panels, choice) {
    let low = Infinity, high = -Infinity;
    for (const panel of panels)
      for (const curve of panel.curves.filter(curve => choice.shows(curve))) {
        const lines = choice.seeds ? Object.values(curve.seeds) : [curve.low ?? curve.mean, curve.high ?? curve.mean];
        for (const line of [curve.mean, ...lines])
          for (const value of line) {
            low = Math.min(low, Math.max(value, panel.lowest ?? value));
            high = Math.max(high, value);
          }
      }
    if (low > high) return [0, 1];
    const room = 0.05 * (high - low || Math.abs(high) || 1);
    return [low - room, high + room];
  }

  // The columns of a panel for uPlot, and what each of them is.
  function columns(panel, methods) {
    const tables = [], series = [{}], bands = [], kinds = [null];
    const add = (curve, kind, style) => {
      series.push({ points: { show: false }, spanGaps: true, ...style });
      kinds.push({ curve, kind });
    };
    for (const curve of panel.curves) {
      const { color, dash } = methods[curve.method], table = [curve.steps];
      if (curve.low) {
        table.push(curve.low, curve.high);
        for (const kind of ["interval", "interval"]) add(curve, kind, { stroke: "transparent", width: 0 });
        bands.push({ series: [series.length - 1, series.length - 2], fill: `${color}29` });
      }
      for (const scores of Object.values(curve.seeds)) {
        table.push(scores);
        add(curve, "seed", { stroke: `${color}99`, width: 1, show: false });
      }
      table.push(curve.mean);
      add(curve, "mean", { stroke: color, width: WIDTH, dash });
      tables.push(table);
    }
    return { data: uPlot.join(tables), series, bands, kinds };
  }

  // The point nearest to the pointer of all that is shown.
  function nearest(plot, panel, choice) {
    const { left, top } = plot.cursor, step = plot.posToVal(left, "x");
    let best = null;
    for (const curve of panel.curves.filter(curve => choice.shows(curve))) {
      const after = curve.steps.findIndex(at => at >= step);
      const next = after < 0 ? curve.steps.length - 1 : after;
      const place = next > 0 && step - curve.steps[next - 1] < curve.steps[next] - step ? next - 1 : next;
      const lines = [[null, curve.mean], ...(choice.seeds ? Object.entries(curve.seeds) : [])];
      for (const [seed, scores] of lines) {
        const x = plot.valToPos(curve.steps[place], "x"), y = plot.valToPos(scores[place], "y");
        const distance = Math.hypot(x - left, y - top);
        if (best === null || distance < best.distance) best = { curve, place, seed, score: scores[place], x, y, distance };
      }
    }
    return best;
  }

  function draw(panel, study, choice, place, shared) {
    const { data, series, bands, kinds } = columns(panel, study.methods);
    const box = place.appendChild(element("div", "plot"));
    const point = element("div", "point"), hover = element("div", "hover");
    point.hidden = hover.hidden = true;

    function show(plot) {
      const found = plot.cursor.left < 0 ? null : nearest(plot, panel, choice);
      point.hidden = hover.hidden = found === null;
      if (found === null) return;
      const { curve, place, seed, score } = found, method = study.methods[curve.method];
      const interval = seed === null && curve.low ? ` [${number(curve.low[place])}, ${number(curve.high[place])}]` : "";
      hover.replaceChildren(
        element("b", "", seed === null ? method.name : `${method.name}, seed ${seed}`),
        `${short(curve.steps[place])} steps: ${number(score)}${interval}`,
      );
      hover.style.borderLeftColor = point.style.background = method.color;
      point.style.left = `${found.x}px`;
      point.style.top = `${found.y}px`;
      const right = found.x + 12 + hover.offsetWidth <= plot.over.clientWidth;
      hover.style.left = `${Math.max(right ? found.x + 12 : found.x - 12 - hover.offsetWidth, -40)}px`;
      hover.style.top = `${Math.max(found.y - hover.offsetHeight - 8, 0)}px`;
    }

    const axis = { stroke: TEXT, grid: { stroke: GRID, width: 1 }, ticks: { show: false }, labelFont: "13px system-ui, sans-serif" };
    const options = {
      width: box.clientWidth, height: study.panels.length > 1 ? 250 : 340,
      scales: { x: { time: false }, y: { range: () => limits(shared, choice) } },
      axes: [
        { ...axis, label: study.x, labelSize: 20, size: 30, values: (_, at) => at.map(short) },
        { ...axis, label: study.y, labelSize: 22, size: 48, values: (_, at) => at.map(short) },
      ],
      series, bands,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: { setCursor: [show] },
    };
    const plot = new uPlot(options, data, box);
    plot.over.append(point, hover, element("div", "note", panel.note));
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: plot.height })).observe(box);
    return () => plot.batch(() => {
      kinds.forEach((kind, column) => {
        if (kind === null) return;
        const wanted = { mean: true, interval: !choice.seeds, seed: choice.seeds }[kind.kind];
        plot.setSeries(column, { show: wanted && choice.shows(kind.curve) });
      });
      plot.redraw(true, true);
    });
  }

  function swatch({ color, dash }) {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("width", 28);
    picture.setAttribute("height", 8);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M0 4H28");
    line.setAttribute("stroke", color);
    line.setAttribute("stroke-width", WIDTH);
    line.setAttribute("stroke-dasharray", dash.join(" "));
    picture.append(line);
    return picture;
  }

  function controls(study, choice, changed) {
    const bar = element("div", "methods");
    study.methods.forEach((method, place) => {
      const button = element("button", "", `${method.name} (${method.seeds})`);
      button.type = "button";
      button.title = "hide or show";
      button.prepend(swatch(method));
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        const hidden = !choice.hidden.delete(place);
        if (hidden) choice.hidden.add(place);
        button.setAttribute("aria-pressed", String(!hidden));
        changed();
      });
      bar.append(button);
    });
    const label = element("label", "", "seeds one by one"), box = element("input", "");
    box.type = "checkbox";
    box.addEventListener("change", () => {
      choice.seeds = box.checked;
      changed();
    });
    label.prepend(box);
    bar.append(label);
    return bar;
  }

  function draw_figure(figure) {
    const study = JSON.parse(figure.querySelector("script").textContent), choice = new Choice();
    const panels = element("div", "panels"), updates = [];
    const bar = controls(study, choice, () => updates.forEach(update => update()));
    figure.prepend(bar, panels);
    try {
      for (const panel of study.panels) {
        const place = panels.appendChild(element("div", "panel"));
        if (panel.title) place.append(element("h3", "", panel.title));
        updates.push(draw(panel, study, choice, place, study.shared ? study.panels : [panel]));
      }
      figure.classList.add("live");
    } catch (error) {
      bar.remove();
      panels.remove();
      throw error;
    }
  }

  document.querySelectorAll("figure.chart").forEach(draw_figure);
})();
