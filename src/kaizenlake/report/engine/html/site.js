"use strict";
(() => {
  const make = (tag, values) => Object.assign(document.createElement(tag), values);
  const say = (() => {
    const live = make("p", { className: "skip" });
    live.setAttribute("role", "status");
    document.querySelector("main").append(live);
    return (words) => { live.textContent = words; };
  })();

  const figure = (cell) => {
    const given = cell.dataset.value;
    if (given !== undefined && given !== "") {
      try {
        const value = JSON.parse(given);
        const first = Array.isArray(value) ? value[0] : value;
        if (first !== null) return first;
        return undefined;
      } catch { /* its words are compared */ }
    }
    const words = cell.textContent.trim();
    if (words === "–" || words === "") return undefined;
    const number = Number(words.replaceAll(",", "").replace("−", "-").replace("%", ""));
    return Number.isNaN(number) ? words : number;
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });

  const sort = (table, place, descends) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [figure(row.cells[place]), row]);
    rows.sort(([one], [other]) => {
      if (one === undefined || other === undefined) return (one === undefined) - (other === undefined);
      return descends ? compare(other, one) : compare(one, other);
    });
    body.append(...rows.map(([, row]) => row));
  };

  const filter = (label, items) => {
    const tool = make("label", { className: "tool", textContent: label });
    const input = make("input", { type: "search", autocomplete: "off" });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const [item, text] of items) {
        const is = words.every((word) => text.includes(word));
        item.hidden = !is;
        left += is;
      }
      say(`${left} of ${items.length} shown`);
    });
    tool.append(input);
    return tool;
  };
  const texts = (items) => [...items].map((item) => [item, item.textContent.toLowerCase()]);

  for (const table of document.querySelectorAll(".scroll table")) {
    const rows = table.tBodies[0].rows;
    if (rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = make("button", { type: "button", textContent: "↕" });
      const name = head.textContent.trim();
      button.setAttribute("aria-label", `Sort by ${name}`);
      button.addEventListener("click", () => {
        const descends = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) {
          other.removeAttribute("aria-sort");
          other.querySelector("button").textContent = "↕";
        }
        head.setAttribute("aria-sort", descends ? "descending" : "ascending");
        button.textContent = descends ? "↓" : "↑";
        sort(table, place, descends);
        say(`Sorted by ${name}, ${descends ? "descending" : "ascending"}`);
      });
      head.append(button);
    });
    if (rows.length > 7) table.closest(".scroll").before(filter("Filter the rows", texts(rows)));
  }

  const links = document.querySelectorAll(".found li");
  if (links.length > 12) document.querySelector(".links").before(filter("Search all pages", texts(links)));

  for (const command of document.querySelectorAll(".command")) {
    const button = make("button", { type: "button", textContent: "Copy" });
    const words = command.querySelector("code").textContent;
    button.setAttribute("aria-label", `Copy: ${words}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(words);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(command.querySelector("code"));
        button.textContent = "Selected";
      }
      say(button.textContent);
    });
    command.append(button);
  }
})();
