// A text box that tells the server what was typed once the hands rest, so that a reload or a killed server loses nothing.

const PAUSE = 500; // ms
const boxes = new Map(); // parentElement -> Box

class Box {
  constructor(parent) {
    this.root = parent.querySelector(".wb-textbox");
    this.area = this.root.querySelector("textarea");
    this.label = this.root.querySelector(".wb-label");
    this.count = this.root.querySelector(".wb-count");
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("blur", () => this.timer && this.tell());
  }

  typed() {
    this.counted();
    clearTimeout(this.timer);
    // Somebody who types on without a pause is heard, too.
    this.since ??= performance.now();
    this.timer = setTimeout(() => this.tell(), performance.now() - this.since > 1000 ? 0 : PAUSE);
  }

  tell() {
    clearTimeout(this.timer);
    this.timer = this.since = undefined;
    this.sent = this.area.value;
    this.send({ version: this.data.version, text: this.area.value });
  }

  counted() {
    const left = this.data.most - this.area.value.length;
    this.count.textContent = left < this.data.most / 10 ? `${left} left` : "";
  }

  update(data, send) {
    this.send = send;
    const news = `${data.name}/${data.version}`;
    this.data = data;
    this.label.textContent = data.label;
    this.area.placeholder = data.placeholder ?? "";
    this.area.rows = data.rows ?? 3;
    this.area.maxLength = data.most;
    this.root.dataset.code = String(Boolean(data.code));
    if (this.news !== news) {
      this.news = news;
      clearTimeout(this.timer);
      this.timer = this.since = undefined;
      this.area.value = this.sent = data.text;
    } else if (!this.timer && data.text !== this.area.value && this.sent === this.area.value && this.retold !== this.area.value) {
      // The server does not know what was typed last: it was started again meanwhile.
      this.retold = this.area.value;
      this.timer = setTimeout(() => this.tell(), 1500);
    }
    this.counted();
  }

  close() {
    if (this.timer) this.tell();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  if (!boxes.has(parentElement)) boxes.set(parentElement, new Box(parentElement));
  boxes.get(parentElement).update(data, (typed) => setStateValue("typed", typed));
  return () => {
    boxes.get(parentElement)?.close();
    boxes.delete(parentElement);
  };
}
