// The search of a gallery: as one types, the recipes that have all words stay.

import { setHidden, setText } from "./element.js";
import { count } from "./words.js";

const field = document.getElementById("search");
const recipes = [...document.querySelectorAll("#recipes > li")]
    .map((element) => ({ element, text: element.textContent.toLowerCase() }));

function search() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { element, text } of recipes) {
        const fits = words.every((word) => text.includes(word));
        setHidden(element, !fits);
        found += Number(fits);
    }
    const all = count(recipes.length, "recipe");
    setText(document.getElementById("count"), words.length ? `${found} of ${all}` : all);
    const none = document.getElementById("none");
    setHidden(none, found > 0 || recipes.length === 0);
    setText(none, found ? "" : `No recipe has ${words.map((word) => `“${word}”`).join(" and ")}.`);
}

field.addEventListener("input", search);
addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && document.activeElement !== field) {
        field.focus();
        event.preventDefault();
    } else if (event.key === "Escape" && field.value) {
        field.value = "";
        search();
    }
});
// A browser may have kept what was typed before.
search();
