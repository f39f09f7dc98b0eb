// The drawing of a piece: two plotly figures on one time axis, and what is laid over both (playhead, loop, selection).

let plotlyLoading = null;

/** plotly.js from our own server, once a page. */
function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  plotlyLoading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url });
    script.addEventListener("load", () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("plotly.js is empty"))));
    script.addEventListener("error", () => {
      plotlyLoading = null;
      script.remove();
      reject(new Error("plotly.js could not be loaded"));
    });
    document.head.append(script);
  });
  return plotlyLoading;
}

class Drawing {
  /** `stage` holds `.wb-plan`, `.wb-roll` and the overlays; `view` changes are told by `changed()`. */
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.graphs = [stage.querySelector(".wb-plan"), stage.querySelector(".wb-roll")];
    this.playhead = stage.querySelector(".wb-playhead");
    this.loopBand = stage.querySelector(".wb-loop");
    this.selection = stage.querySelector(".wb-selection");
    this.length = 1;
    this.view = [0, 1];
    this.hovered = null;
    this.ready = false;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(stage);
  }

  async draw(url, figures, length, font) {
    const Plotly = await loadPlotly(url);
    this.Plotly = Plotly;
    this.length = length;
    this.view = [0, length];
    const specs = figures.map((text) => JSON.parse(text));
    const narrow = this.stage.clientWidth < 560;
    const left = Math.max(...specs.map(({ layout }) => layout.margin?.l ?? 48));
    const right = Math.max(...specs.map(({ layout }) => layout.margin?.r ?? 10));
    this.bars = specs[0].layout.meta;
    this.fit = this.stage.clientWidth - left - right; // what the time axis will measure, before plotly has drawn it
    const short = (text) => text.replace(/^(\w{4})\w{2,}/, "$1."); // lane names where there is little room
    for (const [index, spec] of specs.entries()) {
      const graph = this.graphs[index];
      for (const trace of spec.data) if (trace.meta?.detail) trace.visible = this.suits(trace.meta.detail);
      const layout = {
        ...spec.layout,
        autosize: true,
        width: undefined,
        dragmode: false,
        hovermode: "closest",
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        margin: { ...spec.layout.margin, l: narrow ? Math.min(left, 46) : left, r: narrow ? Math.min(right, 6) : right, autoexpand: false },
        font: { ...spec.layout.font, family: font },
      };
      if (narrow) layout.yaxis = { ...layout.yaxis, ticktext: layout.yaxis.ticktext?.map(short) };
      for (const axis of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
        layout[axis] = { ...layout[axis], fixedrange: true, ...(axis.startsWith("y") && { ticklabelstandoff: 6 }) };
        if (axis.startsWith("x")) layout[axis] = { ...layout[axis], ...this.ticks(layout[axis].gridcolor), range: [...this.view], autorange: false };
      }
      await Plotly.react(graph, spec.data, layout, { displayModeBar: false, doubleClick: false, scrollZoom: false, responsive: false });
      graph.removeAllListeners?.("plotly_hover");
      graph.removeAllListeners?.("plotly_unhover");
      graph.on("plotly_hover", (event) => (this.hovered = event.points?.[0] ?? null));
      graph.on("plotly_unhover", () => (this.hovered = null));
    }
    this.width = this.stage.clientWidth;
    this.ready = true;
    this.stage.dataset.drawn = "true";
  }

  /** Whether words that show from `least` to `most` pixels a quarter are to be seen at this zoom. */
  suits([least, most]) {
    const scale = (this.axis?._length ?? this.fit) / (this.view[1] - this.view[0]);
    return least <= scale && (most === null || scale < most);
  }

  /** As many bar numbers and beat lines as fit at this zoom. */
  ticks(gridcolor) {
    const { bar, beat, measures } = this.bars;
    // While the player is hidden its width may come out below nothing: the steps below have to end all the same.
    const pixels = Math.max(0.1, ((this.axis?._length ?? this.fit) / (this.view[1] - this.view[0])) * bar || 0);
    let step = 1;
    while (step * pixels < 30) step *= 2;
    const shown = Array.from({ length: Math.floor(measures / step) }, (_, index) => (index + 1) * step);
    if (step > 1) shown.unshift(1);
    const faint = String(gridcolor).replace(/[\d.]+\)$/, "0.07)");
    return {
      tickvals: shown.map((measure) => (measure - 1) * bar),
      ticktext: shown.map(String),
      minor: { tick0: 0, dtick: beat, showgrid: (pixels * beat) / bar >= 7, gridcolor: faint, ticks: "" },
    };
  }

  get axis() {
    return this.graphs[1]._fullLayout?.xaxis;
  }

  /** How far the time axis lies from the stage's left and right edges, in pixels. */
  get margins() {
    const { axis } = this;
    return axis ? [axis._offset, this.stage.clientWidth - axis._offset - axis._length] : [0, 0];
  }

  /** Score position in quarters to pixels from the stage's left edge. */
  toPixels(quarters) {
    const axis = this.axis;
    return axis ? axis._offset + ((quarters - this.view[0]) / (this.view[1] - this.view[0])) * axis._length : 0;
  }

  /** Pixels from the stage's left edge to quarters, kept inside what is shown. */
  toQuarters(pixels) {
    const axis = this.axis;
    const share = Math.min(1, Math.max(0, (pixels - axis._offset) / axis._length));
    return this.view[0] + share * (this.view[1] - this.view[0]);
  }

  shows(quarters) {
    return quarters >= this.view[0] - 1e-6 && quarters <= this.view[1] + 1e-6;
  }

  /** Show a span of quarters on both figures, at least one quarter and at most the whole piece wide. */
  show(from, to) {
    if (!this.ready) return;
    const width = Math.min(this.length, Math.max(1, to - from));
    const start = Math.min(Math.max(0, from), this.length - width);
    if (start === this.view[0] && start + width === this.view[1]) return;
    this.view = [start, start + width];
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      for (const graph of this.graphs) this.rescale(graph);
      this.changed();
    });
  }

  /** Bring one figure to the view: its range, its bar numbers, and the words that now fit. */
  rescale(graph) {
    const { range, ...ticks } = { range: [...this.view], ...this.ticks(graph.layout.xaxis.gridcolor) };
    const layout = Object.fromEntries(Object.entries({ range, ...ticks }).map(([name, value]) => [`xaxis.${name}`, value]));
    const turned = graph.data
      .map((trace, index) => [trace.meta?.detail, index, trace.visible !== false])
      .filter(([detail, , seen]) => detail && this.suits(detail) !== seen);
    if (!turned.length) return this.Plotly.relayout(graph, layout);
    const visible = turned.map(([, , seen]) => !seen);
    return this.Plotly.update(graph, { visible }, layout, turned.map(([, index]) => index));
  }

  zoom(factor, around) {
    const width = (this.view[1] - this.view[0]) * factor;
    const share = (around - this.view[0]) / (this.view[1] - this.view[0]);
    this.show(around - width * share, around + width * (1 - share));
  }

  resize() {
    if (!this.ready || !this.stage.clientWidth || this.width === this.stage.clientWidth) return;
    this.width = this.stage.clientWidth;
    cancelAnimationFrame(this.sizing);
    this.sizing = requestAnimationFrame(() => {
      if (!this.stage.isConnected) return;
      for (const graph of this.graphs) this.Plotly.Plots.resize(graph).then(() => this.rescale(graph)).then(() => this.changed());
    });
  }

  place(quarters) {
    this.playhead.hidden = !this.ready || !this.shows(quarters);
    this.playhead.style.transform = `translateX(${this.toPixels(quarters).toFixed(2)}px)`;
  }

  /** Lay a band over both figures from one quarter to another; nothing when `span` is null. */
  cover(band, span) {
    const [from, to] = span ? [Math.max(span[0], this.view[0]), Math.min(span[1], this.view[1])] : [0, 0];
    band.hidden = !span || !this.ready || to <= from;
    if (band.hidden) return;
    band.style.left = `${this.toPixels(from)}px`;
    band.style.width = `${this.toPixels(to) - this.toPixels(from)}px`;
  }

  /** Fade the voices that are not heard: `heard` holds one boolean a voice. */
  dim(heard) {
    if (!this.ready) return;
    const graph = this.graphs[1];
    const traces = graph.data.map((trace, index) => [trace.meta?.voice, index]).filter(([voice]) => Number.isInteger(voice));
    if (!traces.length) return;
    const opacity = traces.map(([voice]) => (heard[voice] === false ? 0.12 : 1));
    this.Plotly.restyle(graph, { opacity }, traces.map(([, index]) => index));
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.sizing);
    this.ready = false;
    for (const graph of this.graphs) this.Plotly?.purge(graph);
  }
}
