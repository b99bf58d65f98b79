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

  const opened = [];
  addEventListener("beforeprint", () => {
    for (const item of document.querySelectorAll("details:not([open])")) { item.open = true; opened.push(item); }
  });
  addEventListener("afterprint", () => { for (const item of opened.splice(0)) item.open = false; });
})();
