// The list of sections: the shown one in view on small screens, each in the palette.
import { offer } from "../../core/keys.js";

const links = [...document.querySelectorAll(".sections a")];
const show = () =>
  links.find((link) => link.ariaCurrent === "page")?.scrollIntoView({ block: "nearest", inline: "center" });

show();
addEventListener("resize", show);
offer(...links.map((link) => ({ label: `Settings: ${link.textContent.trim()}`, href: link.getAttribute("href") })));
