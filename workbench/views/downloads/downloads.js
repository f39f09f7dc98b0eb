// Files of a piece: each is made by the server when its button is pressed, and tells its own failure.

async function save(file, button, note) {
  button.setAttribute("aria-busy", "true");
  note.dataset.kind = "";
  note.textContent = "Being made …";
  try {
    const answer = await fetch(file.url);
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Error([told.error, told.hint].filter(Boolean).join(" ") || `The server answered ${answer.status}.`);
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 30000);
    note.textContent = `${file.name} is saved.`;
  } catch (problem) {
    note.dataset.kind = "problem";
    note.textContent = `No ${file.title}: ${problem.message}`;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export default function (component) {
  const { parentElement, data } = component;
  const list = parentElement.querySelector(".wb-downloads");
  const shown = JSON.stringify(data.files);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  list.replaceChildren(
    ...data.files.map((file) => {
      const item = make("li", {});
      const button = make("button", { type: "button" });
      button.dataset.kind = file.kind;
      const note = make("p", { role: "status" });
      button.append(make("strong", { textContent: file.title }), make("span", { textContent: file.about }));
      button.onclick = () => button.ariaBusy !== "true" && save(file, button, note);
      item.append(button, note);
      return item;
    }),
  );
}
