// The queue as a list of buttons; the chosen one is kept in sight.

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const list = parentElement.querySelector("ol");
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const shown = JSON.stringify(data.items);
  if (list.dataset.shown !== shown) {
    list.dataset.shown = shown;
    list.replaceChildren(
      ...data.items.map((item) => {
        const row = make("li", {});
        const button = make("button", { type: "button" });
        button.dataset.item = item.id;
        button.append(make("strong", { textContent: item.title }), make("small", { textContent: item.detail }));
        row.append(button);
        return row;
      }),
    );
  }
  for (const button of list.querySelectorAll("button")) {
    const current = button.dataset.item === data.current;
    if (current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    if (current && list.dataset.current !== data.current) {
      list.scrollTop = button.offsetTop - list.offsetTop - list.clientHeight / 3;
    }
    button.onclick = () => setTriggerValue("chosen", button.dataset.item);
  }
  list.dataset.current = data.current ?? "";
}
