// The details of one value of a figure: its parameters, seed and fingerprint, its line in the script, its pictures, and the
// command that computes only it.

import { copyButton, make, setHidden } from "./element.js";
import { source } from "./source.js";

export class Details {
    #panel;
    #card = null;
    #asked = 0;

    constructor(panel) {
        this.#panel = panel;
    }

    get isOpen() {
        return !this.#panel.hidden;
    }

    async open(card, spot) {
        const asked = ++this.#asked;
        this.#card?.pin(null);
        this.#card = card;
        card.pin(spot);
        const url = card.url("/point", `?${spot.query}`);
        const title = make("h2", { id: "details-title", tabindex: "-1" }, card.item.title || card.item.name);
        const close = make("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => this.close() }, "✕");
        const where = make("dl", { class: "where" }, spot.lines.map(([name, value]) =>
            make("div", {}, make("dt", {}, name || "curve or image"), make("dd", {}, value))));
        const body = make("div", {}, make("p", { class: "quiet" }, "…"));
        const edit = make("p", { class: "quiet of-edits" }, `edit ${card.source.number}`);
        this.#panel.replaceChildren(make("header", {}, title, close), edit, where, body);
        setHidden(this.#panel, false);
        document.documentElement.classList.add("with-details");
        title.focus({ preventScroll: true });
        let point;
        try {
            point = await source.json(url);
        } catch (error) {
            if (asked === this.#asked) body.replaceChildren(make("p", { class: "problem" }, `No details: ${error.message || "no answer"}`));
            return;
        }
        if (asked !== this.#asked) return;
        // Lines of the tooltip that the details repeat are left out here.
        const repeated = new Set(point.rows.length === 1 ? [...Object.keys(point.rows[0].parameters), point.rows[0].over, "seed"] : []);
        const shown = spot.value?.status === "ok" ? spot.value.line : null;
        const said = spot.lines.map(([name], i) => repeated.has(name) || i === shown);
        [...where.children].forEach((line, i) => said[i] && line.remove());
        setHidden(where, said.every(Boolean));
        body.replaceChildren(...about(point, spot));
    }

    close() {
        if (!this.isOpen) return;
        this.#asked += 1;
        setHidden(this.#panel, true);
        document.documentElement.classList.remove("with-details");
        this.#card.pin(null);
        if (this.#card.element.isConnected) this.#card.element.focus({ preventScroll: true });
        this.#card = null;
    }
}

function about(point, { lines, value }) {
    const parts = [];
    if (value?.status === "failed") parts.push(make("p", { class: "problem" }, "This point failed."));
    else if (value?.status === "diverged") parts.push(make("p", { class: "problem" }, "A training that this point rests on diverged."));
    else if (value?.status === "missing") parts.push(make("p", { class: "quiet" }, "Not computed yet."));
    else if (value) {
        const [name, text] = lines[value.line];
        const exact = typeof value.exact === "number" ? String(value.exact) : text;
        parts.push(make("p", { class: "value", title: exact }, make("span", {}, name), text));
    }
    const pictures = () => {
        // Not all pictures are kept.
        const image = make("img", { alt: `The pictures ${point.of ? `at ${point.of}` : "of this point"}`, class: "pictures" });
        image.addEventListener("error", () => image.remove());
        source.picture(point.pictures).then((address) => { image.src = address; }, () => image.remove());
        return image;
    };
    if (point.pictures && !point.of) parts.push(pictures());
    const many = point.rows.length > 1;
    point.rows.forEach((row, i) => {
        if (many) parts.push(make("h3", {}, row.seed === null ? `${i + 1} of ${point.rows.length}` : `Seed ${row.seed}`));
        parts.push(aboutRow(row));
    });
    // Those of another value come last, under its name.
    if (point.pictures && point.of) {
        parts.push(make("h3", {}, `Pictures at ${point.of}`), pictures(),
            make("p", { class: "quiet" }, "The nearest value with pictures in this file."));
    }
    if (point.place) {
        parts.push(make("h3", {}, "In the script"),
            make("p", { class: "quiet" }, `${point.place.file}:${point.place.line}`),
            make("pre", { tabindex: "0" }, point.place.text.trim()));
    }
    return parts;
}

function aboutRow(row) {
    const facts = Object.entries(row.parameters);
    if (row.depth !== null) facts.push([row.over, row.depth]);
    if (row.seed !== null && !("seed" in row.parameters)) facts.push(["seed", row.seed]);
    if (row.imprecise) facts.push(["precision", "beyond what double precision holds for"]);
    const list = make("dl", {}, facts.map(([name, value]) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
    const parts = [list];
    if (row.fingerprint) {
        parts.push(make("h3", {}, "Result"), make("div", { class: "copied" },
            make("code", { title: row.fingerprint }, row.fingerprint), copyButton(row.fingerprint, "the fingerprint")));
    }
    if (row.command) {
        parts.push(make("h3", {}, "This point alone"), make("div", { class: "copied" },
            make("code", {}, row.command), copyButton(row.command, "the command")));
    }
    return make("section", {}, parts);
}
