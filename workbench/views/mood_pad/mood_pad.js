// A plane of valence (left to right) and arousal (bottom to top) with one dot to drag or to move with the arrow keys.

const pads = new Map(); // parentElement -> Pad

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const round = (value) => Math.round(value * 20) / 20;

class Pad {
  constructor(parent) {
    const find = (name) => parent.querySelector(`.wb-${name}`);
    this.plane = find("mood-plane");
    this.dot = find("mood-dot");
    this.word = find("mood-word");
    this.inputs = [find("valence"), find("arousal")];
    this.corners = ["tl", "tr", "bl", "br"].map(find);
    this.mood = null;
    this.plane.onpointerdown = (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.plane.setPointerCapture(event.pointerId);
      this.dragging = true;
      this.point(event);
      this.dot.focus({ preventScroll: true });
    };
    this.plane.onpointermove = (event) => this.dragging && this.point(event);
    this.plane.onpointerup = this.plane.onpointercancel = () => {
      if (!this.dragging) return;
      this.dragging = false;
      this.tell(0);
    };
    this.dot.onkeydown = (event) => {
      const step = event.shiftKey ? 0.2 : 0.05;
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
      if (!move) return;
      event.preventDefault();
      this.set([this.mood[0] + move[0], this.mood[1] + move[1]]);
      this.tell(350);
    };
    for (const input of this.inputs) {
      input.onchange = () => {
        const mood = this.inputs.map((field, index) => (Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : this.mood[index]));
        this.set(mood);
        this.tell(150);
      };
      input.onblur = () => this.draw();
    }
  }

  point(event) {
    const box = this.plane.getBoundingClientRect();
    this.set([((event.clientX - box.left) / box.width) * 2 - 1, 1 - (event.clientY - box.top) / box.height]);
  }

  set([valence, arousal]) {
    this.mood = [clamp(round(valence), -1, 1), clamp(round(arousal), 0, 1)];
    this.draw();
  }

  draw() {
    const [valence, arousal] = this.mood;
    this.dot.style.left = `${((valence + 1) / 2) * 100}%`;
    this.dot.style.top = `${(1 - arousal) * 100}%`;
    const words = this.words;
    const word = words[clamp(Math.floor((1 - arousal) * 3), 0, 2)][clamp(Math.floor((valence + 1) * 1.5), 0, 2)];
    this.word.textContent = word;
    this.dot.ariaValueNow = String(valence);
    this.dot.ariaValueText = `${word}: valence ${valence}, arousal ${arousal}`;
    this.inputs.forEach((input, index) => {
      // A number that is being typed is left alone.
      if (input !== document.activeElement && input.valueAsNumber !== this.mood[index]) input.value = this.mood[index];
    });
  }

  /** Tell the server, after a pause in which no further key is pressed. */
  tell(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.sent = JSON.stringify(this.mood);
      this.send([...this.mood]);
    }, pause);
  }

  update(data, send) {
    this.send = send;
    this.words = data.words;
    const [top, , bottom] = data.words;
    [top[0], top[2], bottom[0], bottom[2]].forEach((word, index) => (this.corners[index].textContent = word));
    // The server's mood counts only when it is news: what is being dragged here must not jump back.
    const news = JSON.stringify([data.version, data.mood]);
    if (this.news === news) return;
    this.news = news;
    const echo = this.sent === JSON.stringify(data.mood) && this.version === data.version;
    this.version = data.version;
    if (this.dragging || this.timer || echo) return;
    this.mood = [...data.mood];
    this.draw();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  if (!pads.has(parentElement)) pads.set(parentElement, new Pad(parentElement));
  pads.get(parentElement).update(data, (mood) => setStateValue("mood", mood));
  return () => {
    clearTimeout(pads.get(parentElement)?.timer);
    pads.delete(parentElement);
  };
}
