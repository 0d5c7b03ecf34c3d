// What every item of an edit has in common on the page: a heading with its name, the script's line, how far it is, and
// whether it is an earlier edit's.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { itemProgress } from "./words.js";

export class Card {
    /// The item as last told, and the edit that it is of.
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

    /// Shows this item, of the edit `source`, on behalf of `edit`.
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
        // While an edit is only being compiled its predecessor's figures are no news: the mark waits a moment.
        this.element.classList.toggle("stale", stale);
        this.element.classList.toggle("passing", stale && edit.state === "checking");
    }

    /// Where a file of this item lies.
    url(name, query = "") {
        return `edits/${this.source.number}/items/${this.index}${name}${query}`;
    }

    /// Whether it shows what was announced.
    get settled() {
        return true;
    }

    /// Shows another edit's item in its place for a moment; `null` ends that.
    flick() {}

    closed() {
        this.element.remove();
    }
}

/// A link that saves a file.
export function saveLink(text, label) {
    return make("a", { class: "small", "aria-label": label, title: label }, text);
}
