// The bar under the header: which edit is shown, and buttons that lead to others.

import { make, setAttribute, setHidden, setText } from "./element.js";
import { clock, stateWord } from "./words.js";

export class EditBar {
    constructor(element, log, selection, act) {
        this.log = log;
        this.selection = selection;
        const button = (text, label, action, more = {}) =>
            make("button", { type: "button", class: "small", "aria-label": label, title: label, onclick: action, ...more }, text);
        this.older = button("‹", "Older edit (←)", () => selection.step(-1));
        this.newer = button("›", "Newer edit (→)", () => selection.step(1));
        this.text = make("span", { class: "which" });
        this.set = make("span", { class: "set" });
        this.arrived = make("button", { type: "button", class: "small arrived", hidden: true, onclick: () => selection.newest() },
            make("span"), " ", make("kbd", {}, "0"));
        this.with = make("select", { "aria-label": "Compare with edit" });
        this.with.addEventListener("change", () => selection.compare(Number(this.with.value)));
        this.compare = button("Compare", "Beside a former edit (c)", act.compare, { "aria-pressed": "false" });
        this.flick = button("Flick", "A former edit's figures in the same place (hold f)", act.flick, { "aria-pressed": "false" });
        element.append(this.older, this.newer, this.text, this.set, this.arrived,
            make("span", { class: "space" }), this.with, this.compare, this.flick);
        // The list is long only when somebody opens it.
        this.with.addEventListener("pointerdown", () => this.#fill());
        this.with.addEventListener("focus", () => this.#fill());
    }

    update(flicked) {
        const { log, selection } = this;
        const { edit } = selection;
        if (!edit) return;
        const comparing = log.edits.has(selection.against);
        const which = selection.isOld ? `Looking back at edit ${edit.number}` : `Edit ${edit.number}`;
        const state = selection.isOld ? ` · ${stateWord(edit)}` : "";
        setText(this.text, `${which}${state} · ${clock(edit.at)} · ${edit.changed}`);
        setText(this.set, Object.entries(edit.parameters ?? {}).map(([name, value]) => `${name} = ${value}`).join(", "));
        this.set.title = "Set on the command line";
        this.text.classList.toggle("old", selection.isOld);
        const newer = log.current - edit.number;
        setHidden(this.arrived, !selection.isOld);
        setText(this.arrived.firstElementChild, newer === 1 ? `Edit ${log.current} is newer: show it` : `${newer} are newer: show edit ${log.current}`);
        setAttribute(this.compare, "aria-pressed", comparing);
        setAttribute(this.flick, "aria-pressed", flicked !== null);
        this.compare.disabled = !comparing && log.edits.size < 2;
        this.flick.disabled = selection.other === null;
        setText(this.flick, flicked === null ? "Flick" : `Flick: edit ${flicked}`);
        setHidden(this.with, !comparing);
        if (comparing && this.with.value !== String(selection.against)) this.#fill();
        const numbers = [...log.edits.keys()];
        const at = comparing ? selection.against : edit.number;
        this.older.disabled = !numbers.some((n) => n < at);
        this.newer.disabled = !numbers.some((n) => n > at);
    }

    #fill() {
        const { log, selection } = this;
        const options = [...log.edits.values()].filter((e) => e.number !== selection.edit.number).reverse()
            .map((e) => make("option", { value: e.number }, `with edit ${e.number}, ${clock(e.at)}`));
        this.with.replaceChildren(...options);
        this.with.value = String(selection.against);
    }
}
