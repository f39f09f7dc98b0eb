// What differs between two pieces, by section. A bar button moves the linked players by an event on the window; buttons
// above choose elements. All texts are foreign and shown as text.

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

function line({ element, place, words, bar }, group) {
  const row = make("li", {}, make("span", { className: "wb-element", textContent: element }));
  const body = make("span", { className: "wb-words" }, ...(place ? [make("b", { textContent: `${place}: ` })] : []), words);
  row.append(body);
  if (bar !== null) {
    const button = make("button", { type: "button", textContent: `Bar ${bar}`, title: `Move both playheads to bar ${bar}` });
    button.onclick = () => window.dispatchEvent(new CustomEvent("workbench:seek", { detail: { measure: bar, group } }));
    row.append(button);
  }
  row.dataset.element = element;
  return row;
}

/** Show the lines of one element, or all where none is chosen. */
function choose(root, chosen) {
  root.dataset.chosen = chosen;
  for (const button of root.querySelectorAll(".wb-elements button")) button.ariaPressed = String(button.dataset.element === chosen);
  let shown = 0;
  for (const section of root.querySelectorAll(".wb-sections section")) {
    const rows = [...section.querySelectorAll("li")];
    for (const row of rows) row.hidden = Boolean(chosen) && row.dataset.element !== chosen;
    const left = rows.filter((row) => !row.hidden).length;
    section.hidden = !left;
    shown += left;
  }
  const all = root.querySelectorAll("li").length;
  root.querySelector(".wb-count").textContent = shown === all ? `${all} difference${all === 1 ? "" : "s"}` : `${shown} of ${all} differences`;
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".wb-differences");
  const shown = JSON.stringify(data);
  if (root.dataset.shown === shown) return;
  root.dataset.shown = shown;
  const counts = new Map();
  for (const { lines } of data.sections) for (const { element } of lines) counts.set(element, (counts.get(element) ?? 0) + 1);
  const chip = (element, text) => {
    const button = make("button", { type: "button", textContent: text });
    button.dataset.element = element;
    button.onclick = () => choose(root, element);
    return button;
  };
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  root.querySelector(".wb-elements").replaceChildren(
    chip("", `All ${total}`),
    ...[...counts].map(([element, count]) => chip(element, `${element} ${count}`)),
  );
  root.querySelector(".wb-sections").replaceChildren(
    ...data.sections.map(({ title, bars, lines }) => {
      const head = make("h3", {}, title, ...(bars ? [make("small", { textContent: bars })] : []));
      return make("section", {}, head, make("ul", {}, ...lines.map((each) => line(each, data.group))));
    }),
  );
  choose(root, counts.has(root.dataset.chosen) ? root.dataset.chosen : "");
}
