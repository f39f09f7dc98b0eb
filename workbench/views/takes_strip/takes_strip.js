// The takes of a visit as a strip of cards: each shows its sections in their lengths and keys' colours.

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const list = parentElement.querySelector("ol");
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const shown = JSON.stringify(data.takes);
  if (list.dataset.shown !== shown) {
    list.dataset.shown = shown;
    const grown = list.children.length && list.children.length < data.takes.length;
    list.replaceChildren(
      ...data.takes.map((take) => {
        const item = make("li", {});
        const button = make("button", { type: "button", title: take.about });
        button.dataset.take = take.id;
        const form = make("span", { className: "wb-form", ariaHidden: "true" });
        for (const [weight, color] of take.sections) {
          const part = make("i", {});
          part.style.flexGrow = weight;
          part.style.background = color;
          form.append(part);
        }
        button.append(form, make("strong", { textContent: take.title }), make("small", { textContent: take.detail }));
        item.append(button);
        return item;
      }),
    );
    if (grown) list.scrollTo({ left: 0 });
  }
  for (const button of list.querySelectorAll("button")) {
    if (button.dataset.take === data.current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.onclick = () => setTriggerValue("chosen", button.dataset.take);
  }
}
