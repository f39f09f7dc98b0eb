// The structure player: transport, voices, zoom and read-outs around one Drawing and one Sound.

const MARK = { seconds: (value) => `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, "0")}` };
const players = new Map(); // parentElement -> Player
let active = null; // the player that the space key belongs to
let asked; // how often this page has asked for a piece

/** Straight-line interpolation of rising `xs` to `ys`. */
function interpolate(xs, ys, x) {
  if (x <= xs[0]) return ys[0];
  let low = 0;
  let high = xs.length - 1;
  if (x >= xs[high]) return ys[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low] || 1);
}

/** The last of rising, back-to-back `[start, end, …]` spans that begins at or before `x`. */
function spanAt(spans, x) {
  let low = 0;
  let high = spans.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (spans[middle][0] <= x + 1e-6) low = middle;
    else high = middle;
  }
  return spans[low];
}

class Player extends Linked {
  constructor(parent) {
    super();
    this.root = parent.querySelector(".wb-player");
    const find = (name) => this.root.querySelector(`.wb-${name}`);
    this.parts = Object.fromEntries(
      ["stage", "seek", "play", "start", "loop-button", "zoom-in", "zoom-out", "fit", "now", "total", "measure", "chord",
        "key", "place", "ears", "voices", "status", "undrawn", "loop", "selection"].map((name) => [name, find(name)]),
    );
    this.volume = this.root.querySelector(".wb-volume input");
    this.drawing = new Drawing(this.parts.stage, () => {
      this.align();
      this.paint();
    });
    this.sound = new Sound(() => this.soundChanged());
    this.listeners = new AbortController();
    this.wire();
  }

  // --- a piece -----------------------------------------------------------------------------------------------------

  /** Show a piece, or listen for one that is being written. */
  update(data) {
    if (!data) return;
    if (asked !== undefined && data.asked > asked) this.comeIntoSight();
    if (data.asked !== undefined) asked = data.asked;
    if (data.live) {
      this.listen(data);
    } else {
      this.hearing?.abort();
      this.hearing = this.heardOf = undefined;
      this.show(data);
    }
  }

  /** Ask the server for each new section of a piece that is being written, and draw it as soon as it is there. */
  async listen({ live, dark }) {
    const wanted = `${live}/${dark}`;
    if (this.heardOf === wanted) return;
    this.heardOf = wanted;
    this.hearing?.abort();
    const { signal } = (this.hearing = new AbortController());
    if (!this.data) this.wait();
    const pause = () => new Promise((go) => setTimeout(go, 1000));
    for (let after = 0; !signal.aborted; ) {
      try {
        const answer = await fetch(`${live}?after=${after}&dark=${Number(dark)}`, { signal });
        if (answer.status === 204) continue;
        if (!answer.ok) throw new Error(`${answer.status}`);
        const news = await answer.json();
        if (signal.aborted) return;
        after = news.sections;
        this.show(news);
        if (news.ended) return;
      } catch {
        if (!signal.aborted) await pause();
      }
    }
  }

  wait() {
    this.parts.undrawn.textContent = "The first section is on its way.";
    this.parts.undrawn.hidden = false;
    this.root.dataset.state = "waiting";
  }

  /** Show a piece; nothing happens when it is the one already shown. */
  show(data) {
    const look = `${data.piece}/${data.dark}`;
    const sameLook = this.look === look;
    const samePiece = this.data?.piece === data.piece;
    this.look = look;
    this.data = data;
    if (!samePiece) this.openPiece();
    if (!sameLook) this.draw();
    for (const each of new Set([this, ...this.linked])) each.offerEars();
  }

  openPiece() {
    const { data, parts } = this;
    const names = data.voices.map(({ name }) => name).join("/");
    this.loopSpan = null;
    this.wanted = false;
    this.spoken = undefined;
    this.sound.open(data.voices.map(({ url }) => url), data.seconds);
    if (this.names !== names) {
      this.names = names;
      this.muted = data.voices.map(() => false);
      this.solo = data.voices.map(() => false);
    }
    parts.total.textContent = ` / ${MARK.seconds(data.seconds)}`;
    parts.seek.max = data.seconds;
    this.mix();
    this.say("");
    this.paint();
    clearTimeout(this.idle);
    // The sound is fetched once the page has come to rest, so that the first press of play answers at once.
    if (!data.growing) this.idle = setTimeout(() => this.sound.load(), 1500);
  }

