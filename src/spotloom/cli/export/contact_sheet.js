"use strict";
document.documentElement.classList.add("scripted");
document.addEventListener("DOMContentLoaded", () => {
  const one = (query, within = document) => within.querySelector(query);
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const said = one("#said");
  const { lines, cards: prompts } = JSON.parse(one("#prompts").textContent);
  const cards = all(".card");
  const prompt = (card) => prompts[card.id].map((line) => lines[line]);

  // Playing: one video element for the whole page, so that never two play at a time.

  const video = document.createElement("video");
  Object.assign(video, { controls: true, playsInline: true, preload: "auto" });
  let playing = null;

  const stop = () => {
    if (!playing) return;
    const link = playing;
    const focused = document.activeElement === video;
    playing = null;
    video.pause();
    video.remove();
    video.removeAttribute("src");
    video.load();
    link.parentElement.classList.remove("playing");
    link.hidden = false;
    if (focused) link.focus({ preventScroll: true });
  };

  const play = (link) => {
    stop();
    playing = link;
    video.poster = one("img", link)?.src ?? "";
    video.src = link.href;
    video.setAttribute("aria-label", link.getAttribute("aria-label").replace(/^Play /, ""));
    link.hidden = true;
    link.after(video);
    link.parentElement.classList.add("playing");
    video.focus({ preventScroll: true });
    video.play().catch((error) => {
      if (error.name !== "AbortError" && playing === link) {
        said.textContent = "This video could not be played here; download it instead.";
      }
    });
  };

  video.addEventListener("ended", stop);
  video.tabIndex = 0;
  for (const link of all("a.frame")) link.setAttribute("role", "button");

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.frame");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    play(link);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && playing) stop();
    if (event.key === " " && event.target.matches?.("a.frame")) {
      event.preventDefault();
      play(event.target);
    }
  });

  // Scrubbing: the pointer's place across the picture is a place in the film.

  const CELLS = 25;
  const SIDE = 5;
  document.addEventListener("pointerover", (event) => {
    const link = event.pointerType === "mouse" && event.target.closest?.("a.frame[data-sprite]");
    if (!link || link.dataset.ready) return;
    link.dataset.ready = "yes";
    const sheet = new Image();
    sheet.src = link.dataset.sprite;
    sheet.decode().then(
      () => {
        const scrub = document.createElement("span");
        scrub.className = "scrub";
        scrub.style.backgroundImage = `url("${sheet.src}")`;
        link.append(scrub);
      },
      () => {},
    );
  });
  document.addEventListener("pointermove", (event) => {
    const link = event.pointerType === "mouse" && event.target.closest?.("a.frame[data-sprite]");
    const scrub = link && one(".scrub", link);
    if (!scrub) return;
    const { left, width } = link.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - left) / width, 0), 0.9999);
    const cell = Math.floor(share * CELLS);
    const place = (index) => `${(index * 100) / (SIDE - 1)}%`;
    scrub.style.backgroundPosition = `${place(cell % SIDE)} ${place(Math.floor(cell / SIDE))}`;
    scrub.style.setProperty("--at", share);
  });

  // Prompts: written into a card when first asked for.

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-prompt]");
    if (!button) return;
    const card = button.closest(".card");
    const open = button.ariaExpanded === "true";
    button.setAttribute("aria-expanded", String(!open));
    button.textContent = open ? "Prompt" : "Hide prompt";
    if (open) return one(".prompt", card).remove();
    const whole = document.createElement("div");
    whole.className = "prompt";
    for (const line of prompt(card)) {
      const paragraph = document.createElement("p");
      const label = /^[A-Z][a-z]{1,9}(?=: )/.exec(line);
      if (label) {
        const name = document.createElement("b");
        name.textContent = label[0];
        paragraph.append(name, line.slice(label[0].length + 2));
      } else {
        paragraph.textContent = line;
      }
      whole.append(paragraph);
    }
    card.append(whole);
  });

  const copyOldWay = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = prompt(button.closest(".card")).join("\n");
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copied = copyOldWay(text);
      button.focus();
    }
    button.textContent = copied ? "Copied" : "Not copied";
    said.textContent = copied ? "Prompt copied." : "The prompt could not be copied.";
    setTimeout(() => (button.textContent = "Copy prompt"), 1600);
  });

  // Filters: any of the options chosen within a group, all of the groups, all of the words.

  const search = one(".find input");
  const groups = all(".facets fieldset").map((group) => all("button", group));
  let texts = null;
  const text = (index) => {
    texts ??= cards.map((card) =>
      [one("h3", card).textContent, card.id, one(".state", card)?.textContent ?? "", ...prompt(card)]
        .join(" ")
        .toLowerCase(),
    );
    return texts[index];
  };
  const options = cards.map((card) => new Set(card.dataset.f.split(" ")));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = groups
      .map((group) => group.filter((b) => b.ariaPressed === "true").map((b) => b.dataset.f))
      .filter((group) => group.length);
    let shown = 0;
    cards.forEach((card, index) => {
      const fits =
        wanted.every((group) => group.some((option) => options[index].has(option))) &&
        words.every((word) => text(index).includes(word));
      if (!fits && playing && card.contains(playing)) stop();
      card.hidden = !fits;
      shown += fits;
    });
    one(".count").textContent = `${shown} of ${cards.length}`;
    one(".nothing").hidden = shown > 0;
    one(".bar .clear").hidden = !wanted.length && !words.length;
    one(".facets summary").dataset.on = wanted.flat().length || "";
  };
  const clear = () => {
    search.value = "";
    for (const button of groups.flat()) button.setAttribute("aria-pressed", "false");
    filter();
    search.focus();
  };

  search.addEventListener("input", filter);
  for (const button of groups.flat()) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.ariaPressed !== "true"));
      filter();
    });
  }
  for (const button of all(".clear")) button.addEventListener("click", clear);
  const facets = one(".facets");
  facets.hidden = groups.length === 0;
  facets.open = matchMedia("(min-width: 48rem)").matches && groups.flat().length <= 16;
  window.addEventListener("beforeprint", stop);

  // What the keyboard reaches must not end up beneath the bar.
  const bar = one(".tools");
  new ResizeObserver(() => {
    document.documentElement.style.scrollPaddingTop = `${bar.offsetHeight + 12}px`;
  }).observe(bar);
});
