// Findings in families. A bar button moves the player's playhead, a line button the editor's cursor: both by an event on
// the window, so that neither has to be drawn again.

const SIGNS = {
  error: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-3.2 5.4L12 10.6l3.2-3.2 1.4 1.4-3.2 3.2 3.2 3.2-1.4 1.4-3.2-3.2-3.2 3.2-1.4-1.4 3.2-3.2-3.2-3.2z",
  warning: "M12 2.5 1.5 21h21zM11 9.5h2v6h-2zm0 7.3h2v2h-2z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1 8.5h2V17h-2zM11 7h2v2h-2z",
};
const WORDS = { error: "Error", warning: "Warning", info: "Note" };
const SVG = "http://www.w3.org/2000/svg";

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

function sign(severity) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SIGNS[severity]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  const mark = make("span", { className: "wb-severity" }, svg, WORDS[severity]);
  mark.dataset.severity = severity;
  return mark;
}

function goTo(kind, place, number, data) {
  const word = kind === "seek" ? "Bar" : "Line";
  const button = make("button", { type: "button", textContent: `${word} ${number}` });
  button.title = kind === "seek" ? `Move the playhead to bar ${number}` : `Go to line ${number} of the text`;
  button.onclick = () => window.dispatchEvent(new CustomEvent(`workbench:${kind}`, { detail: { [place]: number, ...data } }));
  return button;
}

function item(finding, data) {
  const row = make("li", {}, sign(finding.severity));
  const body = make("div", { className: "wb-finding" }, make("p", { textContent: finding.message }));
  if (finding.hint) body.append(make("p", { className: "wb-hint", textContent: finding.hint }));
  const places = make("div", { className: "wb-places" });
  for (const measure of finding.measures) places.append(goTo("seek", "measure", measure, { piece: data.piece }));
  for (const line of finding.lines ?? []) places.append(goTo("line", "line", line, {}));
  if (finding.more) places.append(make("span", { textContent: `and ${finding.more} more` }));
  const about = make("details", { className: "wb-about" }, make("summary", { textContent: "About this check" }));
  about.append(make("p", { textContent: finding.explanation }));
  if (finding.source) about.append(make("p", { className: "wb-source", textContent: finding.source }));
  body.append(...(places.childElementCount ? [places] : []), about);
  row.append(body);
  return row;
}

function group({ title, about, findings }, data) {
  const heading = make("h3", { textContent: title });
  const list = make("ul", {}, ...findings.map((finding) => item(finding, data)));
  return make("section", {}, make("div", { className: "wb-family" }, heading, make("span", { textContent: about })), list);
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".wb-findings");
  const shown = JSON.stringify(data);
  if (root.dataset.shown === shown) return;
  root.dataset.shown = shown;
  const notes = data.notes.map((one) => group(one, data));
  const folded = make("details", { className: "wb-notes" }, make("summary", { textContent: data.noted }), ...notes);
  root.replaceChildren(...data.groups.map((one) => group(one, data)), ...(notes.length ? [folded] : []));
}
