// What the cards of all items share: a heading with the item's name, its line in the script, its progress, and whether it
// comes from an earlier edit.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { itemProgress } from "./words.js";

export class Card {
    /// The item as last sent, and its edit.
    item = null;
    source = null;

    constructor(kind) {
        this.title = make("h3");
        this.name = make("span", { class: "name" });
        this.stale = make("span", { class: "stale", "data-test": "stale", hidden: true });
        this.flicked = make("span", { class: "flicked", hidden: true });
        this.left = make("span", { class: "left" });
        this.actions = make("span", { class: "actions" });
        this.head = make("header", {}, this.title, this.name, this.stale, this.flicked, this.left, this.actions);
        this.error = make("p", { class: "problem", hidden: true });
        this.element = make("article", { class: `card ${kind}`, "data-test": kind, tabindex: "0" }, this.head, this.error);
    }

    /// Shows this item of the edit `source` in the view of `edit`.
    update(item, index, source, edit) {
        Object.assign(this, { item, index, source });
        // A figure's title is in its picture.
        setText(this.title, item.name || item.title || "");
        setText(this.name, item.place ? `line ${item.place.line}` : "");
        setAttribute(this.element, "aria-label", item.title || item.name || item.kind);
        setAttribute(this.element, "data-name", item.name ?? null);
        setText(this.left, itemProgress(item, source.state === "running"));
        setText(this.error, item.error ?? "");
        setHidden(this.error, !item.error);
        const stale = source.number !== edit.number;
        setText(this.stale, stale ? `from edit ${source.number}` : "");
        setHidden(this.stale, !stale);
        // While an edit is being compiled, its predecessor's figures are expected: the mark waits a moment.
        this.element.classList.toggle("stale", stale);
        this.element.classList.toggle("passing", stale && edit.state === "checking");
    }

    /// The address of a file of this item.
    url(name, query = "") {
        return `edits/${this.source.number}/items/${this.index}${name}${query}`;
    }

    /// Whether it shows the latest revision.
    get settled() {
        return true;
    }

    /// Shows another edit's item in place of its own; `null` ends that.
    flick() {}

    closed() {
        this.element.remove();
    }
}

/// A link that saves a file.
export function saveLink(text, label) {
    return make("a", { class: "small", "aria-label": label, title: label }, text);
}
