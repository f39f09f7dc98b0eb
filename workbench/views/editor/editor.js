// A text box with line numbers that tells the server what was typed once the hands rest.

const PAUSE = 400; // ms
const editors = new Map(); // parentElement -> Editor

class Editor {
  constructor(parent) {
    const find = (name) => parent.querySelector(name);
    this.root = find(".wb-editor");
    this.text = find("textarea");
    this.gutter = find(".wb-lines");
    [this.says, this.hints] = [find(".wb-says strong"), find(".wb-says span")];
    this.jump = find(".wb-says button");
    this.listeners = new AbortController();
    const signal = this.listeners.signal;
    this.text.addEventListener("input", () => this.typed(), { signal });
    this.text.addEventListener("scroll", () => (this.gutter.scrollTop = this.text.scrollTop), { signal });
    this.text.addEventListener("blur", () => this.timer && this.tell(), { signal });
    this.jump.addEventListener("click", () => this.goTo(this.data.line), { signal });
    window.addEventListener("workbench:line", (event) => this.goTo(event.detail.line), { signal });
  }

  typed() {
    const value = this.text.value;
    // A character is at most three bytes here, so most texts need no counting.
    const bytes = value.length * 3 > this.data.most ? new TextEncoder().encode(value).length : 0;
    if (bytes > this.data.most) {
      this.text.value = this.kept;
      this.say(`That text is ${(bytes / 1e6).toFixed(1)} MB long; at most 1 MB is read.`, "The text is as it was before.");
      return;
    }
    this.kept = value;
    this.number();
    this.say("Checking …", "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), value.length > 200_000 ? 3 * PAUSE : PAUSE);
  }

  tell() {
    clearTimeout(this.timer);
    this.timer = null;
    this.sent = this.kept;
    this.count = (this.count ?? 0) + 1;
    this.send({ piece: this.data.piece, version: this.data.version, text: this.kept, count: this.count });
  }

  number() {
    let count = 1;
    for (let at = this.kept.indexOf("\n"); at >= 0; at = this.kept.indexOf("\n", at + 1)) count += 1;
    const { gutter } = this;
    while (gutter.childElementCount > count) gutter.lastElementChild.remove();
    const added = [];
    for (let line = gutter.childElementCount + 1; line <= count; line += 1) {
      added.push(Object.assign(document.createElement("div"), { textContent: line }));
    }
    gutter.append(...added);
    gutter.scrollTop = this.text.scrollTop;
  }

  say(text, hint, line = null) {
    this.says.textContent = text;
    this.hints.textContent = hint;
    this.jump.hidden = !line;
    this.jump.textContent = `Line ${line}`;
  }

  /** Put the cursor on a line, marked from end to end. */
  goTo(line) {
    const lines = this.kept.split("\n");
    const at = Math.min(line, lines.length) - 1;
    const start = lines.slice(0, at).reduce((sum, text) => sum + text.length + 1, 0);
    this.text.focus({ preventScroll: true });
    this.text.setSelectionRange(start, start + lines[at].length);
    this.text.scrollTop = Math.max(0, at * 20 - this.text.clientHeight / 2);
    this.text.scrollLeft = 0;
    this.root.scrollIntoView({ block: "nearest" });
  }

  update(data, send) {
    this.send = send;
    const news = `${data.piece}/${data.version}`;
    if (this.news !== news) {
      this.news = news;
      clearTimeout(this.timer);
      this.timer = null;
      this.text.value = this.kept = this.sent = data.text;
      this.number();
    }
    this.data = data;
    if (this.timer) return;
    clearTimeout(this.retry);
    if (data.text !== this.kept) {
      // An answer to an older text would only confuse. When no newer one follows, the server has forgotten: tell it once more.
      if (this.sent === this.kept && this.retold !== this.kept) {
        this.retry = setTimeout(() => {
          this.retold = this.kept;
          this.tell();
        }, 1500);
      }
      return;
    }
    this.root.dataset.state = data.valid ? "valid" : "invalid";
    this.text.setAttribute("aria-invalid", String(!data.valid));
    this.say(data.message, data.hint, data.valid ? null : data.line);
    this.gutter.querySelector(".wb-bad")?.classList.remove("wb-bad");
    if (!data.valid && data.line) this.gutter.children[data.line - 1]?.classList.add("wb-bad");
  }

  close() {
    clearTimeout(this.retry);
    if (this.timer) this.tell();
    this.listeners.abort();
  }
}

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  if (!editors.has(parentElement)) editors.set(parentElement, new Editor(parentElement));
  editors.get(parentElement).update(data, (typed) => setStateValue("typed", typed));
  return () => {
    editors.get(parentElement)?.close();
    editors.delete(parentElement);
  };
}
