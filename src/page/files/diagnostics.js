// The script's diagnostics: each message with its line, the word underlined, the trace of calls, and hints.

import { make, setHidden, withCode } from "./element.js";

export class Diagnostics {
    #drawn = "[]";

    constructor() {
        this.element = make("section", { class: "diagnostics", "aria-label": "What is wrong", hidden: true });
    }

    update(diagnostics) {
        const text = JSON.stringify(diagnostics);
        if (text === this.#drawn) return;
        this.#drawn = text;
        this.element.replaceChildren(...diagnostics.map(drawn));
        setHidden(this.element, diagnostics.length === 0);
    }
}

function drawn({ severity, message, place, trace, hints }) {
    const at = (place) => `${place.file}:${place.line}:${place.column}`;
    const steps = (trace ?? []).map(({ what, place }) =>
        make("li", {}, ...withCode(what), place ? make("span", { class: "quiet" }, `  ${at(place)}`) : null));
    return make("article", { class: `diagnostic ${severity}`, "data-test": "diagnostic", "data-severity": severity },
        make("h3", {}, make("span", { class: "severity" }, severity === "warning" ? "Warning" : "Error"), " ",
            make("span", {}, ...withCode(message))),
        place ? make("p", { class: "at" }, at(place)) : null,
        place?.text ? codeFrame(place) : null,
        steps.length ? make("ol", { class: "trace", "aria-label": "How the script came there" }, steps) : null,
        ...(hints ?? []).map((hint) => make("p", { class: "hint" }, "→ ", ...withCode(hint))));
}

/// The line with its number, the word underlined. Columns count characters.
function codeFrame({ line, column, text, length }) {
    const letters = Array.from(text);
    const start = Math.min(Math.max(column - 1, 0), letters.length);
    const end = Math.min(start + Math.max(length ?? 1, 1), letters.length);
    const part = (from, to) => letters.slice(from, to).join("");
    return make("pre", { class: "frame", tabindex: "0" },
        make("span", { class: "number", "aria-hidden": "true" }, `${line} │ `),
        part(0, start),
        // An error at the line's end has no word to underline.
        start < end ? make("mark", {}, part(start, end)) : make("mark", {}, " "),
        part(end, letters.length));
}
