// Two pieces to be heard one after the other: their sounds are asked for by tokens that say nothing.

const PAIRS = new WeakMap();
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

class BlindSide {
  constructor(root, pair) {
    this.root = root;
    this.pair = pair;
    this.name = root.dataset.side.toUpperCase();
    this.button = root.querySelector("button");
    this.seek = root.querySelector("input");
    this.time = root.querySelector(".wb-blind-time");
    this.canvas = root.querySelector("canvas");
    this.status = root.querySelector("p");
    this.audio = new Audio();
    this.button.onclick = () => this.toggle();
    this.seek.oninput = () => this.goTo(Number(this.seek.value));
    this.canvas.onclick = (event) => this.goTo((event.offsetX / this.canvas.clientWidth) * this.seconds);
    for (const type of ["play", "pause", "ended"]) this.audio.addEventListener(type, () => this.paint());
    this.audio.addEventListener("timeupdate", () => this.paint());
    this.resized = new ResizeObserver(() => this.paint());
    this.resized.observe(this.canvas);
  }

  open(data) {
    this.close();
    this.notes = data.notes;
    this.seconds = data.seconds;
    this.url = data.url;
    this.seek.max = data.seconds;
    this.load();
    this.paint();
  }

  load() {
    const abort = (this.abort = new AbortController());
    this.say("Loading the sound …");
    this.loading = fetch(this.url, { signal: abort.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || "The sound is missing.");
        this.object = URL.createObjectURL(await answer.blob());
        this.audio.src = this.object;
        this.root.dataset.ready = "yes";
        this.say("");
      })
      .catch((problem) => {
        if (abort.signal.aborted) return;
        this.loading = null; // so that pressing play tries again
        this.say(String(problem.message || problem));
      });
    return this.loading;
  }

  async toggle() {
    if (!this.audio.paused) return this.audio.pause();
    await (this.loading ?? this.load());
    if (!this.object) return;
    this.pair.other(this).audio.pause();
    this.audio.play().catch((problem) => this.say(String(problem.message || problem)));
  }

  goTo(seconds) {
    if (this.object) this.audio.currentTime = Math.min(Math.max(0, seconds), this.seconds);
    this.paint();
  }

  say(text) {
    this.status.textContent = text;
  }

  paint() {
    if (!this.notes) return;
    const at = this.audio.currentTime || 0;
    const playing = !this.audio.paused && !this.audio.ended;
    this.root.dataset.state = playing ? "playing" : "paused";
    this.button.ariaLabel = `${playing ? "Pause" : "Play"} ${this.name}`;
    this.button.lastElementChild.textContent = playing ? "❚❚" : "▶";
    this.seek.value = at;
    this.seek.ariaValueText = `${clock(at)} of ${clock(this.seconds)}`;
    this.time.textContent = `${clock(at)} / ${clock(this.seconds)}`;
    this.draw(at);
    if (playing && !this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
    }
  }

  draw(at) {
    const { canvas, notes, seconds } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const ink = canvas.getContext("2d");
    const style = getComputedStyle(this.root);
    ink.setTransform(scale, 0, 0, scale, 0, 0);
    ink.clearRect(0, 0, width, height);
    let [low, high] = [127, 0];
    for (const note of notes) [low, high] = [Math.min(low, note[2]), Math.max(high, note[2])];
    const row = height / Math.max(12, high - low + 3);
    for (const [start, end, midi, voice] of notes) {
      ink.fillStyle = style.color;
      ink.globalAlpha = voice ? 0.45 : 0.9;
      const x = (start / seconds) * width;
      ink.fillRect(x, height - (midi - low + 2) * row, Math.max(1.2, ((end - start) / seconds) * width - 0.6), Math.max(2, row - 0.5));
    }
    ink.globalAlpha = 1;
    ink.fillStyle = style.getPropertyValue("--st-primary-color") || style.color;
    ink.fillRect((at / seconds) * width - 1, 0, 2, height);
  }

  close() {
    this.abort?.abort();
    this.audio.pause();
    this.audio.removeAttribute("src");
    if (this.object) URL.revokeObjectURL(this.object);
    this.object = this.loading = null;
    delete this.root.dataset.ready;
  }
}

class BlindPair {
  constructor(root) {
    this.root = root;
    this.sides = [...root.querySelectorAll(".wb-blind-side")].map((each) => new BlindSide(each, this));
    this.listening = new AbortController();
    document.addEventListener("keydown", (event) => this.key(event), { signal: this.listening.signal });
  }

  other(side) {
    return this.sides[this.sides[0] === side ? 1 : 0];
  }

  key(event) {
    const side = { 1: 0, 2: 1 }[event.key];
    if (side === undefined || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const focused = event.composedPath()[0];
    if (focused.closest?.("input:not([type=range]), textarea, select, [contenteditable='true'], [role='combobox'], [role='dialog']")) return;
    event.preventDefault();
    this.sides[side].toggle();
  }

  show(data) {
    if (this.root.dataset.pair !== data.pair) {
      this.root.dataset.pair = data.pair;
      this.sides.forEach((each, at) => each.open(data.sides[at]));
    }
    this.sides.forEach((each) => each.paint());
  }

  close() {
    this.listening.abort();
    for (const each of this.sides) {
      each.resized.disconnect();
      each.close();
    }
  }
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".wb-blind");
  if (!PAIRS.has(root)) PAIRS.set(root, new BlindPair(root));
  PAIRS.get(root).show(data);
  return () => {
    PAIRS.get(root)?.close();
    PAIRS.delete(root);
    delete root.dataset.pair;
  };
}
