// Results as a grid: rows in groups that open, a button in every cell, one way in for the Tab key and arrows inside.

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".wb-results");
  const table = root.querySelector("table");
  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  // What a reader has opened stays open when the table is taken away and comes back.
  const opened = (window.wbResultsOpen ??= new Map());
  const placeOf = (group) => `${data.label} / ${group.title}`;

  const bar = ([low, middle, high]) => {
    const drawn = make("span", { className: "wb-bar", ariaHidden: "true" });
    if (low !== null && high !== null) {
      const span = make("i");
      span.style.left = `${low}%`;
      span.style.width = `${Math.max(0, high - low)}%`;
      drawn.append(span);
    }
    const dot = make("em");
    dot.style.left = `${middle}%`;
    drawn.append(dot);
    return drawn;
  };

  const cell = (row, column, shown) => {
    const place = make("td");
    if (!shown) {
      const nothing = make("span", { className: "wb-none", textContent: "no value", tabIndex: -1 });
      place.append(nothing);
      return place;
    }
    const button = make("button", { type: "button", tabIndex: -1 });
    if (shown.about) button.title = shown.about;
    button.append(make("b", { textContent: shown.value }));
    if (shown.span) button.append(make("span", { className: "wb-span", textContent: shown.span }));
    if (shown.place) button.append(bar(shown.place));
    if (shown.words) {
      const mark = make("span", { className: "wb-mark", textContent: `${shown.shape ?? ""} ${shown.words ?? ""}`.trim() });
      mark.dataset.shape = shown.shape ?? "";
      button.append(mark);
    }
    const told = [shown.value, shown.span, `${shown.shape ?? ""} ${shown.words ?? ""}`.trim(), row.title, column.title];
    button.ariaLabel = told.filter(Boolean).join(", ");
    button.dataset.row = row.id;
    button.dataset.column = column.id;
    place.append(button);
    return place;
  };

  const line = (row) => {
    const head = make("th", { scope: "row" });
    if (row.about) {
      const button = make("button", { type: "button", tabIndex: -1, ariaExpanded: "false" });
      button.dataset.about = row.id;
      button.append(make("span", { className: "wb-title", textContent: row.title }));
      if (row.way) button.append(make("small", { className: "wb-way", textContent: row.way }));
      const about = make("p", { className: "wb-about", textContent: row.about, hidden: true });
      head.append(button, about);
    } else {
      head.append(make("span", { className: "wb-none", textContent: row.title }));
    }
    return make("tr", {}, head, ...data.columns.map((column) => cell(row, column, row.cells[column.id])));
  };

  const fill = (body, group, isOpen) => {
    const toggle = body.querySelector(".wb-group button");
    toggle.ariaExpanded = String(isOpen);
    toggle.querySelector("i").textContent = isOpen ? "▾" : "▸";
    while (body.rows.length > 1) body.deleteRow(1);
    if (isOpen) body.append(...group.rows.map(line));
  };

  const draw = () => {
    root.querySelector(".wb-hint").textContent = data.hint;
    table.ariaLabel = data.label;
    const corner = make("th", { scope: "col", textContent: data.corner });
    const heads = data.columns.map((column) => {
      const head = make("th", { scope: "col" }, make("span", { textContent: column.title }));
      if (column.note) head.append(make("small", { textContent: column.note }));
      return head;
    });
    table.tHead.replaceChildren(make("tr", {}, corner, ...heads));
    for (const body of [...table.tBodies]) body.remove();
    for (const group of data.groups) {
      const body = make("tbody");
      if (group.title) {
        const toggle = make("button", { type: "button", tabIndex: -1 });
        toggle.append(
          make("i", { ariaHidden: "true" }),
          make("span", { textContent: group.title }),
          make("small", { textContent: String(group.rows.length) }),
        );
        toggle.dataset.group = group.title;
        const head = make("th", { className: "wb-group", scope: "rowgroup", colSpan: data.columns.length + 1 }, toggle);
        body.append(make("tr", {}, head));
        fill(body, group, opened.get(placeOf(group)) ?? group.open);
      } else {
        body.append(...group.rows.map(line));
      }
      table.append(body);
    }
  };

  const ways = () => [...table.rows].map((row) => [...row.querySelectorAll("tbody button, tbody .wb-none[tabindex]")]).filter((row) => row.length);
  const enter = (element) => {
    for (const other of table.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    if (element) element.tabIndex = 0;
  };
  const nameOf = (element) => JSON.stringify({ ...element.dataset });

  const shown = JSON.stringify(data);
  if (root.wbShown !== shown) {
    root.wbShown = shown;
    const focused = root.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    const place = root.wbPlace;
    draw();
    const all = ways().flat();
    const again = all.find((element) => nameOf(element) === (focused ?? place));
    enter(again ?? all[0]);
    if (focused && again) again.focus({ preventScroll: true });
  }

  root.onclick = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    enter(button);
    if (button.dataset.group !== undefined) {
      const group = data.groups.find((each) => each.title === button.dataset.group);
      const isOpen = button.ariaExpanded !== "true";
      opened.set(placeOf(group), isOpen);
      fill(button.closest("tbody"), group, isOpen);
    } else if (button.dataset.about !== undefined) {
      const about = button.nextElementSibling;
      about.hidden = !about.hidden;
      button.ariaExpanded = String(!about.hidden);
    } else {
      setTriggerValue("chosen", [button.dataset.row, button.dataset.column]);
    }
  };
  root.onfocusin = (event) => {
    if (event.target.matches("button, .wb-none[tabindex]")) {
      enter(event.target);
      root.wbPlace = nameOf(event.target);
    }
  };
  root.onkeydown = (event) => {
    const keys = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End", "PageDown", "PageUp"];
    if (!keys.includes(event.key) || event.altKey || event.metaKey) return;
    const rows = ways();
    const y = rows.findIndex((row) => row.includes(document.activeElement));
    if (y < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const x = rows[y].indexOf(document.activeElement);
    const across = rows[y].length > 1 ? x : (root.wbColumn ?? x);
    const far = { PageDown: 8, PageUp: -8, ArrowDown: 1, ArrowUp: -1 }[event.key];
    let to = rows[y];
    let at = x;
    if (far) {
      to = rows[Math.min(rows.length - 1, Math.max(0, y + far))];
      at = across;
    } else if (event.key === "Home" || event.key === "End") {
      if (event.ctrlKey) to = event.key === "Home" ? rows[0] : rows[rows.length - 1];
      at = event.key === "Home" ? 0 : to.length - 1;
    } else {
      at = x + (event.key === "ArrowRight" ? 1 : -1);
    }
    root.wbColumn = far ? across : at;
    const next = to[Math.min(to.length - 1, Math.max(0, at))];
    enter(next);
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
    reveal(next);
  };

  // The sticky row and column cover what scrolls under them.
  const reveal = (element) => {
    const scroll = root.querySelector(".wb-scroll");
    const own = element.getBoundingClientRect();
    const head = table.tHead.getBoundingClientRect();
    const side = table.tHead.rows[0].cells[0].getBoundingClientRect();
    if (own.top < head.bottom && own.top >= head.top - own.height) scroll.scrollTop -= head.bottom - own.top;
    if (element.closest("td") && own.left < side.right) scroll.scrollLeft -= side.right - own.left;
  };
}