  async draw() {
    const { data, parts } = this;
    const started = performance.now();
    this.buildVoices();
    try {
      const font = getComputedStyle(this.root).fontFamily;
      await this.drawing.draw(data.plotly, [data.plan, data.roll], data.quarters, font);
      parts.undrawn.hidden = true;
      this.drawing.dim(this.heard());
    } catch (problem) {
      parts.undrawn.textContent = `The drawing is missing: ${problem.message}. The sound can still be played.`;
      parts.undrawn.hidden = false;
    }
    this.align();
    this.root.dataset.piece = data.piece;
    this.root.dataset.drawnIn = String(Math.round(performance.now() - started));
    this.paint();
  }

  /** Lay the seek bar under the time axis. */
  align() {
    const [left, right] = this.drawing.margins;
    this.parts.seek.style.marginLeft = `${Math.max(0, left - 8)}px`;
    this.parts.seek.style.width = `calc(100% - ${Math.max(0, left - 8) + Math.max(0, right - 8)}px)`;
  }

  // --- voices ------------------------------------------------------------------------------------------------------

  buildVoices() {
    const make = (tag, properties, ...children) => {
      const element = Object.assign(document.createElement(tag), properties);
      element.append(...children);
      return element;
    };
    this.chips = this.data.voices.map(({ name, color }, index) => {
      const swatch = make("i", {});
      swatch.style.background = color;
      const chip = make("div", { className: "wb-voice" }, make("span", {}, swatch, name));
      chip.mute = make("button", { type: "button", textContent: "M", title: `Mute ${name}`, ariaLabel: `Mute ${name}` });
      chip.only = make("button", { type: "button", textContent: "S", title: `Only ${name}`, ariaLabel: `Solo ${name}` });
      chip.mute.onclick = () => this.toggle(this.muted, index);
      chip.only.onclick = () => this.toggle(this.solo, index);
      chip.append(chip.mute, chip.only);
      return chip;
    });
    this.parts.voices.replaceChildren(...this.chips);
    this.mix();
  }

  toggle(list, index) {
    list[index] = !list[index];
    this.mix();
    this.drawing.dim(this.heard());
  }

  heard() {
    const anySolo = this.solo.some(Boolean);
    return this.muted.map((muted, index) => !muted && (!anySolo || this.solo[index]));
  }

  mix() {
    const heard = this.heard();
    heard.forEach((on, index) => this.sound.setLevel(index, on ? 1 : 0));
    this.chips?.forEach((chip, index) => {
      chip.mute.ariaPressed = String(this.muted[index]);
      chip.only.ariaPressed = String(this.solo[index]);
      chip.dataset.heard = String(heard[index]);
    });
  }

  // --- playing -----------------------------------------------------------------------------------------------------

  async togglePlay() {
    if (!this.data) return;
    active = this;
    if (this.peers.some(({ sound }) => sound.playing)) return this.hear();
    if (this.sound.playing || this.wanted) {
      this.wanted = false;
      this.sound.pause();
      this.paint();
      return;
    }
    for (const other of players.values()) if (other !== this) other.pause();
    this.wanted = true;
    this.lead();
    this.paint();
    try {
      await this.sound.load();
      if (!this.wanted) return;
      await this.sound.play();
      for (const { sound } of this.peers) sound.load();
    } catch (problem) {
      this.say(`This browser cannot play the sound: ${problem.message}.`, true);
    }
    this.wanted = false;
    this.run();
  }

  pause() {
    this.wanted = false;
    if (this.sound.playing) this.sound.pause();
    this.paint();
  }

  soundChanged() {
    const { state, problem, missing } = this.sound;
    if (state === "failed") this.say(`No sound: ${problem || "it could not be loaded."}`, true);
    else if (problem) this.say(`Not heard: ${missing.map((index) => this.data.voices[index].name).join(", ")}. ${problem}`, true);
    else this.say("");
    this.paint();
  }

