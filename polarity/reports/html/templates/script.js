(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const remember = (value) => {
    try { localStorage.setItem("polarity-theme", value); } catch { /* files may have no storage */ }
  };
  const recall = () => {
    try { return localStorage.getItem("polarity-theme"); } catch { return null; }
  };
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const tell = () => { button.textContent = dark() ? "Light" : "Dark"; };
  if (recall()) root.dataset.theme = recall();
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember(root.dataset.theme);
    tell();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  tell();

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const sections = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    let current = sections[0];
    for (const section of sections) if (section.getBoundingClientRect().top < innerHeight * 0.3) current = section;
    const atEnd = innerHeight + scrollY >= document.body.scrollHeight - 2;
    if (atEnd && scrollY > 0) current = sections[sections.length - 1];
    for (const [id, link] of links) {
      if (current && id === current.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  mark();

  const boxes = [...document.querySelectorAll(".scroll")];
  const reach = () => { // a table that is wider than its box is scrolled by keys; any other is no stop on the way
    for (const box of boxes) {
      if (box.scrollWidth > box.clientWidth || (box.matches(".tall") && box.scrollHeight > box.clientHeight)) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", "Scrolls: " + box.querySelector("caption").textContent);
      } else for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  };
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
  reach();

  const key = (cell) => { // the number that a cell begins with, or its text; names of code may begin with digits
    const text = cell.childNodes.length ? cell.childNodes[0].textContent.trim() : "";
    const times = /^\d/.test(text) ? [...text.matchAll(/([\d.]+) (h|min|s)(?= |$)/g)] : []; // as 1 h 5 min
    const seconds = times.reduce((sum, [, number, unit]) => sum + number * { h: 3600, min: 60, s: 1 }[unit], 0);
    const value = cell.matches(".code") ? NaN : times.length ? seconds : parseFloat(text.replaceAll(",", "").replace("\u2212", "-").replace("<", ""));
    return { value, text: cell.textContent.trim(), absent: /^(\u2013|)$/.test(text) };
  };
  const compare = (one, two, down) => { // numbers before texts, and what is absent last
    if (one.absent !== two.absent) return one.absent - two.absent;
    const texts = Number.isNaN(one.value) - Number.isNaN(two.value);
    if (texts) return texts;
    return (Number.isNaN(one.value) ? one.text.localeCompare(two.text) : one.value - two.value) * (down ? -1 : 1);
  };
  for (const table of document.querySelectorAll("table:not(.matrix)")) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 4) continue;
    for (const head of heads) {
      if (head.querySelector("svg, .unseen") || !head.textContent.trim()) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows], moved = rows.filter((row) => !row.matches(".sum"));
        const keys = new Map(moved.map((row) => [row, key(row.cells[heads.indexOf(head)])]));
        moved.sort((one, two) => compare(keys.get(one), keys.get(two), down));
        body.append(...moved, ...rows.filter((row) => row.matches(".sum")));
      });
    }
  }

  const finders = new Map();
  for (const found of document.querySelectorAll(".found")) {
    const finder = found.querySelector(".finder"), selects = [...finder.querySelectorAll("select")];
    const search = finder.querySelector("input"), rest = found.querySelector("details");
    const items = [...found.querySelectorAll("li, tbody tr")];
    const filter = () => {
      const wanted = search.value.trim().toLocaleLowerCase(), set = selects.filter((select) => select.value);
      for (const item of items) {
        item.hidden = set.some((select) => item.dataset[select.dataset.key] !== select.value)
          || Boolean(wanted && !item.textContent.toLocaleLowerCase().includes(wanted));
      }
      if (rest && (wanted || set.length)) rest.open = true;
      finder.querySelector("output").value = items.filter((item) => !item.hidden).length + " of " + items.length;
    };
    for (const input of [...selects, search]) input.addEventListener("input", filter);
    finders.set(found.dataset.task, (...wanted) => {
      selects.forEach((select, number) => { select.value = wanted[number]; });
      search.value = "";
      filter();
    });
    finder.hidden = false;
    filter();
  }
  document.addEventListener("click", (event) => {
    const { task, label, predicted } = event.target.closest("a[data-task]")?.dataset ?? {};
    finders.get(task)?.(label, predicted);
  });
})();
