// One edit on show: its diagnostics, its items as cards in the script's order, and what it printed.

import { Diagnostics } from "./diagnostics.js";
import { make, setAttribute, setHidden, setText } from "./element.js";
import { FigureCard } from "./figure.js";
import { Printed } from "./printed.js";
import { TableCard } from "./table.js";
import { VerdictCard, WeightsCard } from "./verdict.js";
import { clock, counts, stateWord } from "./words.js";

const KINDS = { figure: FigureCard, table: TableCard, verdict: VerdictCard, weights: WeightsCard };

export class EditView {
    /// The cards by kind and name, so that an edit's figure replaces its predecessor's.
    cards = new Map();
    edit = null;

    constructor(page, where = "") {
        this.page = page;
        this.title = make("h2", { class: "edit-title" });
        this.diagnostics = new Diagnostics();
        this.note = make("p", { class: "note", hidden: true });
        this.items = make("section", { class: "items", "aria-label": "Figures, tables and words" });
        this.printed = new Printed();
        this.element = make("section", { class: `edit ${where}` },
            this.title, this.diagnostics.element, this.note, this.items, this.printed.element);
    }

    update(edit, source) {
        this.edit = edit;
        setAttribute(this.element, "data-edit", edit.number);
        setText(this.title, `Edit ${edit.number}, ${clock(edit.at)}: ${stateWord(edit)}. ${counts(edit)}.`);
        // While an edit is being compiled, its predecessor's messages stay: most often they come again.
        const passing = edit.state === "checking" && edit.diagnostics.length === 0;
        this.element.classList.toggle("passing", passing);
        if (!passing) this.diagnostics.update(edit.diagnostics);
        const note = noteOn(edit, source);
        setText(this.note, note);
        setHidden(this.note, !note);
        this.#updateCards(source, edit);
        if (!passing) this.printed.update(edit);
    }

    #updateCards(source, edit) {
        const seen = new Set();
        let before = null;
        keyed(source.kept ? source.items : []).forEach(([key, item], index) => {
            seen.add(key);
            let card = this.cards.get(key);
            if (!card) {
                const Kind = KINDS[item.kind];
                if (!Kind) return;          // a kind from a newer program, unknown to this page
                card = new Kind(this.page);
                this.cards.set(key, card);
            }
            card.update(item, index, source, edit);
            const after = before ? before.nextSibling : this.items.firstChild;
            if (after !== card.element) this.items.insertBefore(card.element, after);
            before = card.element;
        });
        for (const [key, card] of this.cards) {
            if (seen.has(key)) continue;
            card.closed();
            this.cards.delete(key);
        }
    }

    inOrder() {
        const cards = new Map([...this.cards.values()].map((card) => [card.element, card]));
        return [...this.items.children].map((element) => cards.get(element)).filter(Boolean);
    }

    /// Shows another edit's figures in the same places; `null` ends that.
    flick(other) {
        const items = new Map(other ? keyed(other.items).map(([key, item], index) => [key, { item, index }]) : []);
        for (const [key, card] of this.cards) {
            card.flick(other && { number: other.number, ...items.get(key) });
        }
    }

    get settled() {
        return [...this.cards.values()].every((card) => card.settled);
    }

    closed() {
        for (const card of this.cards.values()) card.closed();
        this.element.remove();
    }
}

/// The items, each with a key that the same item of another edit has too.
export function keyed(items) {
    const times = new Map();
    return items.map((item) => {
        const name = `${item.kind} ${item.name ?? ""}`;
        const nth = times.get(name) ?? 0;
        times.set(name, nth + 1);
        return [`${name} ${nth}`, item];
    });
}

function noteOn(edit, source) {
    if (!source.kept) return "The figures of this edit are no longer in memory. Its results are kept: the script as it was shows them again.";
    if (edit.state === "noted") return "This edit was noted while paused, and not run.";
    if (edit.state === "broken" && source.items.length) return `The script is broken; below are the figures of edit ${source.number}.`;
    if (source.items.length) return "";
    if (edit.state === "broken") return "Nothing to show yet: the script has not run.";
    if (edit.state === "done") return "This script shows nothing: save a figure or a table, or print something.";
    if (edit.state === "checking") return "Checking the script …";
    return "";
}