  /** Keep the playhead on the sound while it plays. */
  run() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.follow();
      this.paint();
      if (this.sound.playing) this.frame = requestAnimationFrame(step);
    };
    step();
  }

  follow() {
    const place = this.quarters;
    const [from, to] = this.drawing.view;
    if (this.sound.playing && !this.held && (place < from || place > to - (to - from) * 0.03) && to - from < this.data.quarters) {
      if (to < this.data.quarters || place < from) this.drawing.show(place - (to - from) * 0.05, place + (to - from) * 0.95);
    }
  }

  get quarters() {
    return interpolate(this.data.times, this.data.grid, this.sound.position);
  }

  secondsAt(quarters) {
    return interpolate(this.data.grid, this.data.times, quarters);
  }

  goTo(quarters) {
    const sounding = this.peers.find(({ sound }) => sound.playing);
    if (sounding) {
      sounding.goTo(sounding.placeOf(this, quarters));
      return;
    }
    this.pointTheWay();
    this.move(quarters);
  }

  move(quarters) {
    this.sound.seek(this.secondsAt(quarters));
    if (!this.sound.loop) this.loopSpan = null;
    if (this.drawing.ready && !this.drawing.shows(quarters)) {
      const width = this.drawing.view[1] - this.drawing.view[0];
      this.drawing.show(quarters - width * 0.1, quarters + width * 0.9);
    }
    this.paint();
  }

  /** Go to a bar that something else on the page points at, and come into sight. Of linked players one does, the others follow. */
  visit({ measure, piece, group }) {
    if (!this.data || (piece && piece !== this.data.piece) || (group && group !== this.group)) return;
    if (group && this.guide(measure) !== this) return;
    const bar = Math.max(1, Math.min(measure, this.data.measures));
    if (this.loopSpan) this.setLoop(null);
    this.goTo((bar - 1) * this.data.bar);
    this.say(`Bar ${bar}`);
    this.scroll("nearest");
  }

  /** Whoever asks for a piece from the end of a long form, or on a narrow screen, is taken to where it appears. */
  comeIntoSight() {
    const { top, bottom } = this.parts.stage.getBoundingClientRect();
    if (Math.min(bottom, innerHeight) - Math.max(top, 0) < innerHeight * 0.3) this.scroll("start", "14rem"); // its title stands above it
  }

  scroll(block, margin = "") {
    this.root.style.scrollMarginTop = margin;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.root.scrollIntoView({ block, behavior: calm ? "auto" : "smooth" });
  }

  /** Loop a span of quarters (`[from, to]`), or stop looping. */
  setLoop(span) {
    this.loop(span);
    for (const peer of this.peers) peer.loop(span && span.map((edge) => peer.placeOf(this, edge)));
  }

  loop(wanted) {
    const span = wanted && wanted[1] > wanted[0] ? wanted : null;
    this.loopSpan = span;
    this.sound.setLoop(span && { from: this.secondsAt(span[0]), to: Math.min(this.secondsAt(span[1]), this.data.seconds) });
    this.paint();
  }

  toggleLoop() {
    this.setLoop(this.loopSpan ? null : spanAt(this.data.phrases, this.quarters)?.slice(0, 2) ?? [0, this.data.quarters]);
  }

  // --- what is seen ------------------------------------------------------------------------------------------------

  paint() {
    if (!this.data) return;
    const { data, parts, sound } = this;
    const place = this.quarters;
    const playing = sound.playing;
    const state = playing ? "playing" : this.wanted && sound.state === "loading" ? "loading" : sound.state === "failed" ? "failed" : "paused";
    if (this.root.dataset.state !== state) {
      this.root.dataset.state = state;
      parts.play.ariaLabel = playing ? "Pause" : "Play";
      parts.play.title = playing ? "Pause (space)" : "Play (space)";
      if (state === "loading") this.say("Loading the sound …");
    }
    this.drawing.place(place);
    this.drawing.cover(parts.loop, this.loopSpan);
    const bar = Math.min(data.measures, Math.floor(place / data.bar + 1e-6) + 1);
    const chord = spanAt(data.chords, place);
    const phrase = spanAt(data.phrases, place);
    const now = MARK.seconds(sound.position);
    this.write(parts.now, now);
    this.write(parts.measure, String(bar));
    this.write(parts.chord, chord?.[2] ?? "–");
    this.write(parts.key, chord?.[3] ?? "–");
    this.write(parts.place, phrase?.[2] ?? "–");
    parts.seek.value = sound.position;
    if (this.spoken !== bar) {
      this.spoken = bar;
      parts.seek.ariaValueText = `Bar ${bar} of ${data.measures}, ${now}`;
    }
    parts["loop-button"].ariaPressed = String(Boolean(this.loopSpan));
    this.root.dataset.position = place.toFixed(3);
    this.tellPeers();
  }

  write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  say(text, problem = false) {
    this.parts.status.textContent = text;
    this.parts.status.dataset.kind = problem ? "problem" : "";
  }

  // --- hands -------------------------------------------------------------------------------------------------------

  wire() {
    const { parts, root } = this;
    const signal = this.listeners.signal;
    const on = (target, type, handler, options = {}) => target.addEventListener(type, handler, { signal, ...options });
    on(parts.play, "click", () => this.togglePlay());
    on(parts.start, "click", () => this.data && this.goTo(0));
    on(parts["loop-button"], "click", () => this.data && this.toggleLoop());
    on(parts["zoom-in"], "click", () => this.data && this.drawing.zoom(0.5, this.zoomCentre()));
    on(parts["zoom-out"], "click", () => this.data && this.drawing.zoom(2, this.zoomCentre()));
    on(parts.fit, "click", () => this.data && this.drawing.show(0, this.data.quarters));
    on(parts.seek, "input", () => this.data && this.goTo(interpolate(this.data.times, this.data.grid, Number(parts.seek.value))));
    on(this.volume, "input", () => {
      for (const each of new Set([this, ...this.peers])) {
        each.volume.value = this.volume.value;
        each.sound.setVolume(Number(this.volume.value));
      }
    });
    on(root, "pointerdown", () => (active = this), { capture: true });
    on(root, "focusin", () => (active = this));
    on(root, "keydown", (event) => this.key(event));
    on(document, "keydown", (event) => this.space(event));
    on(document, "keydown", (event) => this.changeOver(event));
    on(window, "workbench:seek", (event) => this.visit(event.detail));
    on(parts.stage, "wheel", (event) => this.wheel(event), { passive: false });
    on(parts.stage, "pointerdown", (event) => this.press(event), { capture: true });
    on(window, "pointermove", (event) => this.drag(event));
    on(window, "pointerup", (event) => this.release(event), { capture: true });
    on(window, "pointercancel", () => this.letGo());
    on(parts.stage, "dblclick", () => this.data && this.drawing.show(0, this.data.quarters));
  }

  zoomCentre() {
    const place = this.quarters;
    const [from, to] = this.drawing.view;
    return this.drawing.shows(place) ? place : (from + to) / 2;
  }

  space(event) {
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !this.data) return;
    if ((active ?? players.values().next().value)?.ear !== this) return;
    const focused = event.composedPath()[0];
    if (focused.closest?.("input:not(.wb-seek), textarea, select, button, a[href], [contenteditable='true'], [role='button'], [role='tab'], [role='slider'], [role='combobox'], [role='listbox'], [role='dialog'], summary")) return;
    event.preventDefault();
    this.togglePlay();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.data) return;
    if (event.target.matches("input") && !["Home", "l", "+", "-", "0"].includes(event.key) && event.target !== this.parts.seek) return;
    const bar = this.data.bar;
    const place = this.quarters;
    const actions = {
      ArrowLeft: () => this.goTo(Math.max(0, (Math.ceil(place / bar - 0.05) - 1) * bar)),
      ArrowRight: () => this.goTo(Math.min(this.data.quarters, (Math.floor(place / bar + 1e-3) + 1) * bar)),
      Home: () => this.goTo(0),
      l: () => this.toggleLoop(),
      "+": () => this.drawing.zoom(0.5, this.zoomCentre()),
      "-": () => this.drawing.zoom(2, this.zoomCentre()),
      0: () => this.drawing.show(0, this.data.quarters),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  wheel(event) {
    if (!this.drawing.ready) return;
    const [from, to] = this.drawing.view;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.drawing.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.004))), this.drawing.toQuarters(this.x(event)));
    } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY) && to - from < this.data.quarters) {
      event.preventDefault();
      const by = (sideways / this.parts.stage.clientWidth) * (to - from);
      this.drawing.show(Math.max(0, from + by), Math.max(0, from + by) + to - from);
    }
  }

  x(event) {
    return event.clientX - this.parts.stage.getBoundingClientRect().left;
  }

  press(event) {
    if (event.button !== 0 || !this.drawing.ready) return;
    this.held = { x: this.x(event), y: event.clientY, view: [...this.drawing.view], moved: false, touch: event.pointerType !== "mouse", phrase: this.phraseUnder() };
  }

  drag(event) {
    if (!this.held) return;
    const { held, drawing } = this;
    const x = this.x(event);
    if (!held.moved && Math.abs(x - held.x) < 6) return;
    held.moved = true;
    if (held.touch) {
      const by = drawing.toQuarters(held.x) - drawing.toQuarters(x);
      const width = held.view[1] - held.view[0];
      if (width < this.data.quarters) drawing.show(drawing.view[0] + by, drawing.view[0] + by + width);
      held.x = x;
    } else {
      const span = [drawing.toQuarters(held.x), drawing.toQuarters(x)].sort((a, b) => a - b);
      drawing.cover(this.parts.selection, span);
    }
  }

  release(event) {
    const { held, drawing } = this;
    if (!held) return;
    this.letGo();
    const x = this.x(event);
    if (held.moved) {
      if (!held.touch) {
        const span = [drawing.toQuarters(held.x), drawing.toQuarters(x)].sort((a, b) => a - b);
        if (span[1] - span[0] > 0.5) drawing.show(...span);
      }
      return;
    }
    if (Math.abs(event.clientY - held.y) > 8) return;
    if (held.phrase) {
      const same = this.loopSpan && this.loopSpan[0] === held.phrase[0];
      this.setLoop(same ? null : held.phrase);
      return;
    }
    this.goTo(drawing.toQuarters(x));
  }

  letGo() {
    this.held = null;
    this.drawing.cover(this.parts.selection, null);
  }

  /** The `[from, to]` of the phrase bracket under the pointer, if it is on one. */
  phraseUnder() {
    const point = this.drawing.hovered;
    if (point?.data?.meta?.lane !== "phrases" || point.data.meta.role !== "span") return null;
    const [from, to] = point.customdata ?? [];
    return Number.isFinite(from) && Number.isFinite(to) ? [from, to] : null;
  }

  close() {
    this.hearing?.abort();
    clearTimeout(this.idle);
    cancelAnimationFrame(this.frame);
    this.listeners.abort();
    this.sound.close();
    this.drawing.close();
    if (active === this) active = null;
    this.leave();
  }
}

/** Whether the page that an element lies on is dark. */
function onDark(element) {
  const text = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const channels = text.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(text.length > 5 ? text.slice(at, at + 2) : text[(at + 1) / 2].repeat(2), 16))
    : (text.match(/[\d.]+/g) ?? [255, 255, 255]).slice(0, 3).map(Number);
  return 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2] < 128;
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  let player = players.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    players.set(parentElement, player);
  }
  const dark = onDark(player.root);
  if (data && data.dark !== dark && player.told !== dark) {
    // The server guessed the theme wrong (it cannot know it at first): ask for the other inks instead of drawing twice.
    player.told = dark;
    setStateValue("dark", dark);
  } else {
    if (data && data.dark === dark) player.told = undefined;
    player.update(data);
  }
  return () => {
    const closed = players.get(parentElement);
    const left = closed?.peers ?? [];
    closed?.close();
    players.delete(parentElement);
    for (const each of left) each.offerEars();
  };
}
